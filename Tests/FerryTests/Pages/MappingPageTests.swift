// docs/mapping.md, tried: each of its examples is run, and has to come to what the page says.

import SyncJobs
import Testing

@testable import Ferry

@Suite("The page about mappings")
struct MappingPageTests {
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
        let expected = try #require(example.expected, "\(example.place) expects nothing")
        let read = try example.type()
        guard let type = read.type else {
            #expect(read.problems.map(\.message) == [expected["problem"]?.stringValue], "\(example.place)")
            #expect(read.problems.map(\.remedy) == [expected["remedy"]?.stringValue], "\(example.place)")
            return
        }
        #expect(expected["problem"] == nil, "\(example.place): the type has no problem")
        if let event = try example.event() {
            let request = try #require(try type.request(for: event)).json
            compare(request, with: expected["request"]?.objectValue ?? [:], example)
            return
        }
        let facts = try await example.run(type)
        compare(facts, with: expected, example)
        // What is not expected must not be there either: each change has to be on the page.
        for list in ["added", "removed", "row_changed"] where expected["diff"] != nil && expected[list] == nil {
            #expect(facts[list] ?? [] == [], "\(example.place): \(list)")
        }
    }

    private func compare(_ facts: JSONObject, with expected: JSONObject, _ example: PageExample) {
        for member in expected {
            let found = facts[member.key]
            #expect(
                found == member.value,
                "\(example.place): \(member.key) is \(found?.canonicalText ?? "missing"), the page says \(member.value.canonicalText)"
            )
        }
    }
}
