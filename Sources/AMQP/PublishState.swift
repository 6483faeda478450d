// Everything a publisher knows, as a value: what waits, what is in flight, what became of each message.
// Invariant: every message that is added gets exactly one result, and the batch's results come out together, in the
// order given. Nothing here waits, locks or does I/O; the publisher around it does.

/// Where one message is: its batch and its place in it.
struct PublishEntry: Hashable {
    let batch: UInt64
    let index: Int
}

/// A batch that has all its results; whoever gets it hands them out.
struct CompletedBatch {
    let pending: AMQPPendingPublish?
    let results: [AMQPPublishResult]
}

struct PublishState {
    private struct Batch {
        let messages: [AMQPMessage]
        var results: [AMQPPublishResult?]
        var left: Int
        let deadline: ContinuousClock.Instant
        let pending: AMQPPendingPublish?
    }

    let maximumInFlight: Int
    /// Why nothing can be published any more.
    private(set) var end: AMQPError?
    /// Why the broker takes nothing at the moment.
    var blockedReason: String?
    /// Why there is no connection at the moment.
    private(set) var lastFailure: AMQPError?

    private var batches: [UInt64: Batch] = [:]
    private var nextBatch: UInt64 = 1
    private var waiting = FIFO<PublishEntry>()
    /// What was in flight when a publish closed the channel: one of these is to blame, so they go one by one.
    private var suspects = FIFO<PublishEntry>()
    private var ledger = ConfirmLedger<PublishEntry>()
    private var completed: [CompletedBatch] = []

    init(maximumInFlight: Int) { self.maximumInFlight = max(maximumInFlight, 1) }

    /// Whether nothing waits and nothing is in flight.
    var isIdle: Bool { batches.isEmpty }

    /// Whether ``takeOutgoing(atMost:)`` would give something.
    var hasOutgoing: Bool {
        guard blockedReason == nil else { return false }
        return suspects.isEmpty ? !waiting.isEmpty && ledger.count < maximumInFlight : ledger.count == 0
    }

    /// The batches that are complete since the last call.
    mutating func takeCompleted() -> [CompletedBatch] {
        defer { completed = [] }
        return completed
    }

    // MARK: - From the users

    /// Adds messages; those that `objection` names a fault of fail at once, the others wait for their turn.
    mutating func add(
        _ messages: [AMQPMessage], deadline: ContinuousClock.Instant,
        pending: AMQPPendingPublish?, objection: (AMQPMessage) -> String?
    ) {
        let id = nextBatch
        nextBatch += 1
        batches[id] = Batch(
            messages: messages, results: Array(repeating: nil, count: messages.count), left: messages.count,
            deadline: deadline, pending: pending)
        if messages.isEmpty { complete(id) }
        for (index, message) in messages.enumerated() {
            let entry = PublishEntry(batch: id, index: index)
            if let end {
                settle(entry, .failed(end))
            } else if let objection = objection(message) {
                settle(entry, PublishState.invalid(objection))
            } else {
                waiting.append(entry)
            }
        }
    }

    /// Fails what has passed its deadline.
    ///
    /// What is in flight stays counted as such until it is confirmed or its
    /// connection is gone, so that the bound holds.
    mutating func expire(now: ContinuousClock.Instant) {
        let expired = batches.filter { $0.value.deadline <= now }
        guard !expired.isEmpty else { return }
        for (id, batch) in expired {
            for index in batch.results.indices where batch.results[index] == nil {
                settle(PublishEntry(batch: id, index: index), .failed(timeout))
            }
        }
        dropSettled()
    }

    /// Fails all that is not settled, and whatever is added later.
    mutating func finish(_ error: AMQPError) {
        end = error
        for (id, batch) in batches {
            for index in batch.results.indices where batch.results[index] == nil {
                settle(PublishEntry(batch: id, index: index), .failed(error))
            }
        }
        waiting = FIFO()
        suspects = FIFO()
        _ = ledger.takeAll()
    }

    private var timeout: AMQPError {
        let reason =
            blockedReason.map { "the broker takes no messages: \($0)" } ?? lastFailure.map(\.description)
            ?? "the broker did not confirm in time"
        return AMQPError(
            .timedOut, operation: "publish", message: reason,
            remedy: "It may have arrived all the same. Check the broker's alarms, load and reachability.")
    }

    // MARK: - From the connection

    /// What to send now; each gets the next tag.
    mutating func takeOutgoing(atMost limit: Int) -> [Outgoing] {
        guard hasOutgoing else { return [] }
        if let suspect = takeUnsettled(from: \.suspects) { return [outgoing(suspect)] }
        var list: [Outgoing] = []
        while list.count < limit, ledger.count < maximumInFlight, let entry = takeUnsettled(from: \.waiting) {
            list.append(outgoing(entry))
        }
        return list
    }

    private mutating func takeUnsettled(from queue: WritableKeyPath<PublishState, FIFO<PublishEntry>>) -> PublishEntry?
    {
        while let entry = self[keyPath: queue].popFirst() {
            if isUnsettled(entry) { return entry }
        }
        return nil
    }

    private mutating func outgoing(_ entry: PublishEntry) -> Outgoing {
        guard let batch = batches[entry.batch] else { preconditionFailure("an entry without its batch") }
        return Outgoing(message: batch.messages[entry.index], number: ledger.publish(entry))
    }

    /// Takes in a basic.ack or basic.nack.
    mutating func confirm(_ tag: UInt64, multiple: Bool, acknowledged: Bool) {
        var settled: [(PublishEntry, ConfirmOutcome)] = []
        ledger.confirm(tag, multiple: multiple, acknowledged: acknowledged) { settled.append(($0, $1)) }
        for (entry, outcome) in settled {
            switch outcome {
            case .acknowledged: settle(entry, .confirmed)
            case .refused: settle(entry, .refused)
            case .returned(let replyCode, let text): settle(entry, .returned(replyCode: replyCode, text: text))
            }
        }
    }

    /// Takes in a basic.return.
    mutating func markReturned(_ number: UInt64, replyCode: Int, text: String) {
        ledger.markReturned(number, replyCode: replyCode, text: text)
    }

    /// A connection is there; what it cannot carry, by `objection`, fails.
    mutating func connected(objection: (AMQPMessage) -> String?) {
        lastFailure = nil
        for entry in waiting.elements + suspects.elements {
            guard let message = batches[entry.batch]?.messages[entry.index] else { continue }
            if let objection = objection(message) { settle(entry, PublishState.invalid(objection)) }
        }
    }

    private static func invalid(_ objection: String) -> AMQPPublishResult {
        .failed(
            AMQPError(.invalidMessage, operation: "publish", message: objection, remedy: "Correct the message."))
    }

    /// There is no connection; what it left unconfirmed goes again, or is looked at one by one if one is to blame.
    mutating func disconnected(_ error: AMQPError) {
        lastFailure = error
        blockedReason = nil
        let unconfirmed = ledger.takeAll().filter { isUnsettled($0) }
        guard error.isCausedByPublish else {
            // Suspects stay suspects; they were not at fault this time, nor have they been cleared.
            if suspects.isEmpty { waiting.prepend(unconfirmed) } else { suspects.prepend(unconfirmed) }
            return
        }
        if unconfirmed.count == 1, let culprit = unconfirmed.first {
            blame(culprit, error)
        } else {
            suspects.prepend(unconfirmed)
        }
    }

    /// Fails the message that closed the channel, and the suspects that would do the same.
    private mutating func blame(_ culprit: PublishEntry, _ error: AMQPError) {
        let message = batches[culprit.batch]?.messages[culprit.index]
        settle(culprit, .failed(error))
        guard let message else { return }
        for other in suspects.takeAll() {
            guard let its = batches[other.batch]?.messages[other.index] else { continue }
            let isAlike =
                switch error.code {
                case .resourceMissing: its.exchange == message.exchange
                case .accessRefused: its.exchange == message.exchange && its.routingKey == message.routingKey
                default: false
                }
            if isAlike { settle(other, .failed(error)) } else { suspects.append(other) }
        }
    }

    // MARK: - Results

    private func isUnsettled(_ entry: PublishEntry) -> Bool {
        guard let batch = batches[entry.batch] else { return false }
        return batch.results[entry.index] == nil
    }

    private mutating func settle(_ entry: PublishEntry, _ result: AMQPPublishResult) {
        guard isUnsettled(entry) else { return }
        batches[entry.batch]?.results[entry.index] = result
        batches[entry.batch]?.left -= 1
        if batches[entry.batch]?.left == 0 { complete(entry.batch) }
    }

    private mutating func complete(_ id: UInt64) {
        guard let batch = batches.removeValue(forKey: id) else { return }
        completed.append(
            CompletedBatch(pending: batch.pending, results: batch.results.compactMap { $0 }))
    }

    private mutating func dropSettled() {
        let known = batches
        func isGone(_ entry: PublishEntry) -> Bool { known[entry.batch]?.results[entry.index] != .some(nil) }
        waiting.removeAll(where: isGone)
        suspects.removeAll(where: isGone)
    }
}
