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
    /// Looks for what speaks against messages, in their order; nil where nobody looks.
    var inspect: (@Sendable ([OutgoingMessage]) async throws -> [EnqueueObjection?])?
    /// Makes a message of one line's object.
    let message: @Sendable (JSONObject) throws -> (id: String, message: OutgoingMessage)

    /// What became of the lines.
    struct Report: Sendable {
        /// The ids of what was sent, and of the jobs that stand for what was known; empty unless they were asked for.
        var jobIDs: [String] = []
        /// Lines that can't be sent as they are.
        var refused = 0
        /// Lines whose job would not do what is asked.
        var objected = 0
        /// Lines whose job is known already.
        var known = 0

        /// What is to be said about lines that were not sent; nil when all were.
        var failure: CommandFailure? {
            guard refused + objected > 0 else { return nil }
            return CommandFailure(
                refused > 0 ? .usage : .failed,
                "\(Quantity.count(refused + objected, "line")) refused, the others were sent",
                remedy: "correct the lines named above and send only them")
        }

        /// ` · 2 lines refused · 1 known already`.
        fileprivate var text: String {
            (refused + objected == 0 ? "" : " · \(Quantity.count(refused + objected, "line")) refused")
                + (known == 0 ? "" : " · \(VisibleText.grouped(known)) known already")
        }
    }

    /// A line that was understood.
    private typealias Message = (line: Int, id: String, message: OutgoingMessage)

    /// The most lines that are named one by one; all are counted.
    private static let maximumShown = 100
    /// While more messages than this are unconfirmed, no more lines are read.
    private static let maximumWaiting = 2 * ConfirmedPublishing.maximumInFlight

    /// Publishes everything on standard input.
    ///
    /// - Throws: ``CommandFailure``: broker when messages were not taken.
    func publishAll(to publishing: ConfirmedPublishing, keepingIDs: Bool = false) async throws -> Report {
        let start = ContinuousClock.now
        // While the broker confirms some lines, the next are read; how many wait is bounded.
        let report = try await withThrowingTaskGroup(of: Int.self) { group in
            var lines = InputLines(maximumLineBytes: limits.maximumMessage.bytes)
            var report = Report()
            var waiting = 0
            while let batch = try await lines.next() {
                let messages = try await messages(of: batch, into: &report, keepingIDs: keepingIDs)
                if keepingIDs { report.jobIDs += messages.map(\.id) }
                waiting += messages.count
                let begun = publishing.begin(messages.map { ($0.id, $0.message) })
                let refusals = report.text
                group.addTask {
                    await publishing.settle(begun)
                    await progress(publishing, refusals)
                    return begun.ids.count
                }
                while waiting > Self.maximumWaiting, let settled = try await group.next() { waiting -= settled }
            }
            try await group.waitForAll()
            return report
        }
        let confirmed = await publishing.confirmed
        let elapsed = ContinuousClock.now - start
        screen.endProgress()
        if !isQuiet {
            screen.note("confirmed \(Quantity.count(confirmed, noun)) in \(Quantity.time(elapsed))\(report.text)")
        }
        try await publishing.requireAllConfirmed()
        return report
    }

    private func progress(_ publishing: ConfirmedPublishing, _ refusals: String) async {
        guard !isQuiet else { return }
        screen.progress("confirmed \(VisibleText.grouped(await publishing.confirmed))\(refusals)")
    }

    /// The messages of lines that can be sent.
    private func messages(
        of batch: [InputLines.Line], into report: inout Report, keepingIDs: Bool
    ) async throws -> [Message] {
        var messages: [Message] = []
        for line in batch {
            do {
                let read = try read(line)
                messages.append((line.number, read.id, read.message))
            } catch {
                report.refused += 1
                name(line.number, "\(CommandFailure(error))", after: report)
            }
        }
        return try await unobjected(messages, into: &report, keepingIDs: keepingIDs)
    }

    private func name(_ line: Int, _ words: String, after report: Report) {
        if report.refused + report.objected + report.known <= Self.maximumShown {
            screen.note("line \(line): \(words)")
        }
    }

    /// The messages against which nothing speaks.
    private func unobjected(
        _ messages: [Message], into report: inout Report, keepingIDs: Bool
    ) async throws -> [Message] {
        guard let inspect, !messages.isEmpty else { return messages }
        var good: [Message] = []
        for (message, objection) in zip(messages, try await inspect(messages.map(\.message))) {
            switch objection {
            case nil: good.append(message)
            case .refused(let failure):
                report.objected += 1
                name(message.line, "\(failure)", after: report)
            case .known(let jobID, let words):
                report.known += 1
                name(message.line, words, after: report)
                if keepingIDs, let jobID { report.jobIDs.append(jobID) }
            }
        }
        return good
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
}
