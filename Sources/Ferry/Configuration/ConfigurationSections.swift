// Section by section from nodes to values; what stands between the sections is checked in ConfigurationChecks.swift.

internal import AMQP
internal import DocumentSystems
internal import SyncBroker
internal import SyncJobs

/// A configuration before it is known to be free of problems.
struct ConfigurationDraft {
    /// One entry of `systems:`, with where it stands.
    struct System {
        let settings: SystemSettings
        let node: ConfigNode
    }

    /// One entry of `types:`, with where it stands; no type when its entry has problems.
    struct TypeEntry {
        let entry: ConfigNode.Entry
        let type: SyncJobType?
    }

    var broker = BrokerSettings()
    var store = StoreSettings(path: "ferry.sqlite")
    var customQueues: [String] = []
    var limits = LimitSettings()
    var worker = WorkerSettings()
    var retention = RetentionSettings()
    var deadLetters = DeadLetterSettings()
    var systems: [System] = []
    /// The names of all entries of `systems:`, those with problems among them.
    var systemNames: Set<ExactString> = []
    var documents: [DocumentSettings] = []
    /// All entries of `documents:`, those with problems among them.
    var documentNames: Set<ExactString> = []
    var types: [TypeEntry] = []

    var queues: [String] { FerryConfiguration.builtInQueues + customQueues }
}

extension ConfigurationReader {
    mutating func readDraft(
        _ root: ConfigNode, controllers: [String: any SyncController],
        functions: [String: FerryConfiguration.Function]
    ) -> ConfigurationDraft {
        let sections = section(root, keys: SectionKey.self)
        func node(_ key: SectionKey) -> ConfigNode? { sections?[key.rawValue] }
        var draft = ConfigurationDraft()
        draft.broker = readBroker(node(.broker))
        draft.store = readStore(node(.store))
        draft.customQueues = readQueues(node(.queues))
        draft.limits = readLimits(node(.limits))
        draft.worker = readWorker(node(.worker))
        draft.retention = readRetention(node(.retention))
        draft.deadLetters = readDeadLetters(node(.deadLetters))
        readSystems(node(.systems), into: &draft)
        readDocuments(node(.documents), into: &draft)
        for entry in map(node(.types), of: "types") ?? [] {
            let type = SyncJobTypeDefinition.read(
                name: entry.key, node: entry.value, controllers: controllers, functions: functions,
                problems: &problems)
            draft.types.append(ConfigurationDraft.TypeEntry(entry: entry, type: type))
        }
        return draft
    }

    // MARK: broker

    private mutating func readBroker(_ node: ConfigNode?) -> BrokerSettings {
        var settings = BrokerSettings()
        let section = section(node, keys: BrokerKey.self)
        let url = text(BrokerKey.url, of: section)
        let urls = texts(section?[BrokerKey.urls.rawValue], example: "[amqp://user:password@host-a, …]")
        if let section, url != nil, urls != nil {
            refuse(
                section, "both url and urls are given", remedy: "keep urls when the broker has several nodes, else url")
        }
        if let urls, urls.isEmpty, let node = section?[BrokerKey.urls.rawValue] {
            refuse(node, "the list is empty", remedy: "name at least one node, or leave the key out")
        } else if let urls {
            settings.urls = urls.map(\.text)
        }
        if let url { settings.urls = [url] }
        settings.tls = readTLS(section?[BrokerKey.tls.rawValue])
        if let prefix = text(BrokerKey.prefix, of: section) { settings.prefix = prefix }
        if let heartbeat = duration(BrokerKey.heartbeat, of: section, in: .seconds(1) ... .seconds(300)) {
            settings.heartbeat = heartbeat
        }
        let day = Duration.seconds(86_400)
        if let timeout = duration(BrokerKey.consumerTimeout, of: section, in: .seconds(60)...(day * 30)) {
            settings.consumerTimeout = timeout
        }
        settings.managementURL = text(BrokerKey.managementURL, of: section)
        if let section { checkBroker(settings, section) }
        return settings
    }

    private mutating func readTLS(_ node: ConfigNode?) -> AMQPTLS? {
        guard let section = section(node, keys: TLSKey.self) else { return nil }
        let certificate = path(TLSKey.certificateFile, of: section)
        let key = path(TLSKey.keyFile, of: section)
        if (certificate == nil) != (key == nil) {
            refuse(
                section, "a client certificate and its key go together",
                remedy: "write both certificate_file and key_file, or neither")
        }
        guard let authorities = path(TLSKey.caFile, of: section) else {
            refuse(section, "there is no ca_file", remedy: "name the PEM bundle of the authorities to trust")
            return nil
        }
        let isPair = certificate != nil && key != nil
        return AMQPTLS(caFile: authorities, certificateFile: isPair ? certificate : nil, keyFile: isPair ? key : nil)
    }

    /// What the layers below would refuse later, said now and at its place.
    private mutating func checkBroker(_ settings: BrokerSettings, _ section: ConfigNode) {
        func node(_ keys: BrokerKey...) -> ConfigNode { keys.lazy.compactMap { section[$0.rawValue] }.first ?? section }
        do { _ = try settings.connection(named: "ferry") } catch {
            refuse(node(.url, .urls, .tls), error.message, remedy: error.remedy.asRemedy)
        }
        do { _ = try Topology(prefix: settings.prefix) } catch {
            refuse(node(.prefix), error.message, remedy: error.remedy)
        }
        if settings.heartbeat.components.attoseconds != 0 {
            refuse(node(.heartbeat), "a heartbeat has whole seconds", remedy: "write it in seconds, such as 20s")
        }
        if let url = settings.managementURL {
            do { _ = try Management(url: url) } catch {
                refuse(node(.managementURL), error.message, remedy: error.remedy)
            }
        }
    }

    // MARK: the small sections

    private mutating func readStore(_ node: ConfigNode?) -> StoreSettings {
        let section = section(node, keys: StoreKey.self)
        return StoreSettings(
            path: path(StoreKey.path, of: section) ?? FilePath.resolving("ferry.sqlite", in: references.folder))
    }

    private mutating func readQueues(_ node: ConfigNode?) -> [String] {
        var queues: [String] = []
        for (node, name) in texts(node, example: "[nightly, imports]") ?? [] {
            guard !FerryConfiguration.builtInQueues.contains(name) else {
                refuse(node, "the queue \"\(name)\" is always there", remedy: "leave it out of queues")
                continue
            }
            do {
                _ = try Topology(queues: FerryConfiguration.builtInQueues + queues + [name])
                queues.append(name)
            } catch { refuse(node, error.message, remedy: error.remedy) }
        }
        return queues
    }

    private mutating func readLimits(_ node: ConfigNode?) -> LimitSettings {
        var limits = LimitSettings()
        let section = section(node, keys: LimitKey.self)
        if let size = size(LimitKey.maximumMessage, of: section, in: .kibibytes(1) ... .mebibytes(16)) {
            limits.maximumMessage = size
        }
        if let size = size(LimitKey.maximumDocument, of: section, in: .kibibytes(1) ... .mebibytes(64)) {
            limits.maximumDocument = size
        }
        if let depth = count(LimitKey.maximumDepth, of: section, in: 10...500) { limits.maximumDepth = depth }
        return limits
    }

    private mutating func readWorker(_ node: ConfigNode?) -> WorkerSettings {
        var worker = WorkerSettings()
        let section = section(node, keys: WorkerKey.self)
        if let count = count(WorkerKey.concurrency, of: section, in: 1...1000) { worker.concurrency = count }
        if let count = count(WorkerKey.prefetch, of: section, in: 1...2000) { worker.prefetch = count }
        if let grace = duration(WorkerKey.grace, of: section, in: .zero ... .seconds(3600)) { worker.grace = grace }
        if let keeps = flag(WorkerKey.keeper, of: section) { worker.keepsDeadLetters = keeps }
        if let count = count(WorkerKey.maximumParked, of: section, in: 1...10_000_000) { worker.maximumParked = count }
        return worker
    }

    // MARK: systems and documents

    private mutating func readSystems(_ node: ConfigNode?, into draft: inout ConfigurationDraft) {
        for entry in map(node, of: "systems") ?? [] {
            draft.systemNames.insert(ExactString(entry.key))
            if entry.key.isEmpty || entry.key.contains(".") {
                problems.append(
                    ConfigProblem(
                        line: entry.line, place: entry.value.place, message: "a system's name has a dot or is empty",
                        remedy: "use a name without dots: document types are named system.Type"))
            }
            guard let section = section(entry.value, keys: SystemKey.self) else {
                if entry.value.scalar?.isNull == true {
                    refuse(entry.value, "there is no kind", remedy: "write {kind: embedded} or {kind: sqlite, path: …}")
                }
                continue
            }
            guard let kind = readSystemKind(section) else { continue }
            var settings = SystemSettings(name: entry.key, kind: kind)
            settings.circuit = readCircuit(section[SystemKey.circuit.rawValue], of: kind)
            draft.systems.append(ConfigurationDraft.System(settings: settings, node: entry.value))
        }
    }

    private mutating func readSystemKind(_ section: ConfigNode) -> SystemSettings.Kind? {
        let kinds = SystemKindName.allCases.map(\.rawValue)
        guard let written = section[SystemKey.kind.rawValue] else {
            refuse(section, "there is no kind", remedy: "write kind: \(kinds.joined(separator: " or kind: "))")
            return nil
        }
        guard let name = text(SystemKey.kind, of: section) else { return nil }
        let path = path(SystemKey.path, of: section)
        switch SystemKindName(rawValue: name) {
        case .embedded:
            if let node = section[SystemKey.path.rawValue] {
                refuse(node, "an embedded system has no path", remedy: "leave it out: it lives in the store's file")
            }
            return .embedded
        case .sqlite:
            if let path { return .sqlite(path: path) }
            if section[SystemKey.path.rawValue] == nil {
                refuse(section, "there is no path", remedy: "name the SQLite file: path: registry.sqlite")
            }
        case nil:
            refuse(
                written, "\(shown(written)) is no kind of system", remedy: Suggestion.remedy(for: name, among: kinds))
        }
        return nil
    }

    private mutating func readDocuments(_ node: ConfigNode?, into draft: inout ConfigurationDraft) {
        for entry in map(node, of: "document types") ?? [] {
            draft.documentNames.insert(ExactString(entry.key))
            guard let type = DocumentType(entry.key) else {
                problems.append(
                    ConfigProblem(
                        line: entry.line, place: entry.value.place,
                        message: "\"\(entry.key.prefix(80))\" names no document type",
                        remedy: "write system.Type, such as erp.Customer"))
                continue
            }
            checkSystem(type.system, line: entry.line, place: entry.value.place, in: draft)
            let system = draft.systems.first { $0.settings.name.hasSameBytes(as: type.system) }
            draft.documents.append(readDocument(type, entry.value, in: system?.settings.kind))
        }
    }

    private mutating func readDocument(
        _ type: DocumentType, _ node: ConfigNode, in system: SystemSettings.Kind?
    ) -> DocumentSettings {
        var settings = DocumentSettings(type: type, shape: DocumentShape())
        switch system {
        case .embedded:
            settings.shape = DocumentShape.read(node: node, problems: &problems)
            refuseLayout(node)
        case .sqlite:
            settings.shape = DocumentShape.read(node: node, problems: &problems)
            var layoutProblems: [ConfigProblem] = []
            settings.table = SQLiteTable.read(node: node, shape: settings.shape, problems: &layoutProblems)
            // Both read `name` and `row_key`; one word about each is enough.
            let said = problems
            problems += layoutProblems.filter { problem in
                !said.contains { $0.line == problem.line && $0.place == problem.place }
            }
        case nil: settings.shape = DocumentShape.read(node: node, problems: &problems)
        }
        return settings
    }
}

extension ConfigurationReader {
    /// Says which keys of a document type in an embedded system have a meaning in a SQLite file only.
    private mutating func refuseLayout(_ node: ConfigNode) {
        let tables = node["tables"]?.entries ?? []
        let layout = [node["table"], node["json"]] + tables.flatMap { [$0.value["table"], $0.value["parent"]] }
        for node in layout.compactMap({ $0 }) {
            refuse(
                node, "an embedded system has no tables of its own",
                remedy: "leave it out, or use a system of kind sqlite")
        }
    }
}

extension String {
    /// A sentence of another layer as a remedy in brackets: without its capital and its full stop.
    fileprivate var asRemedy: String {
        let sentence = hasSuffix(".") ? String(dropLast()) : self
        return sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}
