// An example of a page under docs/: a fenced block of YAML with a type's rules, documents, and what is expected. It is run
// without store and broker, in the steps that the engine takes with a declarative type.

import Foundation
import Logging
import SyncJobs
import Testing

@testable import Ferry

/// One example of a page.
struct PageExample: Sendable, CustomTestStringConvertible {
    /// The page and the line on which the example begins, from 1.
    let place: String
    let node: ConfigNode

    var testDescription: String { place }

    private static let keys = [
        "type", "source", "source_document_name", "request", "target", "found", "bound", "documents", "event", "expect",
    ]
    static let systems = (source: "erp", target: "shop")
    static let targetName = "A-1"

    /// The examples of `docs/NAME`, in their order.
    static func all(of page: String) throws -> [PageExample] {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        let text = String(
            decoding: try Data(contentsOf: url.appendingPathComponent("docs/\(page)")), as: UTF8.self)
        var examples: [PageExample] = []
        var begin: Int?
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            if line == "```yaml example" {
                begin = number + 1
            } else if line == "```", let first = begin {
                let node = try ConfigurationFixture.tree(lines[first..<number].joined(separator: "\n"))
                let unknown = (node.entries ?? []).map(\.key).filter { !keys.contains($0) }
                try #require(unknown.isEmpty, "\(page):\(first): \(unknown)")
                examples.append(PageExample(place: "\(page):\(first + 1)", node: node))
                begin = nil
            }
        }
        try #require(begin == nil, "an example of \(page) does not end")
        return examples
    }

    private func object(_ key: String) -> JSONObject? { node[key]?.json.objectValue }

    // MARK: the type

    /// The type, or what is wrong with it.
    func type() throws -> (type: SyncJobType?, problems: [ConfigProblem]) {
        let rules = try #require(node["type"])
        var entries = rules.entries ?? []
        for (key, type) in [("source", "erp.Customer"), ("target", "shop.Account")] where rules[key] == nil {
            let value = ConfigNode(.scalar(.string(type)), line: rules.line, place: "type.\(key)")
            entries.append(ConfigNode.Entry(key: key, line: rules.line, value: value))
        }
        var problems: [ConfigProblem] = []
        let type = SyncJobTypeDefinition.read(
            name: "T", node: ConfigNode(.map(entries), line: rules.line, place: "type"), controllers: [:],
            functions: ["normalise_vat": Self.normaliseVAT], problems: &problems)
        return (type, problems)
    }

    private static let normaliseVAT: MappingFunction = { value in
        .string((value.stringValue ?? "").filter { !$0.isWhitespace }.uppercased())
    }

    // MARK: the job

    /// The job as its controller sees it.
    func handle(of type: SyncJobType) throws -> JobHandle {
        let name = node["source_document_name"]?.text ?? "C-1"
        var body = object("request") ?? [:]
        body["sync_job_type"] = .string(type.name)
        body["source_document_name"] = .string(name)
        let request = try SyncRequest(decoding: JSONValue.object(body).canonicalBytes, messageID: "job-1")
        let job = SyncJob(request: request, type: type, queue: type.queue, createdAt: Timestamp(microseconds: 0))
        let source = DocumentKey(type: type.source, name: name)
        let key = BindingKey(typeSlug: type.slug, source: source, key: request.targetKey ?? "")
        let services = services(type, source: source)
        let bound = targetBefore(type).flatMap(\.key).map { Binding(key: key, target: $0) }
        return JobHandle(
            job: job, type: type, source: object("source").map { Document(key: source, fields: $0) },
            isSourceDeleted: request.operation == .delete, binding: bound, lookups: documents(type),
            services: services, logger: Logger(label: "page"))
    }

    /// The bound target, as `target:` has it.
    func targetBefore(_ type: SyncJobType) -> Document? {
        guard let fields = object("target"), let target = type.target else { return nil }
        return Document(key: DocumentKey(type: target, name: Self.targetName), fields: fields)
    }

    func documents(_ type: SyncJobType) -> PageDocuments {
        var problems: [ConfigProblem] = []
        var documents = PageDocuments()
        for entry in node["documents"]?.entries ?? [] {
            guard let declared = DocumentType(entry.key) else { continue }
            documents.shapes[declared] = DocumentShape.read(node: entry.value, problems: &problems)
        }
        #expect(problems.isEmpty, "\(place): \(problems)")
        if documents.shapes.isEmpty, let target = type.target, let tables = node["type"]?["tables"]?.entries {
            // A child table that a rule sets is declared, as start-up demands.
            for table in tables {
                guard let key = table.value["row_key"]?.entries?.first?.key else { continue }
                documents.shapes[target, default: DocumentShape()].tables[table.key] = TableShape(rowKey: key)
            }
        }
        if let target = type.target {
            documents.documents += (object("found") ?? [:]).map { member in
                Document(
                    key: DocumentKey(type: target, name: member.key), fields: member.value.objectValue ?? JSONObject())
            }
        }
        return documents
    }

    /// `bound: {Type: {source: target}}` for lookups, `bound: {row key: target}` for a relay.
    private func services(_ type: SyncJobType, source: DocumentKey) -> PageServices {
        var services = PageServices()
        for member in object("bound") ?? [:] {
            if let target = member.value.stringValue, let targetType = type.target {
                let key = BindingKey(typeSlug: type.slug, source: source, key: member.key)
                services.bindings.append(Binding(key: key, target: DocumentKey(type: targetType, name: target)))
                continue
            }
            let document = DocumentType(system: Self.systems.source, name: member.key)
            let other = SyncJobType(
                name: member.key, source: document, target: nil, controller: IdleController())
            services.types.append(other)
            for pair in member.value.objectValue ?? [:] {
                let key = BindingKey(typeSlug: other.slug, source: DocumentKey(type: document, name: pair.key))
                let target = DocumentType(system: Self.systems.target, name: member.key)
                services.bindings.append(
                    Binding(key: key, target: DocumentKey(type: target, name: pair.value.stringValue ?? "")))
            }
        }
        return services
    }

    // MARK: the event

    /// The change event, for an example of triggers.
    func event() throws -> ChangeEvent? {
        guard var body = object("event") else { return nil }
        body["system"] = .string(Self.systems.source)
        return try ChangeEvent(decoding: JSONValue.object(body).canonicalBytes, messageID: "event-1")
    }
}

/// Documents of an example.
struct PageDocuments: DocumentLookups {
    var documents: [Document] = []
    var shapes: [DocumentType: DocumentShape] = [:]

    func load(_ key: DocumentKey) async throws -> DocumentState {
        documents.first { $0.key == key }.map { .present($0) } ?? .absent
    }

    func find(_ query: DocumentQuery) async throws -> [Document] {
        documents.filter { document in
            document.key?.type == query.type && query.fields.allSatisfy { document.fields[$0.key] == $0.value }
        }
    }

    func shape(of type: DocumentType) -> DocumentShape { shapes[type] ?? DocumentShape() }
}

/// Bindings and types of an example.
struct PageServices: JobServices {
    var bindings: [Binding] = []
    var types: [SyncJobType] = []

    func report(_ progress: JobProgress, jobID: String) {}
    func saveCheckpoint(_ state: JSONValue, jobID: String) async throws {}
    func binding(_ key: BindingKey) async throws -> Binding? { bindings.first { $0.key == key } }
    func bindings(typeSlug: String, source: DocumentKey) async throws -> [Binding] {
        bindings.filter { $0.key.typeSlug == typeSlug && $0.key.source == source }
    }
    func type(_ nameOrSlug: String) -> SyncJobType? { types.first { $0.name.hasSameBytes(as: nameOrSlug) } }
}
