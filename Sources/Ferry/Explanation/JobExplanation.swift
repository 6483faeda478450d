// Why a job is where it is and what to do about it, in two or three plain sentences. Pure: from facts to words; each case is
// one function and one test.

internal import JobStore
internal import SyncJobs

/// What is told about a job.
struct JobExplanation: Sendable, Hashable {
    /// The closed set of answers, as programs read them.
    enum Reason: String, Sendable, Hashable, CaseIterable {
        /// There is no record, and nothing is known of the id.
        case neverSeen = "never_seen"
        /// It never became a job: it is a dead letter.
        case deadLetter = "dead_letter"
        /// There is no record yet; its request is canceled when it comes.
        case cancelWaits = "cancel_waits"
        /// There is no record yet; its message is still owed by the job that asked for it.
        case announced
        /// It ended, and its record was pruned.
        case remembered
        /// It is held.
        case held
        /// It waits for its time.
        case notBefore = "not_before"
        /// It waits for its next attempt.
        case retry
        /// It waits until the end of a snooze.
        case snooze
        /// It waits behind an earlier job of its key.
        case blocked
        /// It is parked: its type, its queue or a system that it needs is paused.
        case paused
        /// It is parked: a system that it needs is not available.
        case outage
        /// Its key is held by a run of another job.
        case leased
        /// Its message is not published yet.
        case owed
        /// Its message is with the broker.
        case queued
        /// It runs.
        case running
        /// It is said to run, but its process shows no sign of life.
        case stuck
        /// It is said to run, but its process is gone.
        case processGone = "process_gone"
        /// It runs and was asked to stop.
        case cancelAsked = "cancel_asked"
        /// It failed for good.
        case failed
        /// It was canceled.
        case canceled
        /// Its children do the work.
        case relaying
        /// It is over: a relay whose children have ended.
        case relayed
        /// It is over.
        case finished
        /// It was skipped as a duplicate.
        case duplicate
        /// It was skipped because another job stands for it.
        case superseded
        /// It was skipped for another reason.
        case skipped
        /// It found no target.
        case noTarget = "no_target"
    }

    /// Which case it is.
    var reason: Reason
    /// The job's status; nil without a record.
    var status: JobStatus?
    /// Where it is and why.
    var sentences: [String]
    /// What to do, a command or a sentence each; empty when there is nothing to do.
    var remedies: [String] = []

    /// For people.
    func lines(style: Style) -> [String] { sentences + remedies.map { style(.notice, "→ ") + $0 } }

    /// For programs.
    func json(id: String) -> JSONValue {
        [
            "id": .string(id), "status": status.map { .string($0.rawValue) } ?? .null,
            "reason": .string(reason.rawValue),
            "explanation": .string(sentences.joined(separator: " ")),
            "remedies": .array(remedies.map { .string($0) }),
        ]
    }

    /// Explains.
    init(_ facts: JobFacts) {
        guard let job = facts.situation.job else {
            self = Self.withoutRecord(facts)
            return
        }
        self =
            switch job.status {
            case .pending, .queued: Self.waiting(job, facts)
            case .started: Self.running(job, facts)
            case .failed: job.retryAfter == nil ? Self.failed(job, facts) : Self.waiting(job, facts)
            case .relayed: Self.relayed(job, facts)
            case .finished, .skipped, .noTarget, .canceled: Self.over(job)
            }
        status = job.status
    }

    init(_ reason: Reason, _ sentences: [String], remedies: [String] = []) {
        self.reason = reason
        self.sentences = sentences
        self.remedies = remedies
    }
}

/// What every part of an explanation says in the same words.
enum ExplanationText {
    /// An id as it is typed into the next command.
    static func id(_ id: String) -> String { VisibleText.bare(id) }

    /// `2026-11-21T09:30:00Z (in 4m12s)`, `2026-11-21T09:30:00Z (12s ago)`; to the second.
    static func time(_ time: Timestamp, now: Timestamp) -> String {
        let second = second(time)
        let distance = time.since(now)
        let seconds = Duration.seconds((abs(distance.microseconds) + 500_000) / 1_000_000)
        if seconds == .zero { return "\(second) (now)" }
        return distance > .zero ? "\(second) (in \(seconds.text))" : "\(second) (\(seconds.text) ago)"
    }

    /// `2026-11-21T09:30:00Z`: to the second.
    static func second(_ time: Timestamp) -> String {
        Timestamp(microseconds: time.microseconds, precisionMicroseconds: 1_000_000).description
    }

    /// How many seconds ago, `12s ago`.
    static func ago(_ time: Timestamp, now: Timestamp) -> String {
        "\(Duration.seconds(max(0, now.since(time).microseconds) / 1_000_000).text) ago"
    }

    /// `source_not_visible: the source is not there`.
    static func error(_ failure: JobFailure) -> String {
        "\(failure.code.rawValue): \(VisibleText.bare(failure.message))"
    }
}
