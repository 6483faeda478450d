// Sending requests: inspected where a store is at hand, published with confirms, and told.

internal import AMQP
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// Sends one request, or lines of them.
struct EnqueueSending: Sendable {
    /// What was sent.
    struct Sent: Sendable {
        /// The jobs to wait for: those that were sent, and those that stand for what was not.
        var jobIDs: [String] = []
        /// What was sent, or why it was not, for programs; nil for lines.
        var json: JSONObject?
        /// What went wrong with some lines, said once everything else is done.
        var failure: CommandFailure?
    }

    let composition: Composition
    let draft: RequestDraft
    let broker: AMQPConfiguration
    /// Looks for what speaks against a request; nil where nobody looks.
    let inspection: EnqueueInspection?
    let isQuiet: Bool
    /// Whether the answer is JSON, so that nothing else is printed.
    let isSilent: Bool

    /// Sends the request that the flags say.
    ///
    /// - Throws: ``CommandFailure`` when it can't become a job, or was refused.
    func sendOne(_ context: CommandContext) async throws -> Sent {
        let message: (id: String, message: OutgoingMessage)
        do { message = try draft.message(for: JSONObject()) } catch {
            throw CommandFailure(.usage, error.message, remedy: error.remedy)
        }
        guard case .request(let request, let queue, _) = message.message else { return Sent() }
        if let objection = try await inspection?.objections(to: [request]).first ?? nil {
            return try answer(objection, to: request, context)
        }
        try await ConfirmedPublishing.with(broker, composition: composition) { publishing in
            await publishing.publish([message])
            try await publishing.requireAllConfirmed()
        }
        if !isQuiet, !isSilent { context.print("enqueued \(VisibleText.bare(request.id)) into \(queue)") }
        var object = request.json
        object["queue"] = .string(queue)
        return Sent(jobIDs: [request.id], json: object)
    }

    /// What is done already is no error, but nothing is sent.
    private func answer(
        _ objection: EnqueueObjection, to request: SyncRequest, _ context: CommandContext
    ) throws -> Sent {
        switch objection {
        case .refused(let failure): throw failure
        case .known(let jobID, let words):
            if !isQuiet, !isSilent { context.print(words) }
            return Sent(
                jobIDs: jobID.map { [$0] } ?? [],
                json: [
                    "id": .string(request.id), "sent": false, "known_job": jobID.map { .string($0) } ?? .null,
                    "reason": .string(words),
                ])
        }
    }

    /// Sends what stands on standard input.
    func sendLines(keepingIDs: Bool, _ context: CommandContext) async throws -> Sent {
        let draft = draft
        let lines = LinePublishing(
            noun: "request", limits: composition.configuration.limits, screen: context.screen, isQuiet: isQuiet,
            inspect: inspection?.objections(toMessages:)
        ) { try draft.message(for: $0) }
        return try await ConfirmedPublishing.with(broker, composition: composition) { publishing in
            let report = try await lines.publishAll(to: publishing, keepingIDs: keepingIDs)
            return Sent(jobIDs: report.jobIDs, failure: report.failure)
        }
    }
}
