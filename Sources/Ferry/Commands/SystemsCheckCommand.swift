// ferry systems check: every document type held against its system, and one document of each as Ferry sees it.

internal import ArgumentParser
internal import DocumentSystems
internal import JobStore
internal import SyncJobs

/// `ferry systems check`.
struct SystemsCheckCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks the declared document types and shows one document of each.",
        discussion: """
            Tables and columns are compared with what is declared; then the documents of each type are counted and \
            the first is read and printed as Ferry sees it: kinds applied, child tables in place, sensitive fields \
            masked. Whether the mappings fit is for ferry types check to say.

            Exit codes: 1 a document cannot be read, 2 a declaration does not fit, 4 a system cannot be reached.

            EXAMPLES
              ferry systems check
              ferry systems check shop --json
            """)

    @Argument(help: "Only this system.") var system: String?
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let systems = try system.map { [try composition.requireSystem($0)] } ?? composition.configuration.systems
        let needsStore = systems.contains { $0.kind == .embedded }
        let store = needsStore ? try composition.openStore() : nil
        var reports: [SystemReport] = []
        for settings in systems { reports.append(await SystemReport.make(settings, composition, store: store)) }
        try store?.close()
        if json {
            context.print(json: ["systems": .array(reports.map(\.json))])
        } else if reports.isEmpty {
            context.screen.note("no systems; add them under systems: in the configuration")
        } else {
            for report in reports { context.print(report.lines(style: context.style)) }
        }
        try Self.finish(reports)
    }

    /// Fails when something is wrong, with the status of the worst.
    static func finish(_ reports: [SystemReport]) throws {
        let unreachable = reports.filter { $0.failure != nil }.map { VisibleText.bare($0.settings.name) }
        let misfits = reports.flatMap(\.problems).count(where: \.isFatal)
        let unreadable = reports.flatMap(\.documents).count { $0.failure != nil }
        if !unreachable.isEmpty {
            throw CommandFailure(
                .store, "cannot look at \(unreachable.joined(separator: ", "))", remedy: "mend what is named above")
        }
        if misfits > 0 {
            throw CommandFailure(
                .usage, "\(Quantity.count(misfits, "problem")) with what is declared",
                remedy: "mend what is named above")
        }
        if unreadable > 0 {
            throw CommandFailure(
                .failed, "documents of \(Quantity.count(unreadable, "type")) cannot be read",
                remedy: "mend what is named above")
        }
    }
}

/// What a check found in one system.
struct SystemReport: Sendable {
    /// One document type.
    struct Documents: Sendable {
        let type: DocumentType
        /// The table, where documents live in tables.
        let table: String?
        let isDeclared: Bool
        var count: Int?
        /// The first document, masked.
        var first: Document?
        /// Why it can't be counted or read.
        var failure: JobFailure?
    }

    let settings: SystemSettings
    let file: String
    /// Why the system can't be looked at.
    var failure: JobFailure?
    var problems: [SystemProblem] = []
    var documents: [Documents] = []

    init(settings: SystemSettings, file: String) {
        self.settings = settings
        self.file = file
    }

    /// Looks at a system; whatever goes wrong is in the report.
    static func make(_ settings: SystemSettings, _ composition: Composition, store: JobStore?) async -> SystemReport {
        var report = SystemReport(settings: settings, file: composition.file(of: settings))
        do {
            let system = try composition.system(settings, store: try store ?? composition.openStore())
            report.problems = try await system.check()
            let misfits = Set(report.problems.filter(\.isFatal).map { ExactString($0.documentType.name) })
            for type in composition.documentTypes(of: settings) {
                let declared = composition.configuration.document(type)
                var documents = Documents(type: type, table: declared?.table?.table, isDeclared: declared != nil)
                // What is wrong with it is said already; reading would say it again.
                if !misfits.contains(ExactString(type.name)) { await documents.read(from: system) }
                report.documents.append(documents)
            }
        } catch {
            report.failure = JobFailure(error)
        }
        return report
    }

    /// A heading, the problems, then each document type with its first document.
    func lines(style: Style) -> [String] {
        let about = VisibleText.bare("\(settings.kindName), \(file)")
        var lines = ["\(style(.heading, VisibleText.bare(settings.name))) (\(about))"]
        if let failure { lines.append("  \(style(.bad, "error")): \(VisibleText.bare(failure.description))") }
        lines += problems.map { problem in
            "  \(problem.isFatal ? style(.bad, "error") : style(.notice, "warning")): \(VisibleText.bare("\(problem)"))"
        }
        return lines + documents.flatMap { $0.lines(style: style) }
    }

    /// For programs.
    var json: JSONValue {
        var object: JSONObject = [
            "name": .string(settings.name), "kind": .string(settings.kindName), "file": .string(file),
            "problems": .array(problems.map { FittingProblem(problem: $0).json }),
            "documents": .array(documents.map(\.json)),
        ]
        object["error"] = failure?.json
        return .object(object)
    }
}

extension SystemReport.Documents {
    /// Counts the documents and reads the first.
    fileprivate mutating func read(from system: any DocumentSystem) async {
        do throws(JobFailure) {
            count = try await system.count(typeName: type.name)
            first = try await system.list(typeName: type.name, after: nil, limit: 1).first.map { document in
                var masked = document
                masked.fields = SensitiveFields(of: system.shape(of: type.name) ?? DocumentShape())
                    .masking(document.fields)
                return masked
            }
        } catch {
            failure = error
        }
    }

    fileprivate func lines(style: Style) -> [String] {
        var facts: [String] = []
        if let table { facts.append("table \(VisibleText.bare(table))") }
        if let count { facts.append(Quantity.count(count, "document")) }
        if !isDeclared { facts.append("not declared") }
        let heading = "  \(style(.heading, VisibleText.bare(type.description))) · \(facts.joined(separator: " · "))"
        if let failure { return [heading, "    \(style(.bad, "error")): \(VisibleText.bare(failure.description))"] }
        guard let first else { return [heading] }
        let version = first.version.map { " · version \(VisibleText.bare($0.text))" } ?? ""
        return [heading, "    \(VisibleText.bare(first.key?.name ?? "", limit: 120))\(version)"]
            + DocumentsGetCommand.lines(first.fields).map { "    \($0)" }
    }

    fileprivate var json: JSONValue {
        var object: JSONObject = ["type": .string(type.description), "is_declared": .bool(isDeclared)]
        object["table"] = table.map { .string($0) }
        object["count"] = count.map { .int($0) }
        object["first"] = first.map { $0.json(name: $0.key?.name ?? "") }
        object["error"] = failure?.json
        return .object(object)
    }
}
