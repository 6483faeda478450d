// From `triggers:` to triggers. What a trigger can't do for certain (a rename of what is not the source, a document that
// names no source) is a problem here, so that no event fires into the void.

struct TriggerReader {
    let rules: RuleReader
    let source: DocumentType

    func triggers(_ section: ConfigSection, problems: inout [ConfigProblem]) -> [Trigger] {
        guard let node = section["triggers"] else { return [] }
        guard let elements = node.elements else {
            problems.append(
                ConfigProblem(
                    node, "triggers is \(node.kind)",
                    remedy: "write a list: - {document: \(source), events: [insert, update]}"))
            return []
        }
        return elements.compactMap { trigger($0, problems: &problems) }
    }

    private func trigger(_ node: ConfigNode, problems: inout [ConfigProblem]) -> Trigger? {
        let known = SyncJobTypeDefinition.triggerKeys
        guard let section = ConfigSection(node, what: "a trigger", known: known, problems: &problems) else {
            return nil
        }
        let document = document(section, problems: &problems)
        let events = events(section, problems: &problems)
        let when = section["when"].flatMap { rules.expression($0, roots: [.document], problems: &problems) }
        let sourceName = section["source_name"].flatMap { rules.path($0, roots: [.document], problems: &problems) }
        let context = section["context"].flatMap { self.context($0, problems: &problems) }
        guard let document else { return nil }
        if document != source, section["source_name"] == nil {
            problems.append(
                ConfigProblem(
                    node, "a trigger on \(document) does not say which \(source) it means",
                    remedy: "write source_name: document.field, the field that holds the source's name"))
        }
        let isTheSource = document == source && section["source_name"] == nil
        if events.contains(.rename), !isTheSource {
            problems.append(
                ConfigProblem(
                    section["events"] ?? node, "rename has a meaning only for \(source) itself",
                    remedy: "leave it out here; a rename of another document changes no source's name"))
        }
        return Trigger(document: document, events: events, when: when, sourceName: sourceName, context: context)
    }

    private func document(_ section: ConfigSection, problems: inout [ConfigProblem]) -> DocumentType? {
        let remedy = "write document: system.Type, such as \(source)"
        guard let node = section["document"] else {
            problems.append(ConfigProblem(section.node, "document is missing", remedy: remedy))
            return nil
        }
        return node.documentType("document", remedy: remedy, problems: &problems)
    }

    private func events(_ section: ConfigSection, problems: inout [ConfigProblem]) -> Set<ChangeEvent.Kind> {
        guard let node = section["events"], !node.oneOrMore.isEmpty else {
            problems.append(
                ConfigProblem(
                    section.node, "events is missing", remedy: "write events: [insert, update, delete], or some of them"
                ))
            return []
        }
        return Set(node.oneOrMore.compactMap { $0.choice("events", ChangeEvent.Kind.self, problems: &problems) })
    }

    /// `{field: document.field, other: {value: …}}`.
    private func context(_ node: ConfigNode, problems: inout [ConfigProblem]) -> [Trigger.ContextField]? {
        let remedy = "write {field: document.field, other: {value: …}}"
        guard let entries = node.entries else {
            problems.append(ConfigProblem(node, "context is \(node.kind)", remedy: remedy))
            return nil
        }
        return entries.compactMap { entry in
            guard let parts = entry.value.entries else {
                return rules.path(entry.value, roots: [.document], problems: &problems).map {
                    Trigger.ContextField(field: entry.key, value: .path($0))
                }
            }
            guard parts.count == 1, let value = entry.value["value"] else {
                problems.append(ConfigProblem(entry.value, "this is neither a path nor a constant", remedy: remedy))
                return nil
            }
            return Trigger.ContextField(field: entry.key, value: .constant(value.json))
        }
    }
}
