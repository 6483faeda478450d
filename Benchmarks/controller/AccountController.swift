// The mapping of Benchmarks/ferry.yaml as a controller.
import SyncJobs

/// An account of the app from a customer of the ERP, found by its code where nothing is bound yet.
struct AccountController: SingleTargetController {
    static let account = DocumentType(system: "app", name: "Account")
    /// Target field, source field.
    static let mapping = [
        ("title", "label"), ("street", "street"), ("city", "city"), ("country", "country"), ("phone", "phone"),
        ("mail", "email"), ("credit", "credit"),
    ]

    func target(for job: JobHandle) async throws -> TargetDecision {
        if job.isDelete || job.binding != nil { return job.defaultTarget }
        guard let code = job.source?["code"] else { return .none(.controller) }
        let found = try await job.lookups.find(DocumentQuery(type: Self.account, fields: ["code": code], limit: 2))
        guard found.count < 2 else {
            throw JobFailure(.ambiguousMatch, "two accounts have the code", remedy: "merge them")
        }
        return found.first?.key.map { .update($0.name) } ?? .insert()
    }

    func update(_ target: inout Document, for job: JobHandle) async throws {
        // A code is given once.
        if target["code"] == nil { target["code"] = job.source?["code"] }
        for (field, origin) in Self.mapping { target[field] = job.source?[origin] }
    }
}
