// replay and discard from the flags to the exit status: preview, question, the store in parts, what is owed, the report.
// Invariant: each part is one transaction, and what it did is no longer open; so a command that is ended in between has done
// whole parts, and the same command again goes on where it ended.

internal import JobStore
internal import SyncJobs

/// One action of an operator on one or many dead letters.
struct DeadActionRun: Sendable {
    let action: JobStore.DeadLetterAction
    /// "Replay", for a question.
    let verb: String
    /// "replayed".
    let done: String
    let options: DeadActionOptions
    var confirmation = Confirmation()

    /// How many groups a preview shows.
    private static let shownGroups = 10

    /// Does it, and says what was done.
    ///
    /// - Throws: ``EndedWith`` (failed) when something that was named was refused, after it was said.
    func perform(_ composition: Composition, _ context: CommandContext) async throws {
        let store = try composition.openExistingStore()
        let isNamed = !options.ids.isEmpty
        var filter = options.conditions.filter(composition)
        filter.states = [.open]
        let named = try await DeadLetterLookup(store: store).wholeIDs(options.ids)
        var total = named.count
        if !isNamed {
            // What comes while this goes on is left for the next time.
            let found = try await store.countDeadLetters(filter)
            total = found.count
            filter.upToSequence = found.lastSequence
        }
        if options.dryRun || !isNamed {
            let preview = try await preview(named, filter, total: total, store: store)
            if options.dryRun {
                show(preview, context)
                return try store.close()
            }
            for line in preview.lines(style: context.screen.errors.style) { context.screen.note(line) }
            if total > 0, !options.yes {
                try confirmation.require("\(verb) \(Quantity.count(total, "dead letter"))?", on: context.screen)
            }
        }
        let actor = Operator.name(environment: context.environment)
        var report = DeadActionReport(done: done, action: action.word)
        let publishing = OwedPublishing(composition: composition, store: store)
        var owed = OwedPublishing.Report()
        var parts = Parts(named: isNamed ? named : nil, filter: filter)
        while let ids = try await parts.next(from: store) {
            let results = try await store.perform(
                action, letters: ids, actor: actor, reason: options.reason, at: Composition.now())
            let owing = report.add(results, ids: ids)
            if owed.problem == nil {
                let published = try await publishing.publish(owing) { _ in }
                owed.published += published.published
                owed.problem = published.problem
            }
            if total > JobStore.maximumActionCount {
                context.screen.progress(
                    "\(done) \(VisibleText.grouped(report.count)) of \(VisibleText.grouped(total))")
            }
        }
        try store.close()
        context.screen.clearProgress()
        if options.json {
            context.print(json: report.json(actor: actor, owed: owed))
        } else {
            say(report, owed: owed, isNamed: isNamed, context)
        }
        if isNamed, report.refused > 0 { throw EndedWith(status: .failed) }
    }

    /// Whole ids, part by part, oldest first.
    private struct Parts {
        var named: [String]?
        var filter: DeadLetterFilter

        mutating func next(from store: JobStore) async throws -> [String]? {
            if let rest = named {
                guard !rest.isEmpty else { return nil }
                named = Array(rest.dropFirst(JobStore.maximumActionCount))
                return Array(rest.prefix(JobStore.maximumActionCount))
            }
            filter.limit = JobStore.maximumActionCount
            let letters = try await store.deadLetters(filter)
            // What is refused stays open, and must not be met again.
            filter.afterSequence = letters.last?.sequence
            return letters.isEmpty ? nil : letters.map(\.id)
        }
    }

    private func preview(
        _ named: [String], _ filter: DeadLetterFilter, total: Int, store: JobStore
    ) async throws -> DeadPreview {
        guard named.isEmpty else {
            var letters: [DeadLetterRecord] = []
            for id in named.prefix(Self.shownGroups) {
                letters += [try await store.deadLetter(id: id)].compactMap { $0 }
            }
            return DeadPreview(total: total, letters: letters)
        }
        let groups = try await store.deadLetterGroups(filter)
        return DeadPreview(total: total, groups: Array(groups.prefix(Self.shownGroups)), groupCount: groups.count)
    }

    private func show(_ preview: DeadPreview, _ context: CommandContext) {
        guard options.json else { return context.print(preview.lines(style: context.style)) }
        var object = preview.json
        object["action"] = .string(action.word)
        object["dry_run"] = true
        context.print(json: .object(object))
    }

    private func say(
        _ report: DeadActionReport, owed: OwedPublishing.Report, isNamed: Bool, _ context: CommandContext
    ) {
        if isNamed {
            for line in report.lines {
                if line.isRefusal { context.screen.note(line.text) } else { context.print(line.text) }
            }
        } else {
            // Many at once are summed up; of the refused, the first are named.
            for line in report.lines where line.isRefusal { context.screen.note(line.text) }
        }
        if report.total > (isNamed ? 1 : 0) || !isNamed { context.print(report.summary) }
        if let problem = owed.problem {
            context.screen.note(
                "not published yet: \(VisibleText.bare(problem)). A worker on this store publishes it within seconds.")
        }
    }
}
