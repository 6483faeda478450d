// Customer Sync: one document of erp.Customer becomes one of app.Account.
//
// Register it where your program starts:  "customer_sync": CustomerSyncController()

import SyncJobs

struct CustomerSyncController: SingleTargetController {
    /// Which target document the job is about.
    ///
    /// `job.defaultTarget` updates the bound target, deletes it when the source was deleted, and inserts one otherwise.
    /// What it can't know is a target that is there already on first contact: it is looked for here, by a field that
    /// tells the targets apart, and never duplicated.
    func target(for job: JobHandle) async throws -> TargetDecision {
        guard job.boundTargetName == nil, !job.isDelete, let code = job.job.request.sourceDocumentName else {
            return job.defaultTarget
        }
        let found = try await job.lookups.find(
            DocumentQuery(type: Self.target, fields: ["code": .string(code)], limit: 2))
        guard found.count < 2 else {
            throw JobFailure(
                .ambiguousMatch, "two documents of app.Account have the code of this source",
                remedy: "merge them, then retry the job")
        }
        return found.first?.key.map { .update($0.name) } ?? .insert()
    }

    /// Sets fields of the target; what is not named here is never touched.
    ///
    /// It runs again when the target changes meanwhile, so it decides by what it is given and does nothing else.
    func update(_ target: inout Document, for job: JobHandle) async throws {
        guard let source = job.source else {
            throw JobFailure.permanent("the job has no source document to sync from")
        }
        guard let label = source["name"]?.stringValue, !label.isEmpty else {
            throw JobFailure(
                .requiredFieldMissing, "the source document has no name",
                remedy: "complete the source document, then retry the job")
        }
        target["code"] = .optional(job.job.request.sourceDocumentName)
        target["label"] = .string(label)
    }

    private static let target = DocumentType(system: "app", name: "Account")
}
