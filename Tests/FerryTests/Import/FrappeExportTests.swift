// What files are taken for an export, and how others are refused.

import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite("An exported file of Frappe")
struct FrappeExportTests {
    private static let record = #"{"doctype": "Sync Job Type", "name": "A", "source_document_type": "Customer"}"#

    @Test(
        "is one document, a list, or an answer of the REST API",
        arguments: [
            record, "[\(record)]", #"{"data": \#(record)}"#, #"{"message": \#(record)}"#, #"{"docs": [\#(record)]}"#,
            "\u{FEFF}\(record)", #"{"data": [{"name": "A", "source_document_type": "Customer"}]}"#,
        ])
    func shapes(text: String) throws {
        let imported = try FrappeExports.imported(text)
        #expect(imported.types.map(\.type.name) == ["A"])
        #expect(imported.types.first?.type.source == "Customer")
    }

    @Test("may hold other documents, which are counted")
    func others() throws {
        let text = """
            [\(Self.record), {"doctype": "Custom Field"}, {"doctype": "Custom Field"},
             {"name": "x", "sync_job_type": "A", "source_document_type": "Customer"}]
            """
        let imported = try FrappeExports.imported(text)
        #expect(imported.types.count == 1)
        #expect(
            imported.findings.filter { $0.type == nil }.map(\.description) == [
                "types.json: Custom Field: 2 documents of another type, left out",
                "types.json: (no doctype): 1 document of another type, left out",
            ])
        #expect(FrappeYAML(imported).text.contains("# types.json: Custom Field: 2 documents of another type, left out"))
    }

    @Test(
        "is refused with file and position",
        arguments: [
            ("{\n \"a\": 1,\n  x}", "types.json:3:3: not JSON: "), ("", "types.json:1:1: not JSON: "),
            ("[1]", "types.json, element 1: a number where a document belongs"),
            ("\"text\"", "types.json: a string where a document belongs"),
            (#"{"doctype": "Customer"}"#, "there is no Sync Job Type in types.json"),
            ("[]", "there is no Sync Job Type in types.json"),
            (#"[{"doctype": "Sync Job Type"}]"#, "types.json, element 1: it has no name (name)"),
            (
                #"{"doctype": "Sync Job Type", "name": "x"}"#,
                "types.json: \"x\" names no source (source_document_type)"
            ),
        ])
    func refusals(text: String, words: String) { #expect(FrappeExports.refusal(text).contains(words)) }

    @Test(
        "is refused for a value of the wrong kind, by field",
        arguments: [
            ("timeout", "1.5"), ("timeout", "soon"), ("retry_delay", [5]), ("max_retries", true), ("disabled", 2),
            ("insert_enabled", "yes"), ("queue", ["short"]), ("module", [:]), ("target_document_type", false),
        ] as [(String, JSONValue)])
    func wrongKinds(field: String, value: JSONValue) throws {
        let words = FrappeExports.refusal(JSONValue.object(FrappeExports.record(["\(field)": value])).canonicalText)
        #expect(words.contains("types.json: ") && words.contains("belongs (\(field))"), "\(words)")
    }

    @Test("is written to a file once, and never over one that is there")
    func output() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let input = folder.appendingPathComponent("types.json").path
        let output = folder.appendingPathComponent("draft.yaml").path
        try Data(Self.record.utf8).write(to: URL(fileURLWithPath: input))
        let arguments = ["import", "frappe", input, "--output", output]
        #expect(await Ferry().status(arguments: arguments) == .good)
        let written = try Data(contentsOf: URL(fileURLWithPath: output))
        #expect(String(decoding: written, as: UTF8.self).contains("controller: a\n"))
        try Data("mine".utf8).write(to: URL(fileURLWithPath: output))
        #expect(await Ferry().status(arguments: arguments) == .usage)
        #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == Data("mine".utf8))
        #expect(await Ferry().status(arguments: ["import", "frappe", "\(input).missing"]) == .usage)
        let elsewhere = folder.appendingPathComponent("nowhere/draft.yaml").path
        #expect(await Ferry().status(arguments: ["import", "frappe", input, "--output", elsewhere]) == .usage)
        try FileManager.default.removeItem(at: folder)
    }
}
