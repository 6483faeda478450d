// docs/from-frappe.md is held to the code: its examples are read, decoded and compiled, and it names everything that an
// import knows.

import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite("The page for those who come from Frappe")
struct FrappePageTests {
    private static let page: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        let data = FileManager.default.contents(atPath: url.appendingPathComponent("docs/from-frappe.md").path)
        return data.flatMap { String(data: $0, encoding: .utf8) } ?? ""
    }()

    /// The blocks of code in this language.
    private func blocks(_ language: String) -> [String] {
        Self.page.components(separatedBy: "\n```\(language)\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
    }

    /// Every data field of the original's DocType Sync Job.
    private static let jobFields = [
        "sync_job_type", "parent_sync_job", "title", "status", "source_document_type", "source_document_name",
        "operation", "target_document_type", "target_document_name", "context", "diff_summary", "current_data",
        "updated_data", "error_message", "multiple_target_documents", "cancel_reason", "queue", "timeout",
        "queue_on_insert", "dry_run", "retry_delay", "max_retries", "retry_count", "retry_after", "insert_enabled",
        "update_enabled", "delete_enabled", "update_without_changes_enabled", "verbose_logging", "job_id",
        "trigger_type", "triggered_by_document_type", "triggered_by_document_name", "trigger_document_timestamp",
        "started_at", "ended_at", "time_taken",
    ]

    @Test("names every field, status, reason and hook")
    func names() {
        let hooks = FrappeController.hooks.map(\.python)
        for name in FrappeSyncJobType.fields + Self.jobFields + hooks {
            #expect(Self.page.contains("`\(name)`") || Self.page.contains("`\(name)("), "\(name)")
        }
        for status in JobStatus.allCases.map(\.rawValue) + ["Waiting"] {
            #expect(Self.page.contains("| `\(status)` | `"), "\(status)")
        }
        for reason in SkipReason.allCases.map(\.rawValue) + NoTargetReason.allCases.map(\.rawValue) {
            #expect(Self.page.contains("`\(reason)`"), "\(reason)")
        }
    }

    @Test("has a mapping that loads")
    func mapping() throws {
        let text = try #require(blocks("yaml").first)
        let configuration = try ConfigurationFixture.read(
            "systems: {frappe: {kind: embedded}, shop: {kind: embedded}}\n\(text)")
        #expect(configuration.types.all.map(\.slug) == ["sap_customer_sync"])
    }

    @Test("has a request that is understood")
    func request() throws {
        let body = try #require(blocks("json").first)
        let request = try SyncRequest(decoding: Array(body.utf8), messageID: nil)
        #expect(request.syncJobType.slug == "sap_customer_sync")
        #expect(request.document?["customer_name"] == "Müller & Søn")
        #expect(request.triggerType == .documentHook)
    }

    @Test("has a controller that is the one compiled here")
    func controller() throws {
        let swift = try #require(blocks("swift").first)
        let source = try String(contentsOfFile: #filePath, encoding: .utf8)
        #expect(source.contains("\n\(swift)\n"))
        #expect(FrappeController(name: "x", module: "m", file: "x.json", source: blocks("python").first).kind != nil)
    }
}

struct SAPCustomerController: SingleTargetController {
    func target(for job: JobHandle) async throws -> TargetDecision {
        guard !job.isDelete, let source = job.source, let name = source.key?.name else { return job.defaultTarget }
        guard source["disabled"] == 0 || job.context["force_update"] == true else { return .none(.condition) }
        if let bound = job.boundTargetName { return .update(bound) }
        let customer = DocumentType(system: "shop", name: "SAP Customer")
        let found = try await job.lookups.find(DocumentQuery(type: customer, fields: ["erp_customer": .string(name)]))
        return found.first?.key.map { .update($0.name) } ?? .insert()
    }

    func update(_ target: inout Document, for job: JobHandle) async throws {
        target["erp_customer"] = (job.source?.key?.name).map { .string($0) }
        target["customer_name"] = job.source?["customer_name"]
    }
}
