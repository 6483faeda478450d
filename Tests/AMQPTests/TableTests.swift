// Field tables through librabbitmq's own codec: what is sent is what arrives, and weighs what we say it weighs.
import Testing

@testable import AMQP

@Suite("Field tables") struct TableTests {
    static let tables: [AMQPTable] = [
        [:],
        ["": .string("")],
        ["text": .string("grüße 👋"), "nul": .string("a\0b"), "int": .int(.min), "max": .int(.max)],
        ["double": .double(-0.0), "huge": .double(.greatestFiniteMagnitude), "bool": .bool(false)],
        ["bytes": .bytes([]), "more": .bytes([0, 128, 255]), "time": .timestamp(-1), "null": .null],
        ["table": .table([:]), "array": .array([]), "deep": .table(["a": .array([.table(["b": .int(1)]), .null])])],
        [String(repeating: "n", count: 255): .string(String(repeating: "v", count: 70_000))],
        Dictionary(uniqueKeysWithValues: (0..<100).map { ("key \($0)", .int(Int64($0))) }),
    ]

    @Test("come back as they were, in exactly the bytes foretold", arguments: tables)
    func roundTrip(table: AMQPTable) throws {
        let (decoded, encodedBytes) = try Wire.roundTrip(table)
        #expect(decoded == table)
        #expect(encodedBytes == AMQPValue.encodedBytes(of: table))
    }

    @Test("nested at the limit pass, beyond it are refused")
    func depth() throws {
        func nested(_ depth: Int) -> AMQPTable {
            (0..<depth).reduce(["leaf": .int(1)]) { table, _ in ["t": .table(table)] }
        }
        #expect(AMQPValue.objection(to: nested(60)) == nil)
        #expect(try Wire.roundTrip(nested(60)).decoded == nested(60))
        #expect(AMQPValue.objection(to: nested(70)) != nil)
        #expect(AMQPValue.objection(to: nested(1000)) != nil)
    }

    @Test("with names over 255 bytes are refused, which the library would truncate")
    func names() {
        #expect(AMQPValue.objection(to: [String(repeating: "ü", count: 127): .null]) == nil)
        #expect(AMQPValue.objection(to: [String(repeating: "ü", count: 128): .null]) != nil)
        #expect(AMQPValue.objection(to: ["t": .array([.table([String(repeating: "n", count: 256): .null])])]) != nil)
    }

    @Test("decimals are shown digit by digit")
    func decimals() {
        #expect(decimalText(12345, scale: 2) == "123.45")
        #expect(decimalText(-5, scale: 3) == "-0.005")
        #expect(decimalText(7, scale: 0) == "7")
        #expect(decimalText(.min, scale: 1) == "-214748364.8")
    }

    @Test("text that is not UTF-8 keeps its differences")
    func escapes() {
        #expect(escapedText([0x61, 0xff, 0x5c, 0x00]) == "a\\xff\\x5c\\x00")
    }
}

@Suite("Messages") struct MessageTests {
    private func objection(_ properties: AMQPProperties, frameMax: Int = 4096) -> String? {
        AMQPMessage(exchange: "e", routingKey: "k", properties: properties, body: [])
            .objection(frameMax: frameMax, username: "worker")
    }

    @Test("with ordinary properties can be sent")
    func ordinary() {
        #expect(
            objection(AMQPProperties(messageID: "a", userID: "worker", expiration: "0", headers: ["a": .int(1)])) == nil
        )
    }

    @Test("that cannot be sent say why")
    func objections() {
        let long = String(repeating: "x", count: 256)
        #expect(objection(AMQPProperties(messageID: long))?.contains("message id") == true)
        #expect(objection(AMQPProperties(expiration: "1s"))?.contains("expiration") == true)
        #expect(objection(AMQPProperties(expiration: ""))?.contains("expiration") == true)
        #expect(objection(AMQPProperties(userID: "other"))?.contains("user id") == true)
        #expect(objection(AMQPProperties(headers: ["a": .bytes(.init(repeating: 0, count: 4096))])) != nil)
        #expect(AMQPMessage(exchange: long, routingKey: "", body: []).objection(frameMax: 4096, username: "") != nil)
        #expect(AMQPMessage(exchange: "", routingKey: long, body: []).objection(frameMax: 4096, username: "") != nil)
    }

    @Test("fill a header frame to the last byte and not beyond")
    func frame() {
        let empty = AMQPProperties(headers: ["a": .bytes([])]).encodedBytes + 20
        let room = 4096 - empty
        #expect(objection(AMQPProperties(headers: ["a": .bytes(.init(repeating: 0, count: room))])) == nil)
        #expect(objection(AMQPProperties(headers: ["a": .bytes(.init(repeating: 0, count: room + 1))])) != nil)
    }
}
