// start, cancel and retry from the flags to the exit status: preview, question, the store in chunks, what is owed, the report.
// Invariant: each chunk is one transaction of the store; a command that is ended in between has done whole chunks.

internal import JobStore
internal import SyncJobs

/// One action of an operator on one or many jobs.
struct JobActionRun: Sendable {
    let action: JobStore.OperatorAction
    let options: JobActionOptions
    var confirmation = Confirmation()

    /// Does it, and says what was done.
    ///
    /// - Throws: ``EndedWith`` (failed) when something that was named was refused, after it was said.
    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let isNamed = !options.ids.isEmpty
        let means: JobSelection.Means =
            isNamed ? .ids(options.ids) : .filter(try action.narrowed(options.conditions.filter(composition)))
        let store = try composition.openExistingStore()
        let selection = JobSelection(means: means, store: store, types: composition.configuration.types)
        if options.dryRun || !isNamed {
            let preview = try await selection.preview()
            show(preview, context)
            if options.dryRun { return try store.close() }
            if preview.total > 0, !options.yes {
                let question = "\(action.verb) \(Quantity.count(preview.total, "job"))?"
                try confirmation.require(question, on: context.screen)
            }
        }
        let actor = Operator.name(environment: context.environment)
        let report = try await act(on: try await selection.ids(), actor: actor, store: store, context)
        let owed = try await publish(report, composition: composition, store: store, context)
        try store.close()
        context.screen.clearProgress()
        if options.json {
            context.print(json: report.json(actor: actor, owed: owed))
        } else {
            say(report, owed: owed, isNamed: isNamed, context)
        }
        if isNamed, report.refused > 0 { throw EndedWith(status: .failed) }
    }

    /// A dry run's answer is what was asked for; before a question it goes beside it.
    private func show(_ preview: JobPreview, _ context: CommandContext) {
        if options.dryRun, options.json {
            var object = preview.json
            object["action"] = .string(action.rawValue)
            object["dry_run"] = true
            return context.print(json: .object(object))
        }
        let style = options.dryRun ? context.style : context.screen.errors.style
        var lines = preview.lines(style: style)
        let vain = JobStatus.allCases.filter { preview.counts[$0] != nil && !action.statuses.contains($0) }
        if !vain.isEmpty {
            lines.append("cannot be \(action.done): \(vain.map(\.rawValue).joined(separator: ", "))")
        }
        if lines.isEmpty { lines = ["no job there can be \(action.done)"] }
        if options.dryRun { return context.print(lines) }
        for line in lines { context.screen.note(line) }
    }

    private func act(
        on ids: [String], actor: String, store: JobStore, _ context: CommandContext
    ) async throws -> JobActionReport {
        var report = JobActionReport(action: action)
        var rest = ids[...]
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(JobStore.maximumActionCount))
            rest = rest.dropFirst(chunk.count)
            let results = try await store.perform(
                action, ids: chunk, actor: actor, reason: options.reason, at: Composition.now())
            for (id, result) in zip(chunk, results) { report.add(result, id: id) }
            if ids.count > chunk.count {
                context.screen.progress(
                    "\(action.done) \(VisibleText.grouped(report.done)) of \(VisibleText.grouped(ids.count))")
            }
        }
        return report
    }

    private func publish(
        _ report: JobActionReport, composition: Composition, store: JobStore, _ context: CommandContext
    ) async throws -> OwedPublishing.Report {
        let total = report.owing.count
        return try await OwedPublishing(composition: composition, store: store).publish(report.owing) { published in
            if total > JobStore.maximumActionCount {
                context.screen.progress("published \(VisibleText.grouped(published)) of \(VisibleText.grouped(total))")
            }
        }
    }

    private func say(
        _ report: JobActionReport, owed: OwedPublishing.Report, isNamed: Bool, _ context: CommandContext
    ) {
        if isNamed {
            for line in report.lines {
                if line.isRefusal { context.screen.note(line.text) } else { context.print(line.text) }
            }
        }
        if report.total > (isNamed ? 1 : 0) { context.print(report.summary) }
        if let problem = owed.problem {
            context.screen.note(
                "not published yet: \(VisibleText.bare(problem)). A worker on this store publishes it within seconds.")
        }
    }
}
