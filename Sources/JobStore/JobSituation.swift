// Everything the store knows about why a job is where it is, read on one snapshot.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// What the store knows about a job's situation.
    public struct JobSituation: Sendable {
        /// The record with its attempts, and with its children by status when it relayed; nil when there is none.
        public var job: SyncJob?
        /// Why it is to be canceled as soon as it comes by; nil when nobody asked.
        public var cancelReason: String?
        /// Whether its record was pruned and its id is remembered.
        public var isSeen: Bool
        /// The job behind which it waits: the first open one of its key; nil when it does not wait for one.
        public var blockedBehind: SyncJob?
        /// The run that holds the lease of the job's own ordering key, the job's own run included; nil when none does, or
        /// its time has passed.
        public var leaseHolder: (jobID: String, until: Timestamp)?
        /// The other job that holds its dedup key; nil when there is none.
        public var dedupHolder: String?
        /// The first of the messages that it owes, or that others owe about it.
        public var owed: [OutboxMessage]
        /// Why it is parked, as things stand now; nil when it is not, or nothing stops it any more.
        public var stop: Stop?
        /// How many jobs of its key are parked before it, or are on their way again.
        public var parkedAhead = 0
        /// How many open jobs were born before it: of its ordering key where it waits within one, else of its queue.
        public var openAhead: Int

        /// Describes a situation.
        public init(
            job: SyncJob? = nil, cancelReason: String? = nil, isSeen: Bool = false, blockedBehind: SyncJob? = nil,
            leaseHolder: (jobID: String, until: Timestamp)? = nil, dedupHolder: String? = nil,
            owed: [OutboxMessage] = [], openAhead: Int = 0
        ) {
            self.job = job
            self.cancelReason = cancelReason
            self.isSeen = isSeen
            self.blockedBehind = blockedBehind
            self.leaseHolder = leaseHolder
            self.dedupHolder = dedupHolder
            self.owed = owed
            self.openAhead = openAhead
        }
    }

    /// Why a job is where it is.
    ///
    /// - Throws: ``JobStoreError``.
    public func situation(id: String) async throws(JobStoreError) -> JobSituation {
        let settledBefore = settled.all
        let now = Timestamp.now
        return try await read("situation") { [processes] db in
            var found = JobSituation()
            found.cancelReason = try CancellationRow.reason(id, in: db)
            found.isSeen = try SeenRow.requestHash(of: id, in: db) != nil
            found.owed = try OutboxRow.messages(
                "(job_id = ?1 OR message_id = ?1)", [id.nameValue], limit: JobStore.owedPage, except: settledBefore,
                in: db)
            guard let (sequence, job) = try JobRow.wholeJob(id: id, in: db) else { return found }
            found.job = job
            try found.describeWaiting(job, sequence: sequence, now: now, processes: processes, in: db)
            return found
        }
    }
}

extension JobStore.JobSituation {
    fileprivate mutating func describeWaiting(
        _ job: SyncJob, sequence: Int64, now: Timestamp, processes: StoreProcesses, in db: Database
    ) throws {
        if let key = job.request.dedupKey,
            let claim = try DedupClaim.claim(typeSlug: job.typeSlug, key: key, in: db),
            !claim.jobID.hasSameBytes(as: job.id), try claim.isHeld(at: now, in: db)
        {
            dedupHolder = claim.jobID
        }
        let key = job.orderKey ?? job.request.orderKey(typeSlug: job.typeSlug)
        let lease = try LeaseHolder.lease(ofJob: job.id, in: db) ?? LeaseHolder.holder(of: key, in: db)
        if let lease, now < lease.until, lease.process.map(processes.isAlive) ?? true {
            leaseHolder = (lease.jobID, lease.until)
        }
        guard job.isOpen else { return }
        let (column, value) = job.orderKey.map { ("order_key", $0) } ?? ("queue", job.queue)
        let ahead = "\(column) = ? AND is_open = 1 AND status <> 'Pending' AND sequence < ?"
        let arguments = [value.nameValue, sequence.databaseValue]
        openAhead = try db.firstRow("SELECT count(*) FROM jobs WHERE \(ahead)", arguments) { $0[0] } ?? 0
        if let parked = try ParkedRow.place(of: sequence, in: db) {
            stop = try StandstillRow.standstill(in: db).stop(of: parked.needs)
            parkedAhead = parked.ahead
        }
        guard job.waitReason == .blocked else { return }
        blockedBehind = try db.firstRow(
            "SELECT \(JobRow.columns) FROM jobs WHERE \(ahead) ORDER BY sequence LIMIT 1", arguments
        ) { try JobRow.job(from: $0) }
    }
}
