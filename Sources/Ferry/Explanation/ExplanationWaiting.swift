// Jobs that wait: for a hand, a time, another job, the broker, or a worker.

internal import JobStore
internal import SyncJobs

extension JobExplanation {
    private typealias Text = ExplanationText

    /// Nothing is recorded: what is known of the id all the same, else where its request may be.
    static func withoutRecord(_ facts: JobFacts) -> JobExplanation {
        let situation = facts.situation
        if situation.isSeen {
            return JobExplanation(
                .remembered,
                [
                    "It ended, and its record was removed by retention; only its id is still known.",
                    "A request with this id is not run again.",
                ], remedies: ["send the request under another id if it is to be run again"])
        }
        if let reason = situation.cancelReason {
            return JobExplanation(
                .cancelWaits,
                [
                    "It has no record yet, and it was canceled beforehand (\(VisibleText.bare(reason))).",
                    "Its request ends Canceled when it comes.",
                ], remedies: ["send it under another id if it shall run after all"])
        }
        if let letter = facts.deadLetters.last {
            return JobExplanation(
                .deadLetter,
                [
                    "It never became a job: it is the dead letter \(letter.id) (\(letter.state.rawValue)).",
                    "\(VisibleText.bare(letter.reason)): \(VisibleText.bare(letter.error)).",
                ], remedies: [VisibleText.bare(letter.remedy), "ferry dead show \(letter.id)"])
        }
        if let message = situation.owed.first {
            return JobExplanation(
                .announced,
                [
                    "It has no record yet: the job \(Text.id(message.jobID)) asked for it, and its message is not published yet.",
                    "A worker on this store publishes it within seconds.",
                ], remedies: ["ferry work, if no worker runs on this store"])
        }
        var explanation = JobExplanation(
            .neverSeen, ["There is no record of it: it was never sent, or its request has not been run yet."])
        explanation.addQueues(facts.broker, isRecorded: false, ahead: nil)
        return explanation
    }

    /// Pending, Queued, or Failed with a retry ahead.
    static func waiting(_ job: SyncJob, _ facts: JobFacts) -> JobExplanation {
        switch job.waitReason {
        case .hold:
            return JobExplanation(
                .held, ["It is held: it was created with \"hold\", and waits until somebody starts it."],
                remedies: ["ferry jobs start \(Text.id(job.id))", "ferry jobs cancel \(Text.id(job.id))"])
        case .blocked: return blocked(job, facts)
        case .notBefore: return untilTime(.notBefore, job, facts, "It is not to be run before")
        case .snooze: return untilTime(.snooze, job, facts, "Its controller put it off until")
        case .retry: return retry(job, facts)
        case .paused, .outage: return parked(job, facts)
        case nil: break
        }
        if job.status == .pending {
            return JobExplanation(
                .held, ["It waits until somebody starts it."], remedies: ["ferry jobs start \(Text.id(job.id))"])
        }
        // What waits for a time without saying for what was written by another version.
        if job.retryAfter != nil { return retry(job, facts) }
        return queued(job, facts)
    }

    private static func untilTime(
        _ reason: Reason, _ job: SyncJob, _ facts: JobFacts, _ words: String
    ) -> JobExplanation {
        guard let due = job.retryAfter else { return queued(job, facts) }
        var explanation = JobExplanation(reason, ["\(words) \(Text.time(due, now: facts.now))."])
        explanation.sayWhenDue(due, job, facts)
        return explanation
    }

    private static func retry(_ job: SyncJob, _ facts: JobFacts) -> JobExplanation {
        guard let due = job.retryAfter else { return queued(job, facts) }
        let next = job.retryCount + 1
        let attempt = facts.maximumAttempts.map { "attempt \(next) of \($0)" } ?? "attempt \(next)"
        var sentences = ["It failed, and waits until \(Text.time(due, now: facts.now)) for \(attempt)."]
        if let error = job.error { sentences.append("The last attempt ended with \(Text.error(error)).") }
        var explanation = JobExplanation(.retry, sentences)
        explanation.sayWhenDue(due, job, facts)
        explanation.remedies += [
            "ferry jobs retry \(Text.id(job.id)) does not wait", "ferry jobs cancel \(Text.id(job.id)) gives it up",
        ]
        return explanation
    }

    /// The message of what is due waits with the broker, if it was published; a due time that has passed says more.
    private mutating func sayWhenDue(_ due: Timestamp, _ job: SyncJob, _ facts: JobFacts) {
        if !facts.situation.owed.isEmpty {
            sentences.append("Its message is not published yet; a worker on this store does that within seconds.")
        } else if due < facts.now {
            sentences.append(
                "Its time has passed: its message is in the queue \(job.queue), or on its way there (a broker that was "
                    + "down delays what waits by as long).")
            remedies.append("ferry work, if no worker takes from the queue \(job.queue)")
        }
    }

    private static func blocked(_ job: SyncJob, _ facts: JobFacts) -> JobExplanation {
        guard let first = facts.situation.blockedBehind else {
            return JobExplanation(
                .blocked,
                ["It waited behind an earlier job of its key, which is over; its message goes out within seconds."])
        }
        let ahead = facts.situation.openAhead
        var sentences = [
            "It is blocked: its type lets jobs of one key wait behind a failed one (on_failure: block), and "
                + "\(Text.id(first.id)) is \(JobText.status(first))."
        ]
        if let due = first.retryAfter {
            sentences.append("That one is tried again at \(Text.time(due, now: facts.now)).")
        }
        if ahead > 1 { sentences.append("\(VisibleText.grouped(ahead)) jobs of the key are before it.") }
        return JobExplanation(
            .blocked, sentences,
            remedies: [
                "ferry jobs why \(Text.id(first.id))",
                "ferry jobs retry \(Text.id(first.id)) or ferry jobs cancel \(Text.id(first.id)) lets it go on",
            ])
    }

    /// Not waiting for anything but its turn: a lease, the outbox, the broker, a worker.
    private static func queued(_ job: SyncJob, _ facts: JobFacts) -> JobExplanation {
        let situation = facts.situation
        if let lease = situation.leaseHolder, !lease.jobID.hasSameBytes(as: job.id) {
            return JobExplanation(
                .leased,
                [
                    "Its key is in use: a run of \(Text.id(lease.jobID)) holds the lease until "
                        + "\(Text.time(lease.until, now: facts.now)), and renews it while it runs.",
                    "It runs when that one has ended.",
                ], remedies: ["ferry jobs why \(Text.id(lease.jobID))"])
        }
        if situation.owed.contains(where: { $0.messageID.hasSameBytes(as: job.id) && $0.kind != .deadLetter }) {
            return JobExplanation(
                .owed,
                [
                    "It is queued, but its message is not published yet.",
                    "It stands in the outbox, and a worker on this store publishes it within seconds.",
                ], remedies: ["ferry work, if no worker runs on this store"])
        }
        var explanation = JobExplanation(.queued, ["It is queued: its message is with the broker, in \(job.queue)."])
        explanation.addQueues(facts.broker, isRecorded: true, ahead: situation.openAhead)
        if let holder = situation.dedupHolder {
            explanation.sentences.append(
                "Its dedup key is held by \(Text.id(holder)): unless that one is over first, it ends Skipped (duplicate)."
            )
        }
        return explanation
    }

    /// What the broker says about the queues, and what follows from it.
    private mutating func addQueues(_ broker: JobFacts.Broker, isRecorded: Bool, ahead: Int?) {
        switch broker {
        case .unreachable(let reason):
            sentences.append("The broker could not be asked: \(VisibleText.bare(reason)).")
            remedies.append("start the broker, or correct broker.url; then ask again")
        case .queues(let queues):
            let busy = queues.filter { $0.waiting > 0 || (isRecorded && $0.consumers == 0) }
            for queue in busy { sentences.append(Self.sentence(about: queue)) }
            if let ahead, ahead > 0 {
                sentences.append("At most \(Quantity.count(ahead, "recorded job")) of the queue came before it.")
            }
            for queue in busy where queue.consumers == 0 {
                remedies.append("ferry work --queue \(queue.name), as nobody takes from it")
            }
            guard remedies.isEmpty else { return }
            if busy.isEmpty, isRecorded {
                sentences.append("Nothing waits there: a worker holds it right now, or has just ended it.")
            } else if busy.isEmpty {
                sentences.append("No work queue has messages waiting: if it was sent, a worker holds it right now.")
                remedies = ["ferry dead list, if it was refused", "ferry enqueue TYPE --id …, if it was never sent"]
            }
        }
    }

    private static func sentence(about queue: JobFacts.Queue) -> String {
        let waiting = Quantity.count(queue.waiting, "message")
        let takers =
            queue.consumers == 0 ? "nobody takes from it (no consumer)" : Quantity.count(queue.consumers, "consumer")
        return "\(queue.name): \(waiting) waiting, \(takers)."
    }
}
