// Contents put together from frames.
import Testing

@testable import AMQP

@Suite("Contents") struct AssemblerTests {
    private let method = ContentMethod.deliver(
        consumerTag: "c", tag: 7, redelivered: false, exchange: "e", routingKey: "k")

    private func feed(_ assembler: inout ContentAssembler, _ bytes: [UInt8]) throws -> Content? {
        try assembler.body(count: bytes.count) { $0 += bytes }
    }

    @Test("without a body are complete with their header")
    func empty() throws {
        var assembler = ContentAssembler(maximumBodyBytes: 10)
        try assembler.begin(method)
        #expect(assembler.isInside)
        let content = try #require(try assembler.header(bodyBytes: 0, properties: AMQPProperties(messageID: "m")))
        #expect(content.body == [])
        #expect(content.head.properties.messageID == "m")
        #expect(!assembler.isInside)
    }

    @Test("are complete when the announced bytes are there, not before")
    func several() throws {
        var assembler = ContentAssembler(maximumBodyBytes: 10)
        for _ in 0..<2 {
            try assembler.begin(method)
            #expect(try assembler.header(bodyBytes: 5, properties: AMQPProperties()) == nil)
            #expect(try feed(&assembler, [1, 2]) == nil)
            #expect(try feed(&assembler, []) == nil)
            #expect(try feed(&assembler, [3, 4]) == nil)
            let content = try #require(try feed(&assembler, [5]))
            #expect(content.body == [1, 2, 3, 4, 5])
            #expect(content.head.bodyBytes == 5)
            guard case .deliver(_, 7, _, _, _) = content.head.method else {
                Issue.record("another method")
                return
            }
        }
    }

    @Test("over the limit are counted and not kept")
    func omitted() throws {
        var assembler = ContentAssembler(maximumBodyBytes: 3)
        try assembler.begin(method)
        #expect(try assembler.header(bodyBytes: 4, properties: AMQPProperties()) == nil)
        var wasAsked = false
        #expect(try assembler.body(count: 3) { _ in wasAsked = true } == nil)
        let content = try #require(try assembler.body(count: 1) { _ in wasAsked = true })
        #expect(!wasAsked)
        #expect(content.head.isBodyOmitted)
        #expect(content.body == [])
        #expect(content.head.bodyBytes == 4)
    }

    @Test("that announce absurd sizes reserve no memory")
    func absurd() throws {
        var assembler = ContentAssembler(maximumBodyBytes: 3)
        try assembler.begin(method)
        #expect(try assembler.header(bodyBytes: .max, properties: AMQPProperties()) == nil)
        #expect(try feed(&assembler, [1]) == nil)
    }

    @Test("with frames out of order are violations")
    func violations() throws {
        func expectViolation(_ body: (inout ContentAssembler) throws -> Void) {
            var assembler = ContentAssembler(maximumBodyBytes: 10)
            #expect { try body(&assembler) } throws: { ($0 as? AMQPError)?.code == .protocolViolation }
        }
        expectViolation { _ = try $0.header(bodyBytes: 1, properties: AMQPProperties()) }
        expectViolation { _ = try self.feed(&$0, [1]) }
        expectViolation {
            try $0.begin(self.method)
            try $0.begin(self.method)
        }
        expectViolation {
            try $0.begin(self.method)
            _ = try self.feed(&$0, [1])
        }
        expectViolation {
            try $0.begin(self.method)
            _ = try $0.header(bodyBytes: 1, properties: AMQPProperties())
            _ = try self.feed(&$0, [1, 2])
        }
    }
}
