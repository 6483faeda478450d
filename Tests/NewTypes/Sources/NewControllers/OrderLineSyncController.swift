// Order Line Sync: each row of a erp.Order document has a app.OrderLine document of its own.
//
// Register it where your program starts:  "order_line_sync": OrderLineSyncController()

import SyncJobs

struct OrderLineSyncController: MultipleTargetsController {
    /// One answer for each target: several make a child job each, one runs in this job, none ends `No Target`.
    ///
    /// The key tells the answers apart for good. A child's id and its binding derive from it, so a job that runs again
    /// finds its children and targets instead of making new ones.
    func targets(for job: JobHandle) async throws -> [RelayTarget] {
        let keys = try Self.rows(of: job).map { try Self.key(of: $0) }
        let name = job.job.request.sourceDocumentName ?? ""
        let bindings = try await job.services.bindings(
            typeSlug: job.type.slug, source: DocumentKey(type: job.type.source, name: name))
        // Rows that were synced before and are gone: their children delete what they are bound to.
        let gone = bindings.filter { binding in
            !binding.isDeleted && !binding.key.key.isEmpty
                && !keys.contains { $0.hasSameBytes(as: binding.key.key) }
        }
        return (keys + gone.map(\.key.key)).map { RelayTarget(key: $0) }
    }

    /// In each child: which target document it is about.
    func target(for job: JobHandle) async throws -> TargetDecision {
        guard try Self.row(of: job) != nil else {
            return job.boundTargetName.map { .delete($0) } ?? .none(.alreadyGone)
        }
        return job.boundTargetName.map { .update($0) } ?? .insert(name: Self.code(of: job))
    }

    /// In each child: sets fields of the target; what is not named here is never touched.
    func update(_ target: inout Document, for job: JobHandle) async throws {
        guard let row = try Self.row(of: job) else {
            throw JobFailure.permanent("the source document has no row \"\(job.targetKey)\"")
        }
        target["code"] = .string(Self.code(of: job))
        target["label"] = row["name"]
    }

    /// Once, when the last child has ended.
    func relayFinished(_ summary: RelaySummary, for job: JobHandle) async throws {
        job.note("\(summary.total) targets, \(summary.failedChildren.count) failed")
    }

    /// What tells the target from all others: the name of the source, and the row's key.
    private static func code(of job: JobHandle) -> String {
        "\(job.job.request.sourceDocumentName ?? "")-\(job.targetKey)"
    }

    private static func rows(of job: JobHandle) throws -> [JSONObject] {
        guard !job.isDelete, let source = job.source else { return [] }
        return (source["items"]?.arrayValue ?? []).compactMap(\.objectValue)
    }

    private static func row(of job: JobHandle) throws -> JSONObject? {
        try rows(of: job).first { try key(of: $0).hasSameBytes(as: job.targetKey) }
    }

    private static func key(of row: JSONObject) throws -> String {
        guard let key = row["id"]?.nameText else {
            throw JobFailure(
                .missingRowKey, "a row of items has no id", remedy: "give every row an id, then retry the job")
        }
        return key
    }
}
