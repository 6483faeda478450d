// What the messages in the dead-letter queue are there for.

import AMQP
import SyncBroker
import SyncJobs
import Testing

@testable import Ferry

@Suite("Dead letters in the queue")
struct QueuedDeadLetterTests {
    private let reading: DeadLetterReading

    init() throws { reading = DeadLetterReading(topology: try Topology(), maximumMessageBytes: 1 << 20) }

    private func delivery(
        headers: AMQPTable, body: String = "{}", bodyBytes: Int? = nil, exchange: String = "ferry.requests"
    ) -> AMQPDelivery {
        AMQPDelivery(
            epoch: 1, tag: 1, queue: "ferry.dead", exchange: exchange, routingKey: "short.x",
            properties: AMQPProperties(messageID: "m", headers: headers), body: Array(body.utf8), bodyBytes: bodyBytes)
    }

    private func death(_ reason: String, queue: String = "ferry.short") -> AMQPTable {
        [
            "x-death": .array([
                .table(["reason": .string(reason), "queue": .string(queue), "count": .int(2)])
            ])
        ]
    }

    @Test("Ferry's own say their reason, error and remedy")
    func own() {
        let letter = DeadLetter(
            reason: JobFailure(.unknownType, "there is no type", remedy: "add it"), jobID: "j", queue: "short",
            typeSlug: "x", turn: 3, failedAt: Sample.instant)
        var headers: AMQPTable = ["secret": .string("hidden")]
        for member in letter.headers {
            headers[member.key] =
                member.value.numberValue?.int64.map { .int($0) } ?? .string(member.value.nameText ?? "")
        }
        let read = reading.read(delivery(headers: headers))
        #expect(read.reason == "unknown_type" && read.turn == 3 && !read.isByBroker && read.origin == .request)
        #expect(read.headers["ferry-error"] == "there is no type" && read.headers["secret"] == nil)
        #expect(
            QueuedDeadLetter(read, bodyBytes: 2).lines(number: 1, style: .plain) == [
                "1  m · unknown_type · type x · queue short · 2023-11-14T22:13:20.000000Z · 2 bytes",
                "   there is no type", "   remedy: add it", "   {}",
            ])
    }

    @Test("without any header nothing was bound for it")
    func unroutable() {
        let read = reading.read(delivery(headers: [:]))
        #expect(read.reason == "unroutable" && !read.wasDelivered && read.isByBroker)
        #expect(read.error == "no queue is bound for the routing key \"short.x\"")
        #expect(reading.read(delivery(headers: [:], exchange: "ferry.changes")).origin == .change)
    }

    @Test("what comes down the delay ladder and finds no queue is unroutable")
    func fromTheLadder() {
        let read = reading.read(delivery(headers: death("expired", queue: "ferry.delay.03")))
        #expect(read.reason == "unroutable" && read.wasDelivered)
        #expect(reading.read(delivery(headers: death("expired"))).reason == "removed_by_broker")
    }

    @Test("what the broker moved is told by its reason")
    func broker() {
        let large = reading.read(delivery(headers: death("rejected"), bodyBytes: 2 << 20))
        #expect(large.reason == "body_too_large")
        #expect(large.error == "the body has 2097152 bytes; at most 1048576 are taken")
        #expect(large.queue == "short")
        #expect(large.headers["x-death"] == ["rejected in ferry.short, 2 times"])
        #expect(reading.read(delivery(headers: death("delivery_limit"))).reason == "delivery_limit")
        let rejected = reading.read(delivery(headers: death("rejected")))
        #expect(rejected.reason == "removed_by_broker" && rejected.error.contains("rejected"))
    }

    @Test("the JSON has stable names, and a body can't act on the terminal")
    func output() {
        let read = QueuedDeadLetter(reading.read(delivery(headers: [:], body: "\u{1B}[31m\n")), bodyBytes: 6)
        #expect(
            read.json.objectValue?.keys == [
                "body", "body_bytes", "error_message", "id", "reason", "remedy", "routing_key",
            ])
        #expect(read.lines(number: 1, style: .plain).last == "   \\u{1B}[31m\\n")
    }
}
