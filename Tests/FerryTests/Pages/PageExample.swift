// An example of a page under docs/: a fenced block of YAML with a type's rules, documents, and what is expected. It is run by
// the engine, in memory.

import FerryTesting
import Foundation
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
    /// The name of the target that an example has.
    private static let targetName = "A-1"

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

    /// What the page says that it comes to.
    var expected: JSONObject? { object("expect") }

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

    /// The types that `bound: {Type: {source: target}}` names, for lookups.
    private var otherTypes: [SyncJobType] {
        (object("bound") ?? [:]).filter { $0.value.objectValue != nil }.map { member in
            SyncJobType(
                name: member.key, source: DocumentType(system: "erp", name: member.key),
                target: DocumentType(system: "shop", name: member.key), controller: IdleController())
        }
    }

    /// The declared shapes; a child table that a rule sets is declared, as start-up demands.
    private func shapes(_ target: DocumentType) throws -> [String: DocumentShape] {
        var problems: [ConfigProblem] = []
        var shapes: [String: DocumentShape] = [:]
        for entry in node["documents"]?.entries ?? [] {
            shapes[entry.key] = DocumentShape.read(node: entry.value, problems: &problems)
        }
        try #require(problems.isEmpty, "\(place): \(problems)")
        for table in node["type"]?["tables"]?.entries ?? [] {
            guard let key = table.value["row_key"]?.entries?.first?.key else { continue }
            shapes[target.description, default: DocumentShape()].tables[table.key] = TableShape(rowKey: key)
        }
        return shapes
    }

    // MARK: the run

    /// The record of the job, and the facts of it that `expect:` may name.
    func run(_ type: SyncJobType) async throws -> JSONObject {
        let target = try #require(type.target)
        let test = try SyncTest(types: [type] + otherTypes, shapes: try shapes(target))
        let name = node["source_document_name"]?.text ?? "C-1"
        var body = object("request") ?? [:]
        body["sync_job_type"] = .string(type.name)
        body["source_document_name"] = .string(name)
        let request = try SyncRequest(decoding: JSONValue.object(body).canonicalBytes, messageID: "job-1")
        try await test.put(type.source.description, name, object("source") ?? [:])
        if request.operation == .delete { try await test.delete(type.source.description, name) }
        for member in object("found") ?? [:] {
            try await test.put(target.description, member.key, member.value.objectValue ?? [:])
        }
        if let fields = object("target") {
            try await test.put(target.description, Self.targetName, fields)
            try await test.bind(type.name, source: name, to: Self.targetName, key: request.targetKey ?? "")
        }
        for member in object("bound") ?? [:] {
            if let bound = member.value.stringValue {
                try await test.bind(type.name, source: name, to: bound, key: member.key)
            }
            for pair in member.value.objectValue ?? [:] {
                try await test.bind(member.key, source: pair.key, to: try #require(pair.value.stringValue))
            }
        }
        let job = try await test.engine.deliver(request)
        return try await facts(of: job, in: test)
    }

    private func facts(of job: SyncJob, in test: SyncTest) async throws -> JSONObject {
        var facts: JSONObject = ["status": .string(job.status.rawValue)]
        facts["skip_reason"] = job.skipReason.map { .string($0.rawValue) }
        facts["no_target_reason"] = job.noTargetReason.map { .string($0.rawValue) }
        facts["operation"] = job.operation.map { .string($0.rawValue) }
        facts["target_document_name"] = job.targetName.map { .string($0) }
        if let error = job.error {
            facts["error"] = .string(error.code.rawValue)
            facts["message"] = .string(error.message)
            facts["is_retryable"] = .bool(job.retryAfter != nil)
        }
        if let diff = job.diff {
            var changed = JSONObject()
            for change in diff.changed { changed[change.field] = [change.old, change.new] }
            facts["diff"] = .object(changed)
            let json = diff.json.objectValue ?? JSONObject()
            for list in ["added", "removed", "row_changed"] { facts[list] = json[list] }
        }
        let children = try await test.children(of: job).map { JSONValue.optional($0.request.targetKey) }
        if !children.isEmpty { facts["children"] = .array(children) }
        if let type = job.targetType, let name = job.targetName {
            facts["target"] = try await test.document(type.description, name).map { .object($0.fields) }
        }
        if let type = test.types["T"], let name = job.request.sourceDocumentName {
            facts["source"] = try await test.document(type.source.description, name).map { .object($0.fields) }
        }
        return facts
    }

    // MARK: the event

    /// The change event, for an example of triggers.
    func event() throws -> ChangeEvent? {
        guard var body = object("event") else { return nil }
        body["system"] = "erp"
        return try ChangeEvent(decoding: JSONValue.object(body).canonicalBytes, messageID: "event-1")
    }
}
