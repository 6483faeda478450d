// Which jobs are meant, as flags shared by the commands that list and count.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// Conditions on jobs.
struct JobFilterOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("Only this status, in any case; repeat it for more.", valueName: "status"),
        transform: Parsing.status)
    var status: [JobStatus] = []

    @Option(name: .long, help: ArgumentHelp("Only this type, by name or slug.", valueName: "type"))
    var type: String?

    @Option(name: .long, help: ArgumentHelp("Only jobs of this source document.", valueName: "name"))
    var source: String?

    @Option(name: .long, help: ArgumentHelp("Only jobs into this target document.", valueName: "name"))
    var target: String?

    @Option(
        name: .long, help: ArgumentHelp("Only failures with this code.", valueName: "code"),
        transform: Parsing.errorCode)
    var error: JobFailure.Code?

    @Option(
        name: .long, help: ArgumentHelp("Only jobs received within this time.", valueName: "duration"),
        transform: Parsing.duration)
    var since: Duration?

    @Option(name: .long, help: ArgumentHelp("Only the children of this job.", valueName: "id"))
    var parent: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only jobs that wait for this: hold, not_before, retry, snooze, blocked, paused, outage.",
            valueName: "reason"),
        transform: Parsing.waitReason)
    var waiting: WaitReason?

    @Flag(name: .long, help: "Only jobs to which anything is still to come: held, queued, running, to be retried.")
    var open = false

    /// Whether nothing is asked for, so that all jobs are meant.
    var isEmpty: Bool {
        status.isEmpty && type == nil && source == nil && target == nil && error == nil && since == nil && parent == nil
            && waiting == nil && !open
    }

    /// The filter.
    ///
    /// A type that is no longer configured is still found by its slug.
    func filter(_ composition: Composition) -> JobFilter {
        var filter = JobFilter()
        filter.statuses = Set(status)
        filter.typeSlug = type.map { composition.configuration.types[$0]?.slug ?? $0 }
        filter.sourceName = source
        filter.targetName = target
        filter.errorCode = error
        filter.since = since.map { Composition.now().advanced(by: .zero - $0) }
        filter.parent = parent
        filter.waitReason = waiting
        filter.isOpen = open ? true : nil
        return filter
    }
}
