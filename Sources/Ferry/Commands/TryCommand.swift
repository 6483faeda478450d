// ferry try: what a request would do, rule by rule, without doing it; and, when asked to, doing it here and now.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry try`.
struct TryCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "try",
        abstract: "Shows what a job would do: each field, its rule, its value, and what is there now.",
        discussion: """
            The source and the target are read from the configured systems and the job runs dry in this process; no \
            broker is asked, nothing is written and no record is made. Sensitive values are masked.

            --watch shows it again whenever the configuration or the source document changes, until Ctrl-C. --apply then \
            runs it for real, in this process, and records it; what it owes (children, a retry) is published as after any \
            other job. --record adds it as a case for ferry types test, with the documents that were read and sensitive \
            values masked.

            Exit codes: 0, and 1 when the job would fail (with --apply: when it failed or was canceled).

            EXAMPLES
              ferry try customer_sync --source C-1
              ferry try customer_sync --source C-1 --watch
              ferry try customer_sync --source C-1 --operation delete
              ferry try customer_sync --source C-1 --record tests/customers.yaml
              ferry try customer_sync --source C-1 --apply
            """)

    @Argument(help: "The sync job type, by name or slug.") var type: String

    @OptionGroup(title: "Request") var request: RequestedSyncOptions

    @Flag(help: "Show it again whenever the configuration or the source changes.") var watch = false
    @Flag(help: "Then run it for real, in this process.") var apply = false

    @Option(
        name: .long, help: ArgumentHelp("Add it as a case to this file, which is made if need be.", valueName: "file"))
    var record: String?

    @Flag(help: "Show long values whole.") var full = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if watch, apply || record != nil { throw ValidationError("--watch only looks; leave --apply and --record out") }
        if json, apply { throw ValidationError("--json shows one thing; look at the applied job with ferry jobs show") }
        if request.source == nil, request.context == nil {
            throw ValidationError("Name the source document with --source, or give the controller a --context")
        }
        if request.target != nil, request.operation == nil { throw ValidationError("--target needs --operation") }
    }

    func perform(_ context: CommandContext) async throws {
        if watch {
            // To watch has no end of its own, so a signal is a good one.
            _ = try await UntilStopped.run { try await TrialWatch(command: self, context: context).run() }
            context.screen.clearProgress()
            return
        }
        let session = try TrialSession(try context.composition())
        let ending: ExitStatus
        do { ending = try await look(session, context) } catch {
            try session.close()
            throw error
        }
        try session.close()
        if ending != .good { throw EndedWith(status: ending) }
    }

    /// The request that the flags say.
    func request(in composition: Composition) throws -> SyncRequest {
        let limit = composition.configuration.limits.maximumMessage.bytes
        let draft = RequestDraft(
            composition: composition, defaultType: try composition.type(type),
            defaults: try request.object(maximumBytes: limit))
        do { return try draft.request(for: JSONObject()) } catch {
            throw CommandFailure(.usage, error.message, remedy: error.remedy)
        }
    }

    /// Says what the request would do.
    func show(_ report: TrialReport, _ context: CommandContext) {
        guard !json else { return context.print(json: report.json) }
        var text = TrialText(style: context.style)
        if full { text.values.limit = .max / 4 }
        context.print(text.lines(report))
    }

    private func look(_ session: TrialSession, _ context: CommandContext) async throws -> ExitStatus {
        let request = try request(in: session.composition)
        let report = try await session.report(request)
        show(report, context)
        if let record {
            let recording = CaseRecording(
                configuration: session.composition.configuration, environment: context.environment)
            let recorded = try await recording.record(report, documents: session.log.all, into: record)
            context.screen.note("recorded \"\(VisibleText.bare(recorded.name))\" in \(record):\(recorded.line)")
            for warning in recorded.warnings { context.screen.note("  \(warning)") }
        }
        if apply { return try await applied(request, session, context) }
        return report.end.status == .failed ? .failed : .good
    }

    private func applied(
        _ request: SyncRequest, _ session: TrialSession, _ context: CommandContext
    ) async throws -> ExitStatus {
        let job = try await session.apply(request)
        context.print(
            "\(style(context)(.heading, "applied")) here, recorded in \(session.composition.configuration.store.path)")
        context.print(JobLine.text(job, now: Composition.now(), style: context.style))
        if try await !session.store.owedMessages(jobID: job.id, limit: 1).isEmpty {
            let owed = OwedPublishing(composition: session.composition, store: session.store)
            let report = try await owed.publish([job.id]) { _ in }
            if let problem = report.problem {
                context.screen.note(
                    "what it owes is not published yet (\(problem)); a worker on this store publishes it within seconds"
                )
            }
        }
        return [.failed, .canceled].contains(job.status) ? .failed : .good
    }

    private func style(_ context: CommandContext) -> Style { context.style }
}
