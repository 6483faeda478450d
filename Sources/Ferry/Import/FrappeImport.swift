// The Sync Job Types of an export put together: names and slugs that don't collide, controllers, and everything that has
// to be said about them. Pure but for the closure that reads a Python file.
// Invariant: what is not carried over is among `findings`, with the file and the type it is from.

internal import SyncJobs

/// What an import makes of exported Sync Job Types.
struct FrappeImport: Sendable {
    /// A type with what stands around it.
    struct Imported: Sendable {
        let type: FrappeSyncJobType
        let slug: String
        let controller: FrappeController
        let notes: [FrappeSyncJobType.Note]
    }

    /// Something that has to be known.
    struct Finding: Sendable, Hashable, CustomStringConvertible {
        let file: String
        let type: String?
        let note: FrappeSyncJobType.Note

        /// `types.json: SAP Customer Sync: is_standard: …`, without what stands in unknown fields.
        var description: String {
            let parts = [file] + (type.map { [$0] } ?? []) + [note.field, note.text]
            return parts.map { VisibleText.bare($0, limit: 300) }.joined(separator: ": ")
        }

        /// For programs.
        var json: JSONValue {
            var object: JSONObject = [
                "file": .string(file), "field": .string(note.field), "message": .string(note.text),
            ]
            object["type"] = type.map { .string($0) }
            object["value"] = note.value.map { .string($0) }
            return .object(object)
        }
    }

    let files: [String]
    let sourceSystem: String
    let targetSystem: String
    private(set) var types: [Imported] = []
    private(set) var findings: [Finding] = []

    /// Puts the types of `export` together.
    ///
    /// - Parameter pythonSource: the text of the Python file beside an exported one; nil when it is not there.
    /// - Throws: ``CommandFailure`` (usage) with everything that is wrong.
    init(
        _ export: FrappeExport, files: [String], sourceSystem: String, targetSystem: String,
        pythonSource: (String) -> String?
    ) throws {
        self.files = files
        self.sourceSystem = sourceSystem
        self.targetSystem = targetSystem
        var problems: [String] = []
        var slugs: Set<String> = []
        for record in export.records {
            guard let type = FrappeSyncJobType(record, problems: &problems) else { continue }
            if let first = types.first(where: { $0.type.name.hasSameBytes(as: type.name) })?.type {
                add(again: type, first, &problems)
                continue
            }
            let slug = Self.slug(of: type.name, notAmong: slugs)
            slugs.insert(slug)
            add(type, slug: slug, source: FrappeController.pythonFile(beside: record.file).flatMap(pythonSource))
        }
        try Self.refuse(problems)
        findings += export.others.map { others in
            Finding(
                file: others.file, type: nil,
                note: .init(
                    field: others.documentType,
                    text: "\(Quantity.count(others.count, "document")) of another type, left out"))
        }
        guard !types.isEmpty else {
            throw CommandFailure(
                .usage, "there is no Sync Job Type in \(files.joined(separator: ", "))",
                remedy: "export them: bench --site SITE export-json \"Sync Job Type\" types.json")
        }
    }

    private mutating func add(_ type: FrappeSyncJobType, slug: String, source: String?) {
        var notes = type.notes
        if !slug.hasSameBytes(as: type.name.slug) {
            notes.insert(
                .init(field: "slug", text: "\(slug), because the name alone makes \"\(type.name.slug.prefix(100))\""),
                at: 0)
        }
        let controller = FrappeController(
            name: type.name, module: type.module, file: type.record.file, source: source)
        types.append(Imported(type: type, slug: slug, controller: controller, notes: notes))
        findings += notes.map { Finding(file: type.record.file, type: type.name, note: $0) }
    }

    private mutating func add(
        again type: FrappeSyncJobType, _ first: FrappeSyncJobType, _ problems: inout [String]
    ) {
        guard type.hasSameSettings(as: first) else {
            problems.append(
                "\(type.record.place): \"\(type.name)\" says something else than in \(first.record.place) (name)")
            return
        }
        findings.append(
            Finding(
                file: type.record.file, type: type.name,
                note: .init(field: "name", text: "the same as in \(first.record.place), taken once")))
    }

    private static func refuse(_ problems: [String]) throws {
        guard !problems.isEmpty else { return }
        let lines = problems.map { VisibleText.bare($0, limit: 500) }
        let count = Quantity.count(lines.count, "problem")
        throw CommandFailure(
            .usage, lines.joined(separator: "\n").withHeading("\(count) with what was exported"),
            remedy: "correct the files, or export them again")
    }

    /// A slug that no other type has.
    private static func slug(of name: String, notAmong taken: Set<String>) -> String {
        // Cut, a slug may end with an underscore, which no slug does.
        let base = name.slug.isEmpty ? "sync_job_type" : String(name.slug.prefix(90)).slug
        let whole = name.slug.isEmpty || name.slug.count > 100 ? base : name.slug
        guard taken.contains(whole) else { return whole }
        var number = 2
        while taken.contains("\(base)_\(number)") { number += 1 }
        return "\(base)_\(number)"
    }

    // MARK: - What the types share

    /// A type's source.
    func source(of type: FrappeSyncJobType) -> DocumentType { DocumentType(system: sourceSystem, name: type.source) }

    /// A type's target; nil when its controller names it.
    func target(of type: FrappeSyncJobType) -> DocumentType? {
        type.target.map { DocumentType(system: targetSystem, name: $0) }
    }

    /// The document types, each once, in the order in which they are named.
    var documentTypes: [DocumentType] {
        var known: Set<ExactString> = []
        return types.flatMap { [source(of: $0.type)] + (target(of: $0.type).map { [$0] } ?? []) }
            .filter { known.insert(ExactString($0.description)).inserted }
    }

    /// The queues that have to be declared.
    var customQueues: [String] {
        var known = Set(FerryConfiguration.builtInQueues)
        return types.map(\.type.queue).filter { known.insert($0).inserted }
    }

    /// How long the broker has to wait for a run, where its default is not enough.
    var consumerTimeout: Duration? {
        guard let longest = types.map(\.type.timeout.duration).max(), longest >= BrokerSettings().consumerTimeout
        else { return nil }
        return longest + .seconds(600)
    }

    /// What was read and made, for programs.
    var json: JSONValue {
        [
            "files": .array(files.map { .string($0) }), "types": .array(types.map(json)),
            "findings": .array(findings.map(\.json)), "configuration": .string(FrappeYAML(self).text),
        ]
    }

    private func json(_ imported: Imported) -> JSONValue {
        let type = imported.type
        var object: JSONObject = [
            "name": .string(type.name), "slug": .string(imported.slug), "file": .string(type.record.file),
            "source": .string(source(of: type).description), "queue": .string(type.queue),
            "timeout": .string(type.timeout.duration.text), "retry_delay": .string(type.retryDelay.duration.text),
            "max_retries": .int(type.maxRetries), "disabled": .bool(type.isDisabled),
            "controller": .string(imported.slug), "python_module": .string(imported.controller.module),
        ]
        object["target"] = target(of: type).map { .string($0.description) }
        object["controller_kind"] = imported.controller.kind.map { .string($0) }
        object["python_functions"] = imported.controller.functions.map { .array($0.map { .string($0) }) }
        for flag in type.flags { object[flag.key] = .bool(flag.isOn) }
        return .object(object)
    }
}

extension FrappeSyncJobType {
    /// Whether both say the same, whatever Frappe notes about the records.
    fileprivate func hasSameSettings(as other: FrappeSyncJobType) -> Bool {
        func settings(_ type: FrappeSyncJobType) -> [JSONObject.Member] {
            type.record.fields.filter { !Self.bookkeeping.contains($0.key) }
        }
        return settings(self) == settings(other)
    }
}
