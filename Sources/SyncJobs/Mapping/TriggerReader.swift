// From `triggers:` to triggers.

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
        guard let document else { return nil }
        if document != source, section["source_name"] == nil {
            problems.append(
                ConfigProblem(
                    node, "a trigger on \(document) does not say which \(source) it means",
                    remedy: "write source_name: document.field, the field that holds the source's name"))
        }
        return Trigger(document: document, events: events, when: when, sourceName: sourceName)
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
        var kinds: Set<ChangeEvent.Kind> = []
        for element in node.oneOrMore {
            guard let kind = element.choice("events", ChangeEvent.Kind.self, problems: &problems) else { continue }
            if kind == .rename {
                problems.append(
                    ConfigProblem(
                        element, "the event rename is not supported by this version",
                        remedy: "leave it out; publish a delete and an insert"))
            }
            kinds.insert(kind)
        }
        return kinds
    }
}
