// Exports as Frappe writes them, and what becomes of them.

import Foundation
import SyncJobs

@testable import Ferry

enum FrappeExports {
    /// What `export_to_files` writes for a standard type.
    static let standard = """
        {
         "creation": "2025-12-20 10:00:00.000000",
         "disabled": 0,
         "docstatus": 0,
         "doctype": "Sync Job Type",
         "idx": 0,
         "is_standard": "Yes",
         "max_retries": 4,
         "modified": "2025-12-20 10:00:00.000000",
         "modified_by": "Administrator",
         "module": "Selling",
         "name": "SAP Customer Sync",
         "owner": "Administrator",
         "queue": "short",
         "retry_delay": 90,
         "source_document_type": "Customer",
         "sync_job_type_name": "SAP Customer Sync",
         "target_document_type": "SAP Customer",
         "timeout": 90,
         "verbose_logging": 1
        }
        """

    static let standardFile = "apps/myapp/myapp/selling/sync_job_type/sap_customer_sync/sap_customer_sync.json"

    /// One record with these fields beside what a type needs.
    static func record(_ fields: JSONObject, named name: String = "Sync A") -> JSONObject {
        var record: JSONObject = ["doctype": "Sync Job Type", "source_document_type": "Customer", "module": "Selling"]
        record["name"] = .string(name)
        for member in fields { record[member.key] = member.value }
        return record
    }

    /// The import of one file.
    static func imported(
        _ text: String, file: String = "types.json", pythonSource: (String) -> String? = { _ in nil }
    ) throws -> FrappeImport {
        var export = FrappeExport()
        try export.add(Array(text.utf8), file: file)
        return try FrappeImport(
            export, files: [file], sourceSystem: "frappe", targetSystem: "frappe", pythonSource: pythonSource)
    }

    /// The import of records in one list.
    static func imported(_ records: [JSONObject]) throws -> FrappeImport {
        try imported(JSONValue.array(records.map { .object($0) }).canonicalText)
    }

    /// The draft, read as a configuration in which its controllers are registered.
    static func configuration(_ imported: FrappeImport) throws -> FerryConfiguration {
        let controllers = Dictionary(
            imported.types.map { ($0.slug, IdleController() as any SingleTargetController) }
        ) { first, _ in first }
        return try ConfigurationFixture.read(FrappeYAML(imported).text, controllers: controllers)
    }

    /// The failure of an import, in words.
    static func refusal(_ text: String) -> String {
        do {
            _ = try imported(text)
            return ""
        } catch { return CommandFailure(error).description }
    }
}
