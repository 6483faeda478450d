// Jobs in a test: one is asked for and run; what it leaves behind (children, retries, follow-ups) runs when the test lets
// time pass. Each run begins at its due time by the test's clock.

internal import JobStore
internal import SyncEngine
public import SyncJobs

extension SyncTest {
    /// Asks for a job of `type` (its name or slug) and runs it once; answers its record after the run.
    ///
    /// What it owes (children, a retry, follow-ups) waits for ``settle()`` or ``advance(by:)``.
    ///
    /// - Parameters:
    ///   - source: the source document; nil when the context says it all.
    ///   - id: the job's id; of its own by default.
    ///   - adjust: changes the request before it is sent.
    /// - Throws: ``JobFailure`` when the request is refused before it becomes a job; ``JobStoreError``.
    @discardableResult
    public func run(
        _ type: String, source: String?, id: String? = nil, adjust: (inout SyncRequest) -> Void = { _ in }
    ) async throws -> SyncJob {
        let name = types[type]?.name ?? type
        var request = SyncRequest(id: id ?? nextID(), type: name, sourceName: source)
        request.context = source == nil ? JSONObject() : nil
        adjust(&request)
        return try await engine.deliver(request)
    }

    /// Publishes that a document changed; answers the records of the jobs that this made, after their first run.
    ///
    /// The event carries the image that the system has, its last one for a delete.
    ///
    /// - Throws: ``JobFailure`` for what a trigger or a request is refused for; ``JobStoreError``.
    @discardableResult
    public func change(
        _ event: ChangeEvent.Kind, _ type: String, _ name: String, adjust: (inout ChangeEvent) -> Void = { _ in }
    ) async throws -> [SyncJob] {
        let key = DocumentKey(type: try DocumentType(testName: type), name: name)
        var change = ChangeEvent(id: nextID(), documentType: key.type, documentName: name, event: event)
        let image = try await systems.load(key).document
        change.document = image?.fields
        change.version = image?.version?.text
        adjust(&change)
        return try await engine.publish(change)
    }

    /// Runs everything that is due now, and what that makes, until nothing is; answers the records after their runs.
    ///
    /// - Throws: ``JobStoreError``.
    @discardableResult
    public func settle() async throws -> [SyncJob] {
        // A schedule's first look is at the time at which the test begins.
        try await engine.runSchedules()
        try await engine.collectOwed()
        return try await engine.runPending(until: clock.now)
    }

    /// Lets time pass: children, follow-ups, retries and schedules that come due on the way run at their due times.
    ///
    /// - Throws: ``JobStoreError``.
    @discardableResult
    public func advance(by duration: Duration) async throws -> [SyncJob] {
        let end = clock.now.advanced(by: duration)
        var ran = try await settle()
        while let due = try await nextDue(), due <= end {
            clock.advance(to: due)
            ran += try await settle()
        }
        clock.advance(to: end)
        return ran
    }

    /// A job's record as it is now, with its attempts; nil when there is none.
    ///
    /// - Throws: ``JobStoreError``.
    public func job(_ id: String) async throws -> SyncJob? { try await store.job(id: id) }

    /// The children of a relay, in the order in which they were made.
    ///
    /// - Throws: ``JobStoreError``.
    public func children(of parent: SyncJob) async throws -> [SyncJob] {
        var filter = JobFilter()
        filter.parent = parent.id
        filter.limit = JobFilter.maximumLimit
        var children: [SyncJob] = []
        repeat {
            let page = try await store.jobPage(filter)
            children += page.jobs
            filter.afterSequence = page.nextSequence
        } while filter.afterSequence != nil
        return children.reversed()
    }

    /// What went to the dead letters, oldest first.
    public var deadLetters: [DeadLetter] { get async { await engine.deadLetters } }

    /// When the next job or schedule, or something that is parked, comes due that is not due yet.
    private func nextDue() async throws -> Timestamp? {
        let now = clock.now
        let jobs = await engine.pending.compactMap(\.dueAt)
        let schedules = types.all.filter { !$0.isDisabled }.flatMap(\.schedules).compactMap { $0.next(after: now) }
        let parked = try await engine.nextParkedDue()
        return (jobs + schedules + [parked].compactMap { $0 }).filter { $0 > now }.min()
    }
}
