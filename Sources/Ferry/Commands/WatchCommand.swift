// ferry watch: follows jobs live, by looking at the store's records; no broker is needed.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry watch`.
struct WatchCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Follows jobs as they end and change, or one job until it is over.",
        discussion: """
            Without JOB each job that ends or changes gets a line, and at a terminal running jobs show how far \
            they have come; Ctrl-C ends it with status 0. With JOB it follows that one, its attempts and children, \
            and ends with it: status 0 after a good end, 1 after a failure or a cancel. A job that has no record \
            yet is waited for.

            EXAMPLES
              ferry watch
              ferry watch --type country_sync --json
              ferry watch country:TR:1
            """)

    @Argument(help: "The job's id, or the beginning of it when only one job has it.") var job: String?

    @Option(name: .long, help: ArgumentHelp("Only this type, by name or slug.", valueName: "type"))
    var type: String?

    @Option(
        name: .long, help: ArgumentHelp("The time between two looks, 20ms to 1h.", valueName: "duration"),
        transform: Parsing.interval)
    var interval: Duration = .milliseconds(200)

    @Flag(help: "Print the record as a line of JSON whenever it changes.")
    var json = false

    @OptionGroup var options: CommonOptions

    func validate() throws {
        if job != nil, type != nil { throw ValidationError("A job has one type; name the job or the type") }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        let ending = try await UntilStopped.run { try await follow(composition, store, context) }
        context.screen.clearProgress()
        try store.close()
        switch ending {
        case .done(let end): if !end.isGood { throw EndedWith(status: .failed) }
        // To watch all jobs has no end of its own; one job that is not over has not ended well.
        case .signal(let number): if job != nil { throw EndedWith(status: .signal(number)) }
        }
    }

    private func follow(_ composition: Composition, _ store: JobStore, _ context: CommandContext) async throws -> JobEnd
    {
        guard let job else {
            let slug = type.map { composition.configuration.types[$0]?.slug ?? $0 }
            try await followAll(try await WatchFeed(store: store, typeSlug: slug), context)
        }
        let id = try await JobLookup(store: store).wholeID(job) ?? job
        return try await follow(id, composition, store, context)
    }

    // MARK: all jobs

    /// Goes on until it is cancelled.
    private func followAll(_ begun: WatchFeed, _ context: CommandContext) async throws -> Never {
        var feed = begun
        let pace = Pace(interval: interval)
        if context.screen.errors.isInteractive { context.screen.note("watching; Ctrl-C ends it") }
        while true {
            let start = ContinuousClock.now
            let look = try await feed.look()
            let now = Composition.now()
            for job in look.changed {
                context.print(json ? job.json.canonicalText : JobLine.text(job, now: now, style: context.style))
            }
            if json { for job in look.progressed { context.print(job.json.canonicalText) } }
            context.screen.progress(WatchBars.lines(Array(feed.running.values), now: now))
            if !look.hasMore { try await pace.wait(since: start) }
        }
    }

    // MARK: one job

    private func follow(
        _ id: String, _ composition: Composition, _ store: JobStore, _ context: CommandContext
    ) async throws -> JobEnd {
        let pace = Pace(interval: interval)
        var following: JobFollowing?
        var isWaitedFor = false
        while true {
            let start = ContinuousClock.now
            let now = Composition.now()
            if let end = try await JobEnd.read(id, from: store) {
                var current = following ?? self.following(end.job, composition, context)
                let differs = current.differs(end)
                let lines = current.lines(end, now: now)
                if json {
                    if differs { context.print(end.job.json.canonicalText) }
                } else {
                    context.print(lines)
                }
                following = current
                context.screen.progress(JobFollowing.progress(end, now: now))
                if end.isOver { return end }
            } else if !isWaitedFor {
                isWaitedFor = true
                context.screen.note(
                    "there is no record of \(VisibleText.bare(id)) yet; waiting for it (ferry jobs why "
                        + "\(VisibleText.bare(id)) says more)")
            }
            try await pace.wait(since: start)
        }
    }

    private func following(_ job: SyncJob, _ composition: Composition, _ context: CommandContext) -> JobFollowing {
        let policy = composition.configuration.types[job.typeSlug]?.retryPolicy.applying(job.request)
        return JobFollowing(
            maximumAttempts: policy.map { $0.maxRetries + 1 }, style: context.style,
            isProgressDrawn: context.screen.errors.isInteractive)
    }
}

/// The bars of running jobs.
enum WatchBars {
    /// How many are drawn.
    static let maximum = 8

    /// A line for each of the longest-running ones, and how many more there are.
    static func lines(_ jobs: [SyncJob], now: Timestamp) -> [String] {
        let sorted = jobs.sorted {
            ($0.startedAt?.microseconds ?? 0, $0.id) < ($1.startedAt?.microseconds ?? 0, $1.id)
        }
        let more = sorted.count - maximum
        return sorted.prefix(maximum).map { ProgressText.line($0, now: now) }
            + (more > 0 ? ["… and \(VisibleText.grouped(more)) more running"] : [])
    }
}
