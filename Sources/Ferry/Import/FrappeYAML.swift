// An import as the text of ferry.yaml: sections that load as they stand once the controllers are registered, with a
// comment wherever the original says what can't be said here, or says it otherwise.
// Invariant: every finding about a type stands as a comment in it.

internal import SyncJobs

/// Renders an import.
struct FrappeYAML {
    private let imported: FrappeImport

    init(_ imported: FrappeImport) { self.imported = imported }

    /// The whole text, with a line feed at its end.
    var text: String {
        let sections = [heading, broker, queues, systems, documents, types].filter { !$0.isEmpty }
        return sections.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    private var heading: [String] {
        let files = imported.files.map { YAMLText.comment($0, limit: 200) }
        let others = imported.findings.filter { $0.type == nil || $0.note.field == "name" }
        return ["# Drafted from Frappe's Sync Job Types in \(files.joined(separator: ", "))."]
            + [
                "# Read the comments, write the controllers, then merge it into ferry.yaml; docs/from-frappe.md has every name."
            ]
            + others.map { "# \(YAMLText.comment($0.description))" }
    }

    private var broker: [String] {
        guard let timeout = imported.consumerTimeout else { return [] }
        return [
            "broker:",
            YAMLText.line(
                "  consumer_timeout: \(timeout.text)",
                comment: "longer than the longest timeout below; the broker's own consumer_timeout has to be the same"),
        ]
    }

    private var queues: [String] {
        let queues = imported.customQueues.map(YAMLText.value)
        return queues.isEmpty ? [] : ["queues: [\(queues.joined(separator: ", "))]"]
    }

    private var systems: [String] {
        let names = [imported.sourceSystem, imported.targetSystem]
        let distinct = names[0].hasSameBytes(as: names[1]) ? [names[0]] : names
        return ["systems:"]
            + distinct.map { "  \(YAMLText.key($0)): {kind: embedded}" } + [
                "  # Ferry does not read Frappe's database: a request carries its document, or the embedded system holds",
                "  # copies (ferry documents import). A target of your own is better a system of its own, of kind sqlite.",
            ]
    }

    private var documents: [String] {
        ["documents:"]
            + imported.documentTypes.map { "  \(YAMLText.key($0.description)): {name: name}" } + [
                "  # Beside name, for those that need it:",
                "  #   version: {field: modified, order: timestamp, zone: UTC}   # the zone of the site's System Settings",
                "  #   tables: {items: {row_key: name}}   # a child table, its rows by their own names",
            ]
    }

    private var types: [String] {
        ["types:"] + imported.types.flatMap { lines($0) }.map { $0.isEmpty ? "" : "  \($0)" }
    }

    private func lines(_ entry: FrappeImport.Imported) -> [String] {
        let type = entry.type
        let isNamed = entry.slug.hasSameBytes(as: type.name.slug)
        var lines = ["# \(YAMLText.comment(type.record.place, limit: 200))"]
        if !isNamed { lines.append("slug: \(YAMLText.value(entry.slug))") }
        lines.append("source: \(YAMLText.value(imported.source(of: type).description))")
        if let target = imported.target(of: type) {
            lines.append("target: \(YAMLText.value(target.description))")
        } else {
            lines.append("# target: the controller names it")
        }
        lines.append("queue: \(YAMLText.value(type.queue))")
        lines.append(line("timeout", type.timeout))
        lines.append(line("retry_delay", type.retryDelay))
        lines.append("max_retries: \(type.maxRetries)")
        lines += type.flags.map { "\($0.key): \($0.isOn)" }
        if type.isDisabled { lines.append("disabled: true") }
        lines += triggers(type) + controller(entry)
        lines += entry.notes.map { note in
            let value = note.value.map { ": \($0)" } ?? ""
            return "# \(YAMLText.comment("\(note.field): \(note.text)\(value)", limit: 2000))"
        }
        return ["\(YAMLText.key(type.name)):"] + lines.map { "  \($0)" }
    }

    private func line(_ key: String, _ measure: FrappeSyncJobType.Measure) -> String {
        let original = measure.original == 0 ? nil : "\(measure.original) \(measure.unit)"
        return YAMLText.line("\(key): \(measure.duration.text)", comment: original)
    }

    private func triggers(_ type: FrappeSyncJobType) -> [String] {
        let source = YAMLText.value(imported.source(of: type).description)
        return [
            "# triggers: [{document: \(source), events: [insert, update, delete]}]",
            "# There, doc_events in hooks.py enqueue the jobs; here the type says which changes mean it.",
        ]
    }

    private func controller(_ entry: FrappeImport.Imported) -> [String] {
        let kind = entry.controller.kind.map { " as a \($0)" } ?? ""
        var lines = ["# Python: \(YAMLText.comment(entry.controller.module))"]
        if let hooks = entry.controller.hooksInWords, !hooks.isEmpty { lines.append("#   \(YAMLText.comment(hooks))") }
        let command = "ferry types new \(Self.shellWord(entry.type.name))"
        lines.append("# Next: \(YAMLText.comment(command))\(kind); or write fields: instead of controller:")
        return lines + ["controller: \(YAMLText.value(entry.slug))"]
    }

    /// A name as one word of a shell's command line.
    private static func shellWord(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39,
                UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isPlain ? name : "'" + name.replacing("'", with: "'\\''") + "'"
    }
}
