// A declarative type under test, without engine, store or broker: a configuration, a source, documents to find, and what
// the mapping makes of a target.
import Logging
import SyncJobs
import Testing

/// Documents in memory.
struct MemoryLookups: DocumentLookups {
    var documents: [Document] = []
    var shapes: [DocumentType: DocumentShape] = [:]

    func load(_ key: DocumentKey) async throws -> DocumentState {
        documents.first { $0.key == key }.map { .present($0) } ?? .absent
    }

    func find(_ query: DocumentQuery) async throws -> [Document] {
        let found = documents.filter { document in
            document.key?.type == query.type
                && query.fields.members.allSatisfy { document.fields[$0.key] == $0.value }
        }
        return Array(found.prefix(query.limit))
    }

    func shape(of type: DocumentType) -> DocumentShape { shapes[type] ?? DocumentShape() }
}

/// One run of a mapping.
struct MappingBench {
    static let sourceType = DocumentType(system: "erp", name: "Customer")
    static let targetType = DocumentType(system: "shop", name: "Account")

    var type: SyncJobType
    var lookups = MemoryLookups()
    var source: JSONObject? = [:]
    var isDeleted = false
    var boundTo: String?
    var request = SyncRequest(id: "job-1", type: "T", sourceName: "C-1")

    /// The type of `text`, to which source and target are added.
    init(_ text: String, functions: [String: MappingFunction] = [:]) throws {
        var problems: [ConfigProblem] = []
        let node = try config("source: erp.Customer\ntarget: shop.Account\n" + text)
        let read = SyncJobTypeDefinition.read(
            name: "T", node: node, controllers: [:], functions: functions, problems: &problems)
        type = try #require(read, "\(problems)")
    }

    var handle: JobHandle {
        let job = SyncJob(request: request, type: type, queue: type.queue, createdAt: Timestamp(microseconds: 0))
        let sourceKey = DocumentKey(type: Self.sourceType, name: request.sourceDocumentName ?? "")
        let binding = boundTo.map {
            Binding(
                key: BindingKey(typeSlug: type.slug, source: sourceKey),
                target: DocumentKey(type: Self.targetType, name: $0))
        }
        return JobHandle(
            job: job, type: type, source: source.map { Document(key: sourceKey, fields: $0) },
            isSourceDeleted: isDeleted, binding: binding, lookups: lookups, logger: Logger(label: "test"))
    }

    func target() async throws -> TargetDecision { try await type.targetController.target(for: handle) }

    /// The fields after the mapping of a new document.
    func inserted() async throws -> JSONObject {
        var document = Document(key: nil, fields: [:])
        try await type.targetController.update(&document, for: handle)
        return document.fields
    }

    /// The fields after the mapping of an existing document.
    func updated(_ fields: JSONObject, name: String = "A-1") async throws -> JSONObject {
        var document = Document(key: DocumentKey(type: Self.targetType, name: name), fields: fields)
        try await type.targetController.update(&document, for: handle)
        return document.fields
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
