// What no section can tell alone: that systems, document types, queues and timeouts that are named exist and agree.

internal import SyncJobs

extension ConfigurationReader {
    /// Checks the sections against each other.
    mutating func check(_ draft: ConfigurationDraft) {
        checkSystemFiles(draft)
        for entry in draft.types {
            guard let type = entry.type else { continue }
            checkDocument(type.source, as: "source", of: entry.entry, in: draft)
            if let target = type.target {
                checkDocument(target, as: "target", of: entry.entry, in: draft)
                checkTables(of: type, target: target, in: draft)
            }
            let triggers = entry.entry.value["triggers"]
            for (position, trigger) in type.triggers.enumerated() {
                // Only its system: a change of a document that is never read or written here needs no declaration.
                let node = triggers?.elements.flatMap { $0.indices.contains(position) ? $0[position] : nil }
                let place = node?["document"] ?? node ?? triggers ?? entry.entry.value
                checkSystem(trigger.document.system, line: place.line, place: place.place, in: draft)
            }
            checkQueue(of: type, entry.entry, in: draft)
        }
        checkLookups(draft)
    }

    /// That what a mapping looks up by is a type of this configuration, and one that has a target to find.
    private mutating func checkLookups(_ draft: ConfigurationDraft) {
        let types = draft.types.compactMap(\.type)
        let names = draft.types.map(\.entry.key)
        for type in types {
            guard let controller = type.controller as? any DeclarativeController else { continue }
            problems += controller.mapping.problems(names: names) { name in
                types.first { $0.name.hasSameBytes(as: name) } ?? types.first { $0.slug.hasSameBytes(as: name) }
            }
        }
    }

    /// The types without those whose name or slug collides with an earlier one's, which are problems.
    mutating func distinct(_ entries: [ConfigurationDraft.TypeEntry]) -> [SyncJobType] {
        var accepted: [SyncJobType] = []
        for entry in entries {
            guard let type = entry.type else { continue }
            do {
                _ = try SyncJobTypes(accepted + [type])
                accepted.append(type)
            } catch {
                let place = entry.entry.value["slug"]
                problems.append(
                    ConfigProblem(
                        line: place?.line ?? entry.entry.line, place: place?.place ?? entry.entry.value.place,
                        message: error.message, remedy: error.remedy))
            }
        }
        return accepted
    }

    mutating func checkSystem(_ name: String, line: Int, place: String, in draft: ConfigurationDraft) {
        guard !draft.systemNames.contains(ExactString(name)) else { return }
        let known = draft.systemNames.map(\.text).sorted()
        problems.append(
            ConfigProblem(
                line: line, place: place, message: "there is no system \"\(name.prefix(80))\"",
                remedy: known.isEmpty
                    ? "declare it: systems: {\(name.prefix(80)): {kind: embedded}}"
                    : Suggestion.remedy(for: name, among: known)))
    }

    private mutating func checkSystemFiles(_ draft: ConfigurationDraft) {
        for system in draft.systems {
            guard case .sqlite(let path) = system.settings.kind, path.hasSameBytes(as: draft.store.path) else {
                continue
            }
            refuse(
                system.node, "its file is the job store's own",
                remedy: "write kind: embedded for documents in the store, or name another file")
        }
    }

    private mutating func checkDocument(
        _ type: DocumentType, as key: String, of entry: ConfigNode.Entry, in draft: ConfigurationDraft
    ) {
        let node = entry.value[key] ?? entry.value
        guard draft.systemNames.contains(ExactString(type.system)) else {
            return checkSystem(type.system, line: node.line, place: node.place, in: draft)
        }
        let isDeclared = draft.documentNames.contains(ExactString(type.description))
        let kind = draft.systems.first { $0.settings.name.hasSameBytes(as: type.system) }?.settings.kind
        guard !isDeclared, case .sqlite = kind else { return }
        let known = draft.documentNames.map(\.text).sorted()
        let near = type.description.nearest(among: known)
        let remedy =
            near.map { "did you mean \($0)?" } ?? "declare its table: documents: {\(type): {table: …, name: …}}"
        refuse(node, "there is no document type \"\(type)\"", remedy: remedy)
    }

    /// That the child tables which a mapping sets are those which its target declares; an embedded document type that
    /// is not declared takes any.
    private mutating func checkTables(of type: SyncJobType, target: DocumentType, in draft: ConfigurationDraft) {
        let declared = draft.documents.first { $0.type.description.hasSameBytes(as: target.description) }
        guard let declared, let controller = type.controller as? any DeclarativeController else { return }
        problems += controller.mapping.problems(target: declared.shape)
    }

    private mutating func checkQueue(
        of type: SyncJobType, _ entry: ConfigNode.Entry, in draft: ConfigurationDraft
    ) {
        if !draft.queues.contains(where: { $0.hasSameBytes(as: type.queue) }) {
            refuse(
                entry.value["queue"] ?? entry.value, "there is no queue \"\(type.queue.prefix(80))\"",
                remedy: type.queue.nearest(among: draft.queues).map { "did you mean \($0)?" }
                    ?? "add it to queues:, or use one of: \(draft.queues.joined(separator: ", "))")
        }
        if type.timeout >= draft.broker.consumerTimeout {
            let patience = draft.broker.consumerTimeout.text
            refuse(
                entry.value["timeout"] ?? entry.value,
                "a run may take \(type.timeout.text), but the broker waits \(patience) for its end",
                remedy: "shorten it, or raise consumer_timeout at the broker and in broker:")
        }
    }
}
