// Customer Export: writes each document of erp.Customer into a file, by itself.
//
// Register it where your program starts:  "customer_export": CustomerExportController(folder: "exports")
// A job may run twice at a time in two processes unless its type says `exclusive: true`.

import Foundation
import SyncJobs

struct CustomerExportController: BypassController {
    /// Where the files are written; it is there already.
    let folder: String

    /// Does everything: what is there, what should be, what differs, and the write.
    ///
    /// It has to be idempotent, because a job may run again after a crash: here an equal file is left alone, and a new one
    /// takes the old one's place in one step. In a dry run it says what it would do and writes nothing.
    func execute(_ job: JobHandle) async throws -> BypassResult {
        guard let name = job.job.request.sourceDocumentName, !name.contains("/") else { return .noTarget }
        let file = URL(filePath: folder).appending(path: "\(name).json")
        let before = try Self.read(file)
        let after = job.isSourceDeleted ? nil : job.source?.fields
        let diff = try Diff(
            from: before.map { Document(key: nil, fields: $0) }, to: after.map { Document(key: nil, fields: $0) },
            shape: job.lookups.shape(of: job.type.source))
        if !diff.isEmpty, !job.job.request.dryRun { try Self.write(after, to: file) }
        return BypassResult(
            target: DocumentKey(type: Self.target, name: file.lastPathComponent),
            operation: after == nil ? .delete : before == nil ? .insert : .update, diff: diff, before: before,
            after: after)
    }

    private static let target = DocumentType(system: "files", name: "Customer")

    private static func read(_ file: URL) throws -> JSONObject? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try JSONParser.parse(Array(Data(contentsOf: file))).objectValue
    }

    private static func write(_ fields: JSONObject?, to file: URL) throws {
        guard let fields else { return try FileManager.default.removeItem(at: file) }
        try Data(JSONValue.object(fields).prettyText.utf8).write(to: file, options: .atomic)
    }
}
