// What the messages in the dead-letter queue are there for.

import AMQP
import SyncJobs
import Testing

@testable import Ferry

@Suite("Dead letters")
struct DeadLetterTests {
    private let reading = DeadLetterReading(maximumMessageBytes: 1 << 20)

    private func delivery(headers: AMQPTable, body: String = "{}", bodyBytes: Int? = nil) -> AMQPDelivery {
        AMQPDelivery(
            epoch: 1, tag: 1, queue: "ferry.dead", routingKey: "short.x",
            properties: AMQPProperties(messageID: "m", headers: headers), body: Array(body.utf8), bodyBytes: bodyBytes)
    }

    private func death(_ reason: String) -> AMQPTable {
        ["x-death": .array([.table(["reason": .string(reason), "queue": .string("ferry.short")])])]
    }

    @Test("Ferry's own say their reason, error and remedy")
    func own() {
        let letter = DeadLetter(
            reason: JobFailure(.unknownType, "there is no type", remedy: "add it"), jobID: "j", queue: "short",
            typeSlug: "x", turn: 0, failedAt: Sample.instant)
        var headers: AMQPTable = [:]
        for member in letter.headers { headers[member.key] = .string(member.value.nameText ?? "") }
        let read = reading.read(delivery(headers: headers))
        #expect(read.reason == "unknown_type")
        #expect(
            read.lines(number: 1, style: .plain) == [
                "1  m · unknown_type · type x · queue short · 2023-11-14T22:13:20.000000Z · 2 bytes",
                "   there is no type", "   remedy: add it", "   {}",
            ])
    }

    @Test("without any header nothing was bound for it")
    func unroutable() {
        let read = reading.read(delivery(headers: [:]))
        #expect(read.reason == "unroutable")
        #expect(read.error == "no queue is bound for the routing key \"short.x\"")
    }

    @Test("what the broker moved is told by its reason")
    func broker() {
        let large = reading.read(delivery(headers: death("rejected"), bodyBytes: 2 << 20))
        #expect(large.reason == "body_too_large")
        #expect(large.error == "the body has 2,097,152 bytes; at most 1MiB are taken")
        #expect(large.queue == "ferry.short")
        #expect(reading.read(delivery(headers: death("delivery_limit"))).reason == "delivery_limit")
        #expect(reading.read(delivery(headers: death("rejected"))).reason == "rejected")
    }

    @Test("the JSON has stable names, and a body can't act on the terminal")
    func output() {
        let read = reading.read(delivery(headers: [:], body: "\u{1B}[31m\n"))
        #expect(
            read.json.objectValue?.keys == [
                "body", "body_bytes", "error_message", "id", "reason", "remedy", "routing_key",
            ])
        #expect(read.lines(number: 1, style: .plain).last == "   \\u{1B}[31m\\n")
    }
}
