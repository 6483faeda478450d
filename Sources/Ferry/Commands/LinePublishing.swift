// Publishing lines of standard input: each line becomes a message or a refusal with its line number; what is good
// is sent, in order, with confirms, and what was refused decides the exit status.

internal import Foundation
internal import SyncBroker
internal import SyncJobs

/// Turns lines into messages and publishes them.
struct LinePublishing: Sendable {
    /// What messages are called: "request", "change event".
    let noun: String
    /// What a message may be; a line may not be longer or deeper.
    let limits: LimitSettings
    let screen: Screen
    /// Whether only what went wrong is said.
    let isQuiet: Bool
    /// Makes a message of one line's object.
    let message: @Sendable (JSONObject) throws -> (id: String, message: OutgoingMessage)

    /// The most refused lines that are shown one by one; all are counted.
    private static let maximumShown = 100

    /// Publishes everything on standard input.
    ///
    /// - Throws: ``CommandFailure``: usage when lines were refused, broker when messages were not taken.
    func publishAll(to publishing: ConfirmedPublishing) async throws {
        let start = ContinuousClock.now
        var lines = InputLines(maximumLineBytes: limits.maximumMessage.bytes)
        var refused = 0
        while let batch = try await lines.next() {
            var messages: [(id: String, message: OutgoingMessage)] = []
            for line in batch {
                do { messages.append(try read(line)) } catch {
                    refused += 1
                    let failure = CommandFailure(error)
                    if refused <= Self.maximumShown { screen.note("line \(line.number): \(failure)") }
                }
            }
            await publishing.publish(messages)
            let confirmed = await publishing.confirmed
            if !isQuiet {
                screen.progress("confirmed \(VisibleText.grouped(confirmed))\(Self.refusedText(refused))")
            }
        }
        let confirmed = await publishing.confirmed
        let elapsed = ContinuousClock.now - start
        screen.endProgress()
        if !isQuiet {
            screen.note(
                "confirmed \(Quantity.count(confirmed, noun)) in \(Quantity.time(elapsed))\(Self.refusedText(refused))")
        }
        try await publishing.requireAllConfirmed()
        guard refused == 0 else {
            throw CommandFailure(
                .usage, "\(Quantity.count(refused, "line")) refused, the others were sent",
                remedy: "correct the lines named above and send only them")
        }
    }

    private func read(_ line: InputLines.Line) throws -> (id: String, message: OutgoingMessage) {
        guard !line.isTooLong else {
            throw CommandFailure(
                .usage, "longer than \(limits.maximumMessage)",
                remedy: "write one JSON object a line, or raise limits.max_message")
        }
        let value: JSONValue
        do { value = try JSONParser.parse(line.bytes, maximumDepth: limits.maximumDepth) } catch {
            throw CommandFailure(
                .usage, "not JSON at byte \(error.offset): \(error.message)", remedy: "write one JSON object a line")
        }
        guard let object = value.objectValue else {
            throw CommandFailure(.usage, "\(value.kind), not an object", remedy: "write one JSON object a line")
        }
        return try message(object)
    }

    private static func refusedText(_ count: Int) -> String {
        count == 0 ? "" : " · \(Quantity.count(count, "line")) refused"
    }
}
