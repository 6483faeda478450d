// From what was typed to a dead letter: its id, the beginning of it when only one has it, or the id of its job.

internal import JobStore
internal import SyncJobs

/// Finds dead letters by what people type.
struct DeadLetterLookup: Sendable {
    let store: JobStore

    /// The letter; for a job's id its open letter, else its last one.
    ///
    /// - Throws: ``CommandFailure`` (failed) when there is none.
    func letter(_ text: String) async throws -> DeadLetterRecord {
        if let letter = try await store.deadLetter(id: text) { return letter }
        var filter = DeadLetterFilter()
        filter.jobID = text
        let ofJob = try await store.deadLetters(filter)
        if let letter = ofJob.first(where: { $0.state == .open }) ?? ofJob.last { return letter }
        throw CommandFailure(
            .failed, "no dead letter has the id \"\(VisibleText.bare(text, limit: 80))\", or several begin with it",
            remedy: "ferry dead list shows them; what no worker has kept yet, ferry dead list --broker")
    }

    /// The whole ids of what is typed, each once.
    ///
    /// - Throws: as ``letter(_:)``.
    func wholeIDs(_ texts: [String]) async throws -> [String] {
        var ids: [String] = []
        for text in texts {
            let id = try await letter(text).id
            if !ids.contains(id) { ids.append(id) }
        }
        return ids
    }
}

extension Composition {
    /// What a replay is checked against.
    var deadLetterRules: DeadLetterRules {
        DeadLetterRules(
            types: configuration.types, queues: configuration.queues, maximumDepth: configuration.limits.maximumDepth,
            maximumBodyBytes: configuration.limits.maximumMessage.bytes,
            maximumReplays: configuration.deadLetters.maximumReplays)
    }
}
