// One source with many targets: answers become child jobs, and their ends become a summary. Pure; the store creates the
// children in the parent's transaction and counts them by status.

/// One answer of `targets`: a target, or another source document, that gets a child job.
public struct RelayTarget: Sendable, Hashable {
    /// What is done; nil lets the child decide by its controller's `target`.
    public var operation: Operation?
    /// The target's type; nil for the one of the sync job type.
    public var type: DocumentType?
    /// The target's name; required for update and delete.
    public var name: String?
    /// Tells the answer from the others of the same job; required for inserts when there are several.
    public var key: String?
    /// The child's context; nil for the parent's.
    public var context: JSONObject?
    /// Another source document of the type, for the child to load; without an operation the child may relay again.
    public var source: String?

    /// Makes an answer.
    public init(
        operation: Operation? = nil, type: DocumentType? = nil, name: String? = nil, key: String? = nil,
        context: JSONObject? = nil, source: String? = nil
    ) {
        self.operation = operation
        self.type = type
        self.name = name
        self.key = key
        self.context = context
        self.source = source
    }

    /// What the child's id derives from: the key, else target type and name, else the source.
    public var identity: String? {
        if let key { return key }
        if let name { return (type.map { "\($0.name):" } ?? "") + name }
        return source
    }

    /// The child's request: queue, timeout, retry policy, trigger and all flags are the parent's.
    ///
    /// - Throws: ``JobFailure`` (permanent, `invalid_target`) for an answer that can't be told from others, or has no name
    ///   for its update or delete.
    public func request(childOf parent: SyncJob, type syncType: SyncJobType) throws(JobFailure) -> SyncRequest {
        guard let identity, !identity.isEmpty else {
            throw JobFailure(
                .invalidTarget, "an answer of targets has neither key, target name nor source",
                remedy: "give each answer a key of its own, so that its child is recognised when the job runs again")
        }
        if let operation, operation != .insert, name == nil {
            throw JobFailure(
                .invalidTarget, "the answer \"\(identity.prefix(140))\" is \(operation.rawValue) without a target name",
                remedy: "answer the name of the document to \(operation.rawValue)")
        }
        let id = SyncRequest.derivedID(of: parent.id, mark: "/", key: identity)
        var child = parent.request
        child.id = id
        child.syncJobType = syncType.name
        child.sourceDocumentType = syncType.source.name
        child.parentSyncJob = parent.id
        child.context = context ?? parent.request.context
        child.operation = operation
        child.targetDocumentType = type.flatMap { $0 == syncType.target ? nil : $0.name }
        child.targetDocumentName = name
        child.targetKey = source == nil || operation != nil ? key ?? name ?? "" : nil
        if let source {
            child.sourceDocumentName = source
            child.oldSourceDocumentName = nil
            child.sourceVersion = nil
            child.document = nil
        } else if operation == nil, parent.request.operation == .delete {
            // The child decides by itself, and has to know that its source is gone.
            child.operation = .delete
        }
        child.queue = parent.queue
        child.notBefore = nil
        child.dedupKey = nil
        child.hold = false
        child.relayFinished = nil
        if child.sourceDocumentName == nil, child.context == nil { child.context = JSONObject() }
        return child
    }
}

/// How the children of a relay ended, by status.
public struct RelaySummary: Sendable, Hashable {
    /// A child that failed or was canceled.
    public struct FailedChild: Sendable, Hashable {
        /// The child's id.
        public var id: String
        /// How it ended.
        public var status: JobStatus
        /// Why it failed; nil when it was canceled.
        public var error: JobFailure?

        /// Names a child.
        public init(id: String, status: JobStatus, error: JobFailure?) {
            self.id = id
            self.status = status
            self.error = error
        }
    }

    /// The most children that ``failedChildren`` names.
    public static let maximumFailedChildren = 1_000
    /// How many errors a completion event names.
    public static let maximumErrors = 20

    /// The parent's id.
    public var parentID: String
    /// Counts the ends of this relay, from 1: each retry of children that ends adds one.
    public var revision: Int
    /// How many children have each status; statuses without children are left out.
    public var counts: [JobStatus: Int]
    /// The children that failed or were canceled, at most ``maximumFailedChildren``.
    public var failedChildren: [FailedChild]

    /// Makes a summary.
    public init(parentID: String, revision: Int, counts: [JobStatus: Int], failedChildren: [FailedChild]) {
        self.parentID = parentID
        self.revision = revision
        self.counts = counts
        self.failedChildren = failedChildren
    }

    /// How many children there are.
    public var total: Int { counts.values.reduce(0, +) }

    /// `{"parent", "revision", "total", "succeeded", "skipped", "no_target", "failed", "canceled", "errors"}`: the
    /// completion event.
    public var json: JSONValue {
        func count(_ statuses: JobStatus...) -> JSONValue { .int(statuses.reduce(0) { $0 + (counts[$1] ?? 0) }) }
        return [
            "parent": .string(parentID), "revision": .int(revision), "total": .int(total),
            "succeeded": count(.finished, .relayed), "skipped": count(.skipped), "no_target": count(.noTarget),
            "failed": count(.failed), "canceled": count(.canceled),
            "errors": .array(
                failedChildren.prefix(Self.maximumErrors).map { child in
                    var error = child.error?.json.objectValue ?? JSONObject()
                    error["job"] = .string(child.id)
                    error["status"] = .string(child.status.rawValue)
                    return .object(error)
                }),
        ]
    }
}

extension SyncJob {
    /// The id of the job that runs `relay_finished` of this one.
    public func relayFinishedID(revision: Int) -> String {
        SyncRequest.derivedID(of: id, mark: "#", key: "relay_finished:\(revision)")
    }
}
