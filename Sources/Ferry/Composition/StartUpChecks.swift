// What has to hold before a worker takes its first message: systems with their tables and columns, and the broker's
// exchanges and queues. Whatever is wrong is said all at once, with what mends it.

internal import AMQP
internal import DocumentSystems
internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Something about the systems that does not fit the configuration.
struct FittingProblem: Sendable, Hashable, CustomStringConvertible {
    /// Where the configuration says it: `ferry.yaml:12`; nil for what no line says.
    var location: String?
    /// The key: `types.Country Sync.fields.label`; nil as above.
    var place: String?
    /// What the system says.
    var problem: SystemProblem

    /// As compilers print it, where there is a line.
    var description: String {
        guard let location, let place else { return problem.description }
        return "\(location): \(place): \(problem.message) (\(problem.remedy))"
    }

    /// For programs.
    var json: JSONValue {
        var object: JSONObject = [
            "document_type": .string(problem.documentType.description), "message": .string(problem.message),
            "remedy": .string(problem.remedy), "is_fatal": .bool(problem.isFatal),
        ]
        object["location"] = location.map { .string($0) }
        object["place"] = place.map { .string($0) }
        return .object(object)
    }
}

extension Composition {
    /// Everything that does not fit about the documents of the configured types: systems, tables, columns, child
    /// tables.
    ///
    /// - Parameter down: systems that are known to be down: that they can't be looked at is no problem, but said.
    func fittingProblems(in systems: DocumentSystems, down: [String] = []) async throws -> [FittingProblem] {
        var problems: [FittingProblem] = []
        var unreachable: Set<ExactString> = []
        for system in systems.all {
            do { problems += try await system.check().map { FittingProblem(problem: $0) } } catch {
                unreachable.insert(ExactString(system.name))
                if down.contains(where: { $0.hasSameBytes(as: system.name) }) {
                    logger.warning(
                        "A system is still not available: its jobs are parked, and it is not checked",
                        metadata: [
                            "system": .string(system.name), "reason": .string(error.message),
                            "remedy": .string(error.remedy),
                        ])
                    continue
                }
                let type = DocumentType(system: system.name, name: "*")
                let problem = SystemProblem(
                    documentType: type, message: error.message, remedy: error.remedy, isFatal: true)
                problems.append(FittingProblem(problem: problem))
            }
        }
        for type in configuration.types.all {
            guard let controller = type.controller as? any DeclarativeController else { continue }
            for use in FieldUse.all(by: controller, of: type) {
                // What can't be looked at has no columns to compare.
                guard !unreachable.contains(ExactString(use.type.system)), let system = systems[use.type.system] else {
                    continue
                }
                let found = try await system.check(typeName: use.type.name, fields: use.fields, matches: use.matches)
                problems += found.map {
                    FittingProblem(location: "\(configuration.file):\(use.line)", place: use.place, problem: $0)
                }
            }
            if let problem = insertProblem(type, controller, target: systems[controller.target.system]) {
                problems.append(problem)
            }
            let (source, target) = (systems.shape(of: type.source), systems.shape(of: controller.target))
            let mapping = controller.mapping
            problems += mapping.problems(target: target).map { fitting($0, controller.target, isFatal: true) }
            problems += mapping.problems(source: source).map { fitting($0, type.source, isFatal: true) }
            problems += mapping.warnings(source: source, target: target).map {
                fitting($0, controller.target, isFatal: false)
            }
        }
        return problems.reduce(into: []) { distinct, problem in
            // Several rules may read one column that is not there; a line for each place, none twice.
            if !distinct.contains(problem) { distinct.append(problem) }
        }
    }

    private func fitting(_ problem: ConfigProblem, _ document: DocumentType, isFatal: Bool) -> FittingProblem {
        FittingProblem(
            location: "\(configuration.file):\(problem.line)", place: problem.place,
            problem: SystemProblem(
                documentType: document, message: problem.message, remedy: problem.remedy, isFatal: isFatal))
    }

    /// A run may die between its insert and its commit.
    ///
    /// Without a natural key the next run could not find what that one inserted, and would insert it again; only the
    /// embedded system inserts with the commit.
    private func insertProblem(
        _ type: SyncJobType, _ controller: any DeclarativeController, target: (any DocumentSystem)?
    ) -> FittingProblem? {
        let place = "types.\(type.name)"
        let hasMatch = controller.mapping.targetFields.contains { $0.place.hasPrefix("\(place).match.") }
        guard let target, !target.isEmbedded, type.flags.insertEnabled, !hasMatch else { return nil }
        return FittingProblem(
            problem: SystemProblem(
                documentType: controller.target,
                message: "\(type.name) inserts without match:, so an insert could not be recognised after a crash",
                remedy: "add match: with a field that tells the documents apart, or set insert_enabled: false",
                isFatal: true))
    }

    /// Fails with exit status 2 when a system does not fit; warnings are logged.
    func requireFittingSystems(_ systems: DocumentSystems, down: [String] = []) async throws {
        let problems = try await fittingProblems(in: systems, down: down)
        for warning in problems.map(\.problem) where !warning.isFatal {
            logger.warning(
                "A document type could be declared better",
                metadata: [
                    "document_type": .string(warning.documentType.description), "reason": .string(warning.message),
                    "remedy": .string(warning.remedy),
                ])
        }
        let fatal = problems.filter(\.problem.isFatal)
        guard !fatal.isEmpty else { return }
        throw CommandFailure(
            .usage,
            fatal.map { "  \($0)" }.joined(separator: "\n").withHeading("the systems do not fit the configuration"),
            remedy: "ferry types check shows all of it")
    }

    /// Fails with exit status 4 when a look of at most a second finds the store damaged.
    ///
    /// SQLite's own files survive any crash of a process; what damages them is a disk, or a copy made while they were in
    /// use. A file of up to some hundred megabytes is looked through in that time, of a larger one a part.
    func requireWholeStore(_ store: JobStore) async throws {
        guard try await !store.checkQuickly(within: .seconds(1)) else { return }
        logger.debug("The store is too large to be checked in a second; ferry store check looks through all of it")
    }

    /// Fails with exit status 3 when the broker lacks something of the topology, naming each thing and its remedy.
    func requireTopology(_ broker: AMQPConfiguration) async throws {
        let check = TopologyCheck(topology: topology, configuration: broker, logger: logger)
        let report = try await check.run(management: management(), canaries: false)
        for warning in report.findings where warning.kind.isWarning {
            logger.warning(
                "The topology could not be verified in full",
                metadata: ["object": .string(warning.object), "reason": .string(warning.found)])
        }
        guard !report.isGood else { return }
        let errors = report.findings.filter { !$0.kind.isWarning }
        throw CommandFailure(
            .broker,
            Self.lines(errors).map { "  \($0)" }.joined(separator: "\n")
                .withHeading("the broker is not as Ferry needs it"),
            remedy: "ferry topology apply makes what is missing, with the operator's address")
    }

    /// What is missing by kind, as it has one remedy; anything else by itself.
    ///
    /// Bindings of what is missing go without saying.
    static func lines(_ findings: [TopologyFinding]) -> [String] {
        func named(_ kind: TopologyFinding.Kind, _ noun: String) -> [String] {
            let objects = findings.filter { $0.kind == kind }.map { $0.object.split(separator: " ").last ?? "" }
            return objects.isEmpty ? [] : ["missing \(noun): \(objects.joined(separator: ", "))"]
        }
        let objects = named(.missingExchange, "exchanges") + named(.missingQueue, "queues")
        let kinds: [TopologyFinding.Kind] =
            [.missingExchange, .missingQueue] + (objects.isEmpty ? [] : [.missingBinding])
        let others = findings.filter { !kinds.contains($0.kind) }
        return objects + others.map { "\($0.object): expected \($0.expected), found \($0.found). \($0.remedy)" }
    }
}

/// A field of a document type that a mapping reads or writes, or the fields it looks a target up by, and where it says
/// so.
struct FieldUse: Sendable, Hashable {
    var type: DocumentType
    var fields: [String] = []
    var matches: [[String]] = []
    var line: Int
    var place: String

    /// The uses by one mapping.
    static func all(by controller: any DeclarativeController, of type: SyncJobType) -> [FieldUse] {
        let mapping = controller.mapping
        var uses: [FieldUse] = []
        for source in mapping.sourcePaths where source.path.root == .source {
            guard let field = source.path.fields.first else { continue }
            uses.append(FieldUse(type: type.source, fields: [field], line: source.line, place: source.place))
        }
        for target in mapping.targetFields {
            // The fields of rows belong to another table; that the table is declared is checked beside this.
            let field = target.table ?? target.field
            uses.append(FieldUse(type: controller.target, fields: [field], line: target.line, place: target.place))
        }
        for written in mapping.writtenBackFields {
            uses.append(FieldUse(type: type.source, fields: [written.field], line: written.line, place: written.place))
        }
        let match = mapping.targetFields.filter { $0.place.hasPrefix("types.\(type.name).match.") }
        if let first = match.first {
            uses.append(
                FieldUse(
                    type: controller.target, matches: [match.map(\.field)], line: first.line,
                    place: "types.\(type.name).match"))
        }
        return uses
    }
}

extension String {
    /// The heading, then these lines.
    func withHeading(_ heading: String) -> String { "\(heading):\n\(self)\n" }
}
