// docs/mapping.md, tried: each of its examples is run, and has to come to what the page says.

import SyncJobs
import Testing

@testable import Ferry

@Suite("The page about mappings")
struct MappingPageTests {
    /// What an example came to, in the words of `expect:`.
    private struct Result {
        var facts: JSONObject = [:]
        var problem: ConfigProblem?

        init(status: String, _ facts: JSONObject = [:]) {
            self.facts = facts
            self.facts["status"] = .string(status)
        }
    }

    @Test("There is an example of every rule")
    func complete() throws {
        let examples = try PageExample.all(of: "mapping.md")
        #expect(examples.count >= 35)
        var keys: Set<String> = []
        func collect(_ node: ConfigNode) {
            for entry in node.entries ?? [] {
                keys.insert(entry.key)
                collect(entry.value)
            }
            for element in node.elements ?? [] { collect(element) }
        }
        for example in examples { if let type = example.node["type"] { collect(type) } }
        let rules =
            SyncJobTypeDefinition.ruleKeys + SyncJobTypeDefinition.tableKeys + SyncJobTypeDefinition.relayKeys
            + SyncJobTypeDefinition.triggerKeys
            + ["when", "require", "match", "fields", "tables", "on_delete", "write_back", "relay"]
        // removed: keep is said in words; the table's default is in an example.
        #expect(Set(rules).subtracting(keys).isEmpty, "\(Set(rules).subtracting(keys))")
    }

    @Test("Each example does what the page says", arguments: try PageExample.all(of: "mapping.md"))
    func example(_ example: PageExample) async throws {
        let expected = try #require(example.node["expect"]?.json.objectValue, "\(example.place) expects nothing")
        let read = try example.type()
        guard let type = read.type else {
            #expect(read.problems.map(\.message) == [expected["problem"]?.stringValue], "\(example.place)")
            #expect(read.problems.map(\.remedy) == [expected["remedy"]?.stringValue], "\(example.place)")
            return
        }
        #expect(expected["problem"] == nil, "\(example.place): the type has no problem")
        if let event = try example.event() {
            let request = try #require(try type.request(for: event)).json
            for member in expected["request"]?.objectValue ?? [:] {
                #expect(request[member.key] == member.value, "\(example.place): \(member.key)")
            }
            return
        }
        let result = try await Self.run(example, type: type)
        for member in expected {
            #expect(result.facts[member.key] == member.value, "\(example.place): \(member.key)")
        }
        // What is not expected must not be there either: each change has to be on the page.
        for list in ["added", "removed", "row_changed"] where expected["diff"] != nil && expected[list] == nil {
            #expect(result.facts[list] ?? [] == [], "\(example.place): \(list)")
        }
    }

    // MARK: the steps of a run

    private static func run(_ example: PageExample, type: SyncJobType) async throws -> Result {
        let handle = try example.handle(of: type)
        do {
            if case .multiple(let controller) = type.controller.way, handle.targetKey.isEmpty {
                let targets = try await controller.targets(for: handle)
                guard targets.count <= 1 else {
                    return Result(status: "Relayed", ["children": .array(targets.map { .optional($0.key) })])
                }
            }
            let controller = try type.targetController
            switch try await controller.target(for: handle) {
            case .none(let reason):
                return Result(status: "No Target", ["no_target_reason": .string(reason.rawValue)])
            case .target(let answer):
                return try await sync(answer, example: example, handle: handle, controller: controller)
            }
        } catch let failure as JobFailure {
            let isRetryable = failure.disposition != .permanent
            return Result(
                status: "Failed",
                [
                    "error": .string(failure.code.rawValue), "message": .string(failure.message),
                    "is_retryable": .bool(isRetryable),
                ])
        }
    }

    private static func sync(
        _ answer: TargetAnswer, example: PageExample, handle: JobHandle, controller: any SingleTargetController
    ) async throws -> Result {
        let documents = example.documents(handle.type)
        let known = documents.documents + [example.targetBefore(handle.type)].compactMap { $0 }
        let before = known.first { document in answer.name.map { document.key?.name == $0 } ?? false }
        var after: Document? = before ?? Document(key: nil, fields: [:])
        if answer.operation == .delete { after = nil }
        if var target = after {
            try await controller.update(&target, for: handle)
            after = target
        }
        let target = try #require(handle.type.target)
        let diff = try Diff(from: before, to: after, shape: documents.shape(of: target))
        let isUnchanged = before != nil && diff.isEmpty
        var facts = Self.facts(of: diff)
        facts["operation"] = .string(answer.operation.rawValue)
        facts["target_document_name"] = .optional(answer.name)
        facts["target"] = after.map { .object($0.fields) }
        if isUnchanged { facts["skip_reason"] = "no_changes" }
        if var source = handle.source, !isUnchanged, answer.operation != .delete {
            let key = DocumentKey(type: target, name: answer.name ?? PageExample.targetName)
            try await controller.writeBack(&source, target: key, for: handle)
            facts["source"] = .object(source.fields)
        }
        return Result(status: isUnchanged ? "Skipped" : "Finished", facts)
    }

    /// `{"diff": {field: [old, new]}, "added", "removed", "row_changed"}`.
    private static func facts(of diff: Diff) -> JSONObject {
        var changed = JSONObject()
        for change in diff.changed { changed[change.field] = [change.old, change.new] }
        let json = diff.json.objectValue ?? JSONObject()
        return [
            "diff": .object(changed), "added": json["added"] ?? [], "removed": json["removed"] ?? [],
            "row_changed": json["row_changed"] ?? [],
        ]
    }
}
