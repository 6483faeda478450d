// What a controller sees of its job: values, and a few doors to the outside that the engine holds.
public import Logging

/// Reading documents of any configured system.
public protocol DocumentLookups: Sendable {
    /// Loads one document.
    ///
    /// - Throws: ``JobFailure`` when the system is unknown, unavailable or can't carry the document exactly.
    func load(_ key: DocumentKey) async throws -> DocumentState
    /// Finds documents whose fields equal those of the query.
    ///
    /// - Throws: ``JobFailure`` as `load`.
    func find(_ query: DocumentQuery) async throws -> [Document]
    /// The declared shape of a document type.
    func shape(of type: DocumentType) -> DocumentShape
}

/// A search by equal fields.
public struct DocumentQuery: Sendable, Hashable {
    /// Where to search.
    public var type: DocumentType
    /// The fields that must be equal; at least one.
    public var fields: JSONObject
    /// The most documents to answer.
    public var limit: Int

    /// Makes a query.
    public init(type: DocumentType, fields: JSONObject, limit: Int = 5) {
        self.type = type
        self.fields = fields
        self.limit = limit
    }
}

/// A job as its controller sees it.
public final class JobHandle: Sendable {
    /// What is the same for every view of the job, held once.
    private final class Run: Sendable {
        let job: SyncJob
        let type: SyncJobType
        let flags: SyncFlags
        let source: Document?
        let isSourceDeleted: Bool
        let checkpoint: JSONValue?
        let lookups: any DocumentLookups
        let services: any JobServices
        let logger: Logger
        let recordings = JobRecordings()

        init(
            job: SyncJob, type: SyncJobType, source: Document?, isSourceDeleted: Bool, checkpoint: JSONValue?,
            lookups: any DocumentLookups, services: any JobServices, logger: Logger
        ) {
            self.job = job
            self.type = type
            flags = job.request.flags.applied(to: type.flags)
            self.source = source
            self.isSourceDeleted = isSourceDeleted
            self.checkpoint = checkpoint
            self.lookups = lookups
            self.services = services
            self.logger = logger
        }
    }

    private let run: Run
    /// The binding of this source, a deleted target's tombstone included.
    public let binding: Binding?
    /// What the request carries for the controller, or what the answer that chose the target says instead; empty when
    /// neither says anything.
    public let context: JSONObject
    /// The key of the target among the source's targets; empty for a single one.
    public let targetKey: String
    /// What `targets` answered, when it answered this one target alone; nil otherwise.
    public let answer: TargetAnswer?

    /// Makes a handle.
    public convenience init(
        job: SyncJob, type: SyncJobType, source: Document?, isSourceDeleted: Bool, binding: Binding?,
        checkpoint: JSONValue? = nil, lookups: any DocumentLookups, services: any JobServices = NoServices(),
        logger: Logger
    ) {
        self.init(
            run: Run(
                job: job, type: type, source: source, isSourceDeleted: isSourceDeleted, checkpoint: checkpoint,
                lookups: lookups, services: services, logger: logger),
            binding: binding, context: job.request.context ?? JSONObject(), targetKey: job.request.targetKey ?? "",
            answer: nil)
    }

    private init(run: Run, binding: Binding?, context: JSONObject, targetKey: String, answer: TargetAnswer?) {
        self.run = run
        self.binding = binding
        self.context = context
        self.targetKey = targetKey
        self.answer = answer
    }

    /// The record so far.
    public var job: SyncJob { run.job }
    /// The type.
    public var type: SyncJobType { run.type }
    /// The flags in force: the type's with the job's overrides.
    public var flags: SyncFlags { run.flags }
    /// The source document (its last image, when it was deleted); nil when it could not be loaded.
    public var source: Document? { run.source }
    /// Whether the source was deleted.
    public var isSourceDeleted: Bool { run.isSourceDeleted }
    /// What an earlier attempt of the job saved; nil when none did.
    public var checkpoint: JSONValue? { run.checkpoint }
    /// Reading documents of any configured system.
    public var lookups: any DocumentLookups { run.lookups }
    /// Bindings, progress, checkpoints: what the engine does for a running job.
    public var services: any JobServices { run.services }
    /// A logger that carries the job's id.
    ///
    /// Made when it is asked for: most jobs log nothing.
    public var logger: Logger {
        var logger = run.logger
        logger[metadataKey: "job_id"] = .string(run.job.id)
        return logger
    }
    private var recordings: JobRecordings { run.recordings }

    /// The same job with another context, binding or key: what a single answer of `targets` runs with.
    ///
    /// Notes and follow-ups are those of the job, whichever handle they are said to.
    public func with(
        context: JSONObject?, targetKey: String?, binding: Binding?, answer: TargetAnswer? = nil
    ) -> JobHandle {
        JobHandle(
            run: run, binding: binding, context: context ?? self.context, targetKey: targetKey ?? self.targetKey,
            answer: answer ?? self.answer)
    }

    /// Whether the job is about an end: the source was deleted, or somebody asks for the target's deletion.
    ///
    /// A delete event that comes late, when the source is there again, is neither.
    public var isDelete: Bool {
        isSourceDeleted || (job.request.operation == .delete && job.request.triggerType != .documentHook)
    }

    /// Whether the source was read from its system just now, and is there; else it came with the request, or is gone.
    public var isSourceLoaded: Bool {
        source != nil && !isSourceDeleted && (job.request.document == nil || job.request.operation == .delete)
    }

    /// The name of the live bound target; nil without one.
    public var boundTargetName: String? { binding.flatMap { $0.isDeleted ? nil : $0.target.name } }

    /// What a controller without a view of its own wants: update what is bound, insert what is not, delete what is gone.
    public var defaultTarget: TargetDecision {
        switch (isDelete, boundTargetName) {
        case (true, let name?): .delete(name)
        case (true, nil): .none(.alreadyGone)
        case (false, let name?): .update(name)
        case (false, nil): .insert()
        }
    }

    /// Notes something on the record; at most 50 notes of 500 characters are kept.
    public func note(_ text: String) { recordings.note(text) }

    /// What was noted so far.
    public var notes: [String] { recordings.notes }

    /// Throws when the job is to stop (its time is up, it was canceled, or the worker stops).
    ///
    /// - Throws: `CancellationError`.
    public func checkCancellation() throws { try Task.checkCancellation() }

    /// Tells how far the job has come; shown at most twice a second.
    public func report(progress: JobProgress) { services.report(progress, jobID: job.id) }

    /// Saves what the next attempt of the job finds in ``checkpoint``; at most 1 MiB of JSON.
    ///
    /// - Throws: ``JobFailure`` when it is too large, or this run is over (canceled, timed out).
    public func save(checkpoint: JSONValue) async throws {
        try await services.saveCheckpoint(checkpoint, jobID: job.id)
    }

    /// Sends a follow-up job with this job's commit: both happen, or neither.
    ///
    /// Its id derives from this job's and `key`, so that a job that runs again does not send another one. A dry run sends
    /// nothing.
    ///
    /// - Throws: ``JobFailure`` for an unknown or disabled type, a key that was used, or more than 1,000 follow-ups.
    public func enqueue(
        _ typeName: String, source: String?, key: String, adjust: (inout SyncRequest) -> Void = { _ in }
    ) throws {
        guard let type = services.type(typeName) else {
            throw JobFailure(
                .unknownType, "the follow-up \"\(key.prefix(80))\" names no sync job type",
                remedy: "name a configured type; ferry types list shows them")
        }
        var request = SyncRequest(
            id: SyncRequest.derivedID(of: job.id, mark: ">", key: key), type: type.name, sourceName: source)
        request.hops = job.request.hops + 1
        request.context = source == nil ? JSONObject() : nil
        adjust(&request)
        try SyncRequest.refuseLoop(hops: request.hops)
        try recordings.add(request)
    }

    /// The follow-up jobs so far.
    public var followUps: [SyncRequest] { recordings.followUps }

    /// The binding of another source document of any type: which target document it was synced into.
    ///
    /// - Throws: ``JobFailure`` for an unknown type, or when the store can't be read.
    public func binding(of typeName: String, source: String, key: String = "") async throws -> Binding? {
        guard let other = services.type(typeName) else { throw Self.unknownType(typeName) }
        let document = DocumentKey(type: other.source, name: source)
        return try await services.binding(BindingKey(typeSlug: other.slug, source: document, key: key))
    }

    /// Has the job's request made again once that document of another type is bound: for a controller that goes on without
    /// what it looked for.
    ///
    /// It is noted with the job's commit, unless that is a failure; a job whose document came with its message is not made
    /// again. At most 1,000 documents are waited for.
    ///
    /// - Throws: ``JobFailure`` for an unknown type.
    public func runAgain(onceBound typeName: String, source: String, key: String = "") throws {
        guard let other = services.type(typeName) else { throw Self.unknownType(typeName) }
        let document = DocumentKey(type: other.source, name: source)
        recordings.await(BindingKey(typeSlug: other.slug, source: document, key: key))
    }

    /// What the job's request is made again for, so far.
    public var awaited: [BindingKey] { recordings.awaited }

    private static func unknownType(_ name: String) -> JobFailure {
        JobFailure(
            .unknownType, "there is no sync job type \"\(name.prefix(140))\"",
            remedy: "name a configured type; ferry types list shows them")
    }

    /// The document whose change asked for the job; nil when the request names none or it is not there.
    ///
    /// Its type is one that a trigger of the job's type names, else one of the source's system.
    ///
    /// - Throws: ``JobFailure`` when its system is not available.
    public func triggerDocument() async throws -> Document? {
        let request = job.request
        guard let typeName = request.triggeredByDocumentType, let name = request.triggeredByDocumentName else {
            return nil
        }
        let declared = type.triggers.first { $0.document.name.hasSameBytes(as: typeName) }?.document
        let documentType = declared ?? DocumentType(system: type.source.system, name: typeName)
        return try await lookups.load(DocumentKey(type: documentType, name: name)).document
    }

    /// The target document as its system has it now: the one that the request names, else the bound one; nil when there
    /// is none yet.
    ///
    /// - Throws: ``JobFailure`` when its system is not available.
    public func targetDocument() async throws -> Document? {
        var key = binding.flatMap { $0.isDeleted ? nil : $0.target }
        if let name = job.request.targetDocumentName, let target = type.target {
            let typeName = job.request.targetDocumentType ?? target.name
            key = DocumentKey(type: DocumentType(system: target.system, name: typeName), name: name)
        }
        guard let key, case .present(let document) = try await lookups.load(key) else { return nil }
        return document
    }
}
