// A declarative type under test, without engine, store or broker: a configuration, a source, documents to find, and what
// the mapping makes of a target.
import Logging
import SyncJobs
import Testing

/// Documents in memory.
struct MemoryLookups: DocumentLookups {
    var documents: [Document] = []
    var shapes: [DocumentType: DocumentShape] = [:]
    /// Whether texts are found whatever their case, as by a case-insensitive collation.
    var ignoresCase = false

    func load(_ key: DocumentKey) async throws -> DocumentState {
        documents.first { $0.key == key }.map { .present($0) } ?? .absent
    }

    func find(_ query: DocumentQuery) async throws -> [Document] {
        let found = documents.filter { document in
            document.key?.type == query.type
                && query.fields.members.allSatisfy { isEqual(document.fields[$0.key], $0.value) }
        }
        return Array(found.prefix(query.limit))
    }

    private func isEqual(_ stored: JSONValue?, _ wanted: JSONValue) -> Bool {
        guard ignoresCase, let stored = stored?.stringValue, let wanted = wanted.stringValue else {
            return stored == wanted
        }
        return stored.lowercased() == wanted.lowercased()
    }

    func shape(of type: DocumentType) -> DocumentShape { shapes[type] ?? DocumentShape() }
}

/// Bindings and types in memory.
struct MemoryServices: JobServices {
    var bindings: [Binding] = []
    var types: [SyncJobType] = []

    func report(_ progress: JobProgress, jobID: String) {}
    func saveCheckpoint(_ state: JSONValue, jobID: String) async throws {}

    func binding(_ key: BindingKey) async throws -> Binding? { bindings.first { $0.key == key } }

    func bindings(typeSlug: String, source: DocumentKey) async throws -> [Binding] {
        bindings.filter { $0.key.typeSlug == typeSlug && $0.key.source == source }
            .sorted { $0.key.key.precedesByBytes($1.key.key) }
    }

    func type(_ nameOrSlug: String) -> SyncJobType? {
        types.first { $0.name.hasSameBytes(as: nameOrSlug) || $0.slug == nameOrSlug }
    }
}

/// One run of a mapping.
struct MappingBench {
    static let sourceType = DocumentType(system: "erp", name: "Customer")
    static let targetType = DocumentType(system: "shop", name: "Account")

    var type: SyncJobType
    var lookups = MemoryLookups()
    var services = MemoryServices()
    var source: JSONObject? = [:]
    var isDeleted = false
    /// Whether the source is one that many jobs hold.
    var isSourceShared = false
    var boundTo: String?
    var request = SyncRequest(id: "job-1", type: "T", sourceName: "C-1")

    /// The type of `text`, to which source and target are added.
    init(_ text: String, functions: [String: MappingFunction] = [:]) throws {
        type = try Self.type("T", text, functions: functions)
    }

    /// A type of `text`, to which source and target are added.
    static func type(
        _ name: String, _ text: String, source: String = "erp.Customer", target: String = "shop.Account",
        functions: [String: MappingFunction] = [:]
    ) throws -> SyncJobType {
        var problems: [ConfigProblem] = []
        let node = try config("source: \(source)\ntarget: \(target)\n" + text)
        let read = SyncJobTypeDefinition.read(
            name: name, node: node, controllers: [:], functions: functions, problems: &problems)
        return try #require(read, "\(problems)")
    }

    /// Binds the source of this bench, or another one of the same type, to a target by `key`.
    mutating func bind(_ target: String, key: String = "", source: String? = nil, isDeleted: Bool = false) {
        let name = source ?? request.sourceDocumentName ?? ""
        services.bindings.append(
            Binding(
                key: BindingKey(typeSlug: type.slug, source: DocumentKey(type: type.source, name: name), key: key),
                target: DocumentKey(type: Self.targetType, name: target), isDeleted: isDeleted))
    }

    var handle: JobHandle { handle(services) }

    private func handle(_ services: any JobServices) -> JobHandle {
        let job = SyncJob(request: request, type: type, queue: type.queue, createdAt: Timestamp(microseconds: 0))
        let sourceKey = DocumentKey(type: Self.sourceType, name: request.sourceDocumentName ?? "")
        let bindingKey = BindingKey(typeSlug: type.slug, source: sourceKey, key: request.targetKey ?? "")
        let binding =
            boundTo.map { Binding(key: bindingKey, target: DocumentKey(type: Self.targetType, name: $0)) }
            ?? self.services.bindings.first { $0.key == bindingKey }
        let document = source.map { Document(key: sourceKey, fields: $0) }
        return JobHandle(
            job: job, type: type, source: isSourceShared ? document?.shared : document,
            isSourceDeleted: isDeleted, binding: binding, lookups: lookups, services: services,
            logger: Logger(label: "test"))
    }

    func target() async throws -> TargetDecision { try await type.targetController.target(for: handle) }

    /// The fields after the mapping of a new document.
    func inserted(with services: (any JobServices)? = nil) async throws -> JSONObject {
        var document = Document(key: nil, fields: [:])
        try await type.targetController.update(&document, for: handle(services ?? self.services))
        return document.fields
    }

    /// The fields after the mapping of an existing document.
    func updated(_ fields: JSONObject, name: String = "A-1") async throws -> JSONObject {
        var document = Document(key: DocumentKey(type: Self.targetType, name: name), fields: fields)
        try await type.targetController.update(&document, for: handle)
        return document.fields
    }

    /// The source after what is written back into it.
    func writtenBack(target: String = "A-1") async throws -> JSONObject {
        var document = Document(key: nil, fields: source ?? [:])
        let key = DocumentKey(type: Self.targetType, name: target)
        try await type.targetController.writeBack(&document, target: key, for: handle)
        return document.fields
    }

    /// The answers of a relay.
    func targets() async throws -> [RelayTarget] {
        let controller = try #require(type.controller as? any MultipleTargetsController)
        return try await controller.targets(for: handle)
    }

    /// Why a relay answers no target.
    func noTargets() async throws -> NoTargetReason {
        let controller = try #require(type.controller as? any MultipleTargetsController)
        #expect(try await controller.targets(for: handle).isEmpty)
        return try await controller.noTargetReason(for: handle)
    }

    /// What each rule would do to `fields`.
    func trace(_ fields: JSONObject?) async throws -> [FieldTrace] {
        let controller = try #require(type.controller as? any DeclarativeController)
        let key = DocumentKey(type: Self.targetType, name: "A-1")
        return try await controller.trace(of: handle, target: fields.map { Document(key: key, fields: $0) })
    }

    /// The permanent failure of an insert.
    func failure() async throws -> JobFailure {
        let failure = await #expect(throws: JobFailure.self) { try await inserted() }
        #expect(failure?.disposition == .permanent)
        return try #require(failure)
    }
}

/// What is wrong with a type that gets source and target in lines 1 and 2 added; rendered.
func problems(
    _ text: String, controllers: [String: any SyncController] = [:], functions: [String: MappingFunction] = [:]
) throws -> [String] {
    try rawProblems(
        "source: erp.Customer\ntarget: shop.Account\n" + text, controllers: controllers, functions: functions)
}

/// What is wrong with a type; rendered.
func rawProblems(
    _ text: String, controllers: [String: any SyncController] = [:], functions: [String: MappingFunction] = [:]
) throws -> [String] {
    var problems: [ConfigProblem] = []
    let type = SyncJobTypeDefinition.read(
        name: "T", node: try config(text), controllers: controllers, functions: functions, problems: &problems)
    #expect((type == nil) == !problems.isEmpty, "a type comes back exactly when nothing is wrong")
    return problems.map(\.description)
}
