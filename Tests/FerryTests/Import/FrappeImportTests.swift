// Exported Sync Job Types become a configuration that loads, and nothing of them is lost without a word.

import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite("An import from Frappe")
struct FrappeImportTests {
    @Test("of a standard type loads, with units converted and the controller named")
    func standardType() throws {
        let imported = try FrappeExports.imported(FrappeExports.standard, file: FrappeExports.standardFile)
        let type = try #require(try FrappeExports.configuration(imported).types["SAP Customer Sync"])
        #expect(type.slug == "sap_customer_sync")
        #expect(type.source == DocumentType(system: "frappe", name: "Customer"))
        #expect(type.target == DocumentType(system: "frappe", name: "SAP Customer"))
        #expect(type.queue == "short")
        #expect(type.timeout == .seconds(90))
        #expect(type.retryPolicy.delay == .seconds(90 * 60))
        #expect(type.retryPolicy.maxRetries == 4)
        #expect(type.flags.verboseLogging)
        #expect(!type.isDisabled)
        #expect(type.controller is IdleController)
    }

    @Test("stands in the words of the specification")
    func text() throws {
        let imported = try FrappeExports.imported(FrappeExports.standard, file: FrappeExports.standardFile)
        let types = FrappeYAML(imported).text.components(separatedBy: "\ntypes:\n").last
        #expect(
            types == """
                  SAP Customer Sync:
                    # apps/myapp/myapp/selling/sync_job_type/sap_customer_sync/sap_customer_sync.json
                    source: frappe.Customer
                    target: frappe.SAP Customer
                    queue: short
                    timeout: 1m30s   # 90 seconds
                    retry_delay: 1h30m   # 90 minutes
                    max_retries: 4
                    verbose_logging: true
                    # triggers: [{document: frappe.Customer, events: [insert, update, delete]}]
                    # There, doc_events in hooks.py enqueue the jobs; here the type says which changes mean it.
                    # Python: myapp.selling.sync_job_type.sap_customer_sync.sap_customer_sync
                    # Next: ferry types new 'SAP Customer Sync'; or write fields: instead of controller:
                    controller: sap_customer_sync
                    # is_standard: Yes; nothing like it here: types stand in ferry.yaml, under version control
                    # creation, docstatus, idx, modified, modified_by, owner: Frappe's own record of the document; \
                left there

                """)
    }

    @Test("keeps every field as a setting or as a comment, and says what is no setting")
    func nothingIsLost() throws {
        var record = FrappeExports.record([
            "sync_job_type_name": "Other Name", "is_standard": "No", "disabled": 1, "queue": "Nightly Jobs",
            "timeout": 7200, "retry_delay": 0, "max_retries": 0, "insert_enabled": 0, "update_enabled": "1",
            "delete_enabled": false, "update_without_changes_enabled": 1, "verbose_logging": 0,
            "target_document_type": nil, "_comments": "[]", "webhook": ["url": "https://x"],
            "triggers": [["event": "on_update"]],
        ])
        record["custom_note"] = "first\nsecond: ${HOME}\u{85}third\u{2028}source: evil"
        let imported = try FrappeExports.imported([record])
        let text = FrappeYAML(imported).text
        let findings = imported.findings.map(\.description)
        for field in ["sync_job_type_name", "is_standard", "_comments", "webhook", "triggers", "custom_note", "queue"] {
            #expect(text.contains("    # \(field): "), "\(field)")
            #expect(findings.contains { $0.contains(": Sync A: \(field): ") }, "\(field)")
        }
        #expect(text.contains(#"triggers: no field of Sync Job Type that is known here: [{"event":"on_update"}]"#))
        #expect(!findings.contains { $0.contains("evil") || $0.contains("https") }, "a message shows contents")
        let configuration = try FrappeExports.configuration(imported)
        #expect(configuration.customQueues == ["nightly_jobs"])
        let type = try #require(configuration.types["sync_a"])
        #expect(type.source.description == "frappe.Customer")
        #expect(type.target == nil)
        #expect(type.isDisabled)
        #expect(type.queue == "nightly_jobs")
        #expect(type.timeout == .seconds(7200))
        #expect(configuration.broker.consumerTimeout > .seconds(7200))
        #expect(type.retryPolicy.delay == .seconds(300))
        #expect(type.retryPolicy.maxRetries == 0)
        #expect(!type.flags.insertEnabled && type.flags.updateEnabled && !type.flags.deleteEnabled)
        #expect(type.flags.updateWithoutChangesEnabled && !type.flags.verboseLogging)
    }

    @Test(
        "takes each number for what it means there",
        arguments: [
            (nil, nil, nil, "5m", "5m", 3), (0, 0, 0, "5m", "5m", 0), (30, 1, 7, "30s", "1m", 7),
            ("45", "10", "2", "45s", "10m", 2), (-1, -3, -1, "1d", "0s", 0),
            (99_999_999, 99_999_999, 99_999_999, "29d", "366d", 1_000_000),
        ] as [(JSONValue?, JSONValue?, JSONValue?, String, String, Int)])
    func numbers(
        timeout: JSONValue?, delay: JSONValue?, retries: JSONValue?, text: String, delayText: String, count: Int
    ) throws {
        var record = FrappeExports.record([:])
        record["timeout"] = timeout
        record["retry_delay"] = delay
        record["max_retries"] = retries
        let imported = try FrappeExports.imported([record])
        let type = try #require(try FrappeExports.configuration(imported).types["sync_a"])
        #expect(type.timeout.text == text)
        #expect(type.retryPolicy.delay.text == delayText)
        #expect(type.retryPolicy.maxRetries == count)
    }

    @Test("loads whatever types and documents are called")
    func names() throws {
        let names = [
            "NO", "yes", "42", "a: b", "#x", "客户 同步", "客户", "SAP Customer Sync", "sap-customer-sync", "${HOME}",
            "it's \"so\"",
            "- dash", " padded ", "line\nbreak", "tab\tand\u{85}next", "{flow}, [list]", "*alias &anchor !tag",
            String(repeating: "long name ", count: 14),
        ]
        let records = names.map { name in
            FrappeExports.record(
                ["source_document_type": .string(name), "target_document_type": .string("Target \(name)")], named: name)
        }
        let imported = try FrappeExports.imported(records)
        let types = try FrappeExports.configuration(imported).types
        for name in names {
            let type = try #require(types[name], "\(name)")
            #expect(type.source.name.hasSameBytes(as: name), "\(name)")
            #expect(type.target?.name.hasSameBytes(as: "Target \(name)") == true, "\(name)")
        }
        #expect(Set(types.all.map(\.slug)).count == names.count)
    }

    @Test("takes a type that stands in two files once, and refuses one that differs")
    func duplicates() throws {
        let first = FrappeExports.record(["timeout": 60, "modified": "2025-01-01"])
        let again = FrappeExports.record(["timeout": 60, "modified": "2026-01-01"])
        let imported = try FrappeExports.imported([first, again])
        #expect(imported.types.count == 1)
        #expect(imported.findings.map(\.note.text).contains("the same as in types.json, element 1, taken once"))
        let other = FrappeExports.record(["timeout": 61])
        let words = FrappeExports.refusal(JSONValue.array([.object(first), .object(other)]).canonicalText)
        #expect(words.contains("types.json, element 2: \"Sync A\" says something else than in types.json, element 1"))
    }

    @Test("says which hooks the Python file beside it has, and what they make of it")
    func hooks() throws {
        let python = """
            # def execute(sync_job, source_doc):
            import frappe
            def get_target_document(sync_job, source_doc):
                def inner(): pass
            def update_target_doc(sync_job, source_doc, target_doc):
                pass
            def finished(sync_job, source_doc, target_doc): pass
            def own(x): pass
            """
        let file = FrappeExports.standardFile
        let imported = try FrappeExports.imported(FrappeExports.standard, file: file) { path in
            path == file.dropLast(4) + "py" ? python : nil
        }
        let controller = try #require(imported.types.first?.controller)
        #expect(controller.kind == "SingleTargetController")
        #expect(
            controller.hooksInWords
                == "get_target_document → target, update_target_doc → update, finished → finished, own functions: own")
        #expect(FrappeYAML(imported).text.contains("'SAP Customer Sync' as a SingleTargetController; or"))
        func kind(_ source: String) -> String? {
            FrappeController(name: "x", module: "m", file: "x.json", source: source).kind
        }
        #expect(
            kind("def get_multiple_target_documents(a, b):\ndef get_target_document(a):") == "MultipleTargetsController"
        )
        #expect(kind("def execute(a, b):\ndef get_target_document(a):") == "BypassController")
        #expect(kind("def update_target_doc(a):") == nil)
        #expect(
            FrappeController(name: "SAP-Customer Sync", module: "Stock Tools", file: "x.json", source: nil).module
                == "<app>.stock_tools.sync_job_type.sap_customer_sync.sap_customer_sync")
    }

    @Test("reports for programs what it made, the draft included")
    func json() throws {
        let imported = try FrappeExports.imported(FrappeExports.standard)
        let report = try #require(imported.json.objectValue)
        #expect(report.keys == ["configuration", "files", "findings", "types"])
        let type = try #require(report["types"]?.arrayValue?.first?.objectValue)
        #expect(
            type.keys == [
                "controller", "disabled", "file", "max_retries", "name", "python_module", "queue", "retry_delay",
                "slug", "source", "target", "timeout", "verbose_logging",
            ])
        #expect(type["retry_delay"] == "1h30m")
        #expect(type["python_module"] == "<app>.selling.sync_job_type.sap_customer_sync.sap_customer_sync")
        #expect(report["configuration"] == .string(FrappeYAML(imported).text))
        let finding = try #require(report["findings"]?.arrayValue?.first?.objectValue)
        #expect(finding.keys == ["field", "file", "message", "type"])
    }
}
