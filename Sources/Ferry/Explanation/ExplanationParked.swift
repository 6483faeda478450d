// Jobs that are parked: what stands still, since when, and what lets them go on.

internal import JobStore
internal import SyncJobs

extension JobExplanation {
    private typealias Text = ExplanationText

    /// Parked because of a pause or an outage, or behind an earlier job of its key that is.
    static func parked(_ job: SyncJob, _ facts: JobFacts) -> JobExplanation {
        var explanation =
            switch facts.situation.stop {
            case .paused(let pause): paused(pause, facts)
            case .outage(let circuit): outage(circuit, facts)
            case nil: released(job, facts)
            }
        let ahead = facts.situation.parkedAhead
        if ahead > 0 {
            explanation.sentences.append(
                "\(Quantity.count(ahead, "parked job")) of its key \(ahead == 1 ? "is" : "are") before it, and keep their order."
            )
        }
        return explanation
    }

    private static func paused(_ pause: Pause, _ facts: JobFacts) -> JobExplanation {
        var sentence = "It is parked: the \(pause.kind.rawValue) \(VisibleText.bare(pause.name)) was paused by "
        sentence += "\(VisibleText.bare(pause.actor)) at \(Text.time(pause.since, now: facts.now))"
        if let reason = pause.reason { sentence += " (\(VisibleText.bare(reason)))" }
        var sentences = [sentence + "."]
        if let until = pause.until { sentences.append("The pause ends at \(Text.time(until, now: facts.now)).") }
        let flag = pause.kind == .type ? "" : "--\(pause.kind.rawValue) "
        return JobExplanation(.paused, sentences, remedies: ["ferry resume \(flag)\(VisibleText.bare(pause.name))"])
    }

    private static func outage(_ circuit: OpenCircuit, _ facts: JobFacts) -> JobExplanation {
        let system = VisibleText.bare(circuit.system)
        var sentences = [
            "It is parked: the system \(system) is taken for down since \(Text.time(circuit.openedAt, now: facts.now)): "
                + "\(VisibleText.bare(circuit.reason)).",
            "That uses up no retry.",
        ]
        if circuit.probedBy != nil, circuit.probeUntil.map({ $0 > facts.now }) ?? false {
            sentences.append("A job is trying the system right now.")
        } else {
            sentences.append(
                "The next probe is due at \(Text.time(circuit.nextProbeAt, now: facts.now)); "
                    + "\(Quantity.count(circuit.failedProbes, "probe")) failed so far.")
        }
        return JobExplanation(
            .outage, sentences,
            remedies: [
                "make the system \(system) available",
                "ferry resume --system \(system) lets it be tried at once, by a worker on this store",
            ])
    }

    private static func released(_ job: SyncJob, _ facts: JobFacts) -> JobExplanation {
        guard let due = job.retryAfter, job.waitReason == .outage else {
            return JobExplanation(
                job.waitReason == .outage ? .outage : .paused,
                ["It is parked, and nothing stops it any more: it goes on in the order of its receipt."],
                remedies: ["ferry work, if no worker runs on this store"])
        }
        var sentences: [String] = []
        if let error = job.error { sentences.append("Its last run met \(Text.error(error)).") }
        sentences.append(
            "That was no attempt: it waits in the store, and goes on at \(Text.time(due, now: facts.now)).")
        return JobExplanation(.outage, sentences, remedies: ["ferry work, if no worker runs on this store"])
    }
}
