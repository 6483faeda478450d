// The places of parked jobs. Invariant: of one ordering key only the first is ever on its way, and it keeps its place until
// its run is committed; what comes meanwhile parks behind it. So the order of a key survives any pause and any restart.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// Parked jobs that need the same.
    public struct ParkedGroup: Sendable, Hashable {
        /// What they need; the ordering key is empty.
        public var needs: JobNeeds
        /// How many wait.
        public var waiting: Int
        /// How many are on their way again.
        public var released: Int
        /// When the first of them was received.
        public var oldest: Timestamp?

        /// Describes a group.
        public init(needs: JobNeeds, waiting: Int, released: Int, oldest: Timestamp?) {
            self.needs = needs
            self.waiting = waiting
            self.released = released
            self.oldest = oldest
        }
    }

    /// What is parked, by what it needs, with everything that stands still; read on one snapshot.
    ///
    /// - Throws: ``JobStoreError``.
    public func parkedGroups() async throws(JobStoreError) -> (standstill: Standstill, groups: [ParkedGroup]) {
        try await read("parked") { db in
            (try StandstillRow.standstill(in: db), try ParkedRow.groups(in: db))
        }
    }

    /// When something changes by itself for what is parked: a job's time, a probe's, the end of a pause; nil when nothing
    /// will.
    ///
    /// - Throws: ``JobStoreError``.
    public func nextParkedDue(after now: Timestamp) async throws(JobStoreError) -> Timestamp? {
        try await read("parked") { db in
            let standstill = try StandstillRow.standstill(in: db)
            let times =
                try ParkedRow.dueTimes(standstill: standstill, after: now, in: db)
                + standstill.circuits.map(\.nextProbeAt) + standstill.pauses.compactMap(\.until)
            return times.filter { $0 > now }.min()
        }
    }

    /// Brings parked jobs that nothing stops any more onto their way again, by order of their receipt.
    ///
    /// The rest of a key follows one by one, each with the commit of the one before it.
    ///
    /// - Parameter inFlight: how many may be on their way at a time; at most 10,000.
    /// - Returns: the messages that are owed for them now.
    /// - Throws: ``JobStoreError``; then none is released.
    public func releaseParked(inFlight: Int, now: Timestamp) async throws(JobStoreError) -> [OutboxMessage] {
        let isNeeded = try await read("parked") { db in
            try ParkedRow.releasable(standstill: StandstillRow.standstill(in: db), limit: 1, now: now, in: db)
                .isEmpty == false
        }
        guard isNeeded else { return [] }
        return try await writer.write("release", count: min(inFlight, GroupWriter.maximumCount)) { context in
            let limit = min(max(inFlight, 0), 10_000) - (try ParkedRow.releasedCount(in: context.db))
            guard limit > 0 else { return [] }
            let standstill = try StandstillRow.standstill(in: context.db)
            return try ParkedRow.releasable(standstill: standstill, limit: limit, now: now, in: context.db)
                .compactMap { try context.release($0) }
        }
    }
}

enum ParkedRow {
    /// Where a parked job stands within its key.
    enum State: Int {
        case behind = 0
        case first = 1
        case released = 2
    }

    static func systems(_ systems: [String]) -> DatabaseValue {
        JSONValue.array(systems.map { .string($0) }).columnValue
    }

    fileprivate static func needs(_ columns: inout ColumnReader) throws -> JobNeeds {
        JobNeeds(
            typeSlug: try columns.text(), queue: try columns.text(), orderKey: "",
            systems: try columns.optionalJSON()?.arrayValue?.compactMap(\.stringValue) ?? [])
    }

    fileprivate static func groups(in db: Database) throws -> [JobStore.ParkedGroup] {
        let sql = """
            SELECT type_slug, queue, systems, waiting, released,
                (SELECT created_at FROM jobs WHERE sequence = earliest)
            FROM (
                SELECT type_slug, queue, systems, sum(places * (state <> 2)) AS waiting,
                    sum(places * (state = 2)) AS released, min(first) AS earliest
                FROM (
                    -- In the order of the index, so that many parked jobs are counted quickly.
                    SELECT state, type_slug, queue, systems, count(*) AS places, min(job) AS first
                    FROM parked GROUP BY state, type_slug, queue, systems)
                GROUP BY type_slug, queue, systems ORDER BY type_slug, queue, systems)
            """
        return try db.allRows(sql, []) { row in
            var columns = ColumnReader(row)
            let needs = try needs(&columns)
            return JobStore.ParkedGroup(
                needs: needs, waiting: try columns.int(), released: try columns.int(),
                oldest: columns.optionalTimestamp())
        }
    }

    /// What a parked job needs, and how many of its key are before it; nil when it has no place.
    static func place(of sequence: Int64, in db: Database) throws -> (needs: JobNeeds, ahead: Int)? {
        let sql = """
            SELECT type_slug, queue, systems,
                (SELECT count(*) FROM parked AS earlier
                    WHERE earlier.order_key = parked.order_key AND earlier.job < parked.job)
            FROM parked WHERE job = ?
            """
        return try db.firstRow(sql, [sequence.databaseValue]) { row in
            var columns = ColumnReader(row)
            let needs = try needs(&columns)
            return (needs, try columns.int())
        }
    }

    static func releasedCount(in db: Database) throws -> Int {
        try db.firstRow("SELECT count(*) FROM parked WHERE state = 2", []) { $0[0] } ?? 0
    }

    /// The groups that have a first of a key waiting, with the values of their columns.
    private static func firstGroups(in db: Database) throws -> [(needs: JobNeeds, arguments: [DatabaseValue])] {
        let sql = "SELECT DISTINCT type_slug, queue, systems FROM parked WHERE state = 1"
        return try db.allRows(sql, []) { row in
            var columns = ColumnReader(row)
            let values: [DatabaseValue] = [row[0], row[1], row[2]]
            return (try needs(&columns), values)
        }
    }

    /// The first of their keys that nothing stops and whose time has come, by order of receipt.
    fileprivate static func releasable(
        standstill: Standstill, limit: Int, now: Timestamp, in db: Database
    ) throws -> [Int64] {
        let sql = """
            SELECT job FROM parked
            WHERE state = 1 AND type_slug = ? AND queue = ? AND systems = ? AND (due_at IS NULL OR due_at <= ?)
            ORDER BY job LIMIT ?
            """
        var found: [Int64] = []
        for group in try firstGroups(in: db) where standstill.stop(of: group.needs) == nil {
            found += try db.allRows(sql, group.arguments + [now.columnValue, limit.databaseValue]) { $0[0] as Int64 }
        }
        return Array(found.sorted().prefix(limit))
    }

    /// The earliest time later than now of each group that nothing else stops.
    fileprivate static func dueTimes(
        standstill: Standstill, after now: Timestamp, in db: Database
    ) throws -> [Timestamp] {
        let sql = """
            SELECT min(due_at) FROM parked
            WHERE state = 1 AND type_slug = ? AND queue = ? AND systems = ? AND due_at > ?
            """
        var times: [Timestamp] = []
        for group in try firstGroups(in: db) where standstill.stop(of: group.needs) == nil {
            let due = try db.firstRow(sql, group.arguments + [now.columnValue]) { row in row[0] as Int64? }
            if let due, let due { times.append(Timestamp(microseconds: due)) }
        }
        return times
    }

    /// The job that probes a system.
    static func probe(of system: String, in db: Database) throws -> Int64? {
        let standstill = try StandstillRow.standstill(in: db)
        let sql = """
            SELECT job, due_at FROM parked WHERE state = 1 AND type_slug = ? AND queue = ? AND systems = ?
            ORDER BY due_at IS NOT NULL, due_at, job LIMIT 1
            """
        var best: (job: Int64, due: Int64)?
        for group in try firstGroups(in: db)
        where group.needs.systems.contains(where: { $0.hasSameBytes(as: system) })
            && standstill.stop(of: group.needs, probing: system) == nil
        {
            let found = try db.firstRow(sql, group.arguments) { row in
                (job: row[0] as Int64, due: (row[1] as Int64?) ?? Int64.min)
            }
            if let found, best.map({ (found.due, found.job) < ($0.due, $0.job) }) ?? true { best = found }
        }
        return best?.job
    }

    /// Why a job has to be parked behind an earlier one of its key; nil when none is parked.
    static func reasonAhead(ofJob jobID: String, orderKey: String, in db: Database) throws -> WaitReason? {
        let sql = """
            SELECT reason FROM parked
            WHERE order_key = ?1 AND job < coalesce((SELECT sequence FROM jobs WHERE id = ?2), 9223372036854775807)
            ORDER BY job LIMIT 1
            """
        return try db.firstRow(sql, [orderKey.databaseValue, jobID.nameValue]) { row in
            var columns = ColumnReader(row)
            return try columns.word(WaitReason.self)
        }
    }
}

extension WriteContext {
    /// Gives a job that was just stored its place among the parked ones.
    func park(_ jobID: String, _ parking: Parking) throws {
        try execute(
            """
            INSERT INTO parked (job, order_key, type_slug, queue, systems, reason, due_at, state)
            SELECT sequence, ?2, ?3, ?4, ?5, ?6, ?7,
                NOT EXISTS (SELECT 1 FROM parked WHERE order_key = ?2 AND job < sequence)
            FROM jobs WHERE id = ?1
            ON CONFLICT (job) DO UPDATE SET order_key = excluded.order_key, type_slug = excluded.type_slug,
                queue = excluded.queue, systems = excluded.systems, reason = excluded.reason,
                due_at = excluded.due_at, state = excluded.state
            """,
            [
                jobID.nameValue, parking.needs.orderKey.databaseValue, parking.needs.typeSlug.databaseValue,
                parking.needs.queue.nameValue, ParkedRow.systems(parking.needs.systems),
                parking.reason.rawValue.databaseValue, parking.dueAt?.columnValue ?? .null,
            ])
        note(.parked)
    }

    /// Takes a job's place away, where it has one: it has run, or is over.
    ///
    /// The next one of its key is the first then, and is on its way at once where nothing stops it.
    func unpark(_ jobID: String) throws -> OutboxMessage? {
        guard try mayHave(.parked) else { return nil }
        let place = try db.firstRow(
            "SELECT job, order_key FROM parked WHERE job = (SELECT sequence FROM jobs WHERE id = ?)", [jobID.nameValue]
        ) { row in (job: row[0] as Int64, key: try row.text(1) ?? "") }
        guard let place else { return nil }
        try execute("DELETE FROM parked WHERE job = ?", [place.job.databaseValue])
        let next = try db.firstRow(
            "SELECT type_slug, queue, systems, job, state, due_at FROM parked WHERE order_key = ? ORDER BY job LIMIT 1",
            [place.key.databaseValue]
        ) { row in
            var columns = ColumnReader(row)
            let needs = try ParkedRow.needs(&columns)
            return (needs: needs, job: row[3] as Int64, state: row[4] as Int, isTimed: (row[5] as Int64?) != nil)
        }
        guard let next, next.state == ParkedRow.State.behind.rawValue else { return nil }
        if !next.isTimed, try standstill().stop(of: next.needs) == nil { return try release(next.job) }
        try execute("UPDATE parked SET state = 1 WHERE job = ?", [next.job.databaseValue])
        return nil
    }

    /// Brings a parked job onto its way again; it keeps its place.
    fileprivate func release(_ sequence: Int64) throws -> OutboxMessage? {
        try execute("UPDATE parked SET state = 2, due_at = NULL WHERE job = ?", [sequence.databaseValue])
        try execute(
            "UPDATE jobs SET wait_reason = NULL, retry_after = NULL WHERE sequence = ?", [sequence.databaseValue])
        guard let job = try JobRow.job(sequence: sequence, in: db) else { return nil }
        let message = OutboxMessage.again(job, dueAt: nil)
        try owe(message)
        return message.filled(from: job)
    }

    /// What is parked for a system that is back is due at once.
    func makeDue(parkedFor system: String) throws {
        let sql = "SELECT DISTINCT systems FROM parked WHERE due_at IS NOT NULL"
        let lists = try db.allRows(sql, []) { row in
            var columns = ColumnReader(row)
            return (value: row[0] as DatabaseValue, systems: try columns.optionalJSON()?.arrayValue ?? [])
        }
        for list in lists
        where list.systems.contains(where: { $0.stringValue?.hasSameBytes(as: system) == true }) {
            try execute("UPDATE parked SET due_at = NULL WHERE systems = ? AND due_at IS NOT NULL", [list.value])
        }
    }
}
