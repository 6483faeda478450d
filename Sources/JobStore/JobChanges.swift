// What has happened to records since the last look, for those who follow along: records that were born, open ones that are
// no longer as they were, and those that somebody acted on. Each look is one snapshot and costs as much as there is open.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// How far somebody who follows along has seen.
    public struct WatchPosition: Sendable, Hashable {
        fileprivate var sequence: Int64
        fileprivate var audit: Int64
        fileprivate var open: [Int64: OpenMark]
    }

    /// What a look has found.
    public struct JobChanges: Sendable {
        /// The records that changed, each once and as it is now; relayed ones with their children by status.
        public var jobs: [SyncJob]
        /// From where to look next.
        public var position: WatchPosition
        /// Whether there was more than one look takes, so that the next one is due at once.
        public var hasMore: Bool
    }

    /// Where things stand now: a look from here finds what happens later.
    ///
    /// - Parameter typeSlug: only jobs of this type; nil for all.
    /// - Throws: ``JobStoreError``.
    public func watchPosition(typeSlug: String? = nil) async throws(JobStoreError) -> WatchPosition {
        try await longRead("watch") { db in
            func last(_ table: String) throws -> Int64 {
                try db.firstRow("SELECT coalesce(max(sequence), 0) FROM \(table)", []) { $0[0] } ?? 0
            }
            let sequence = try last("jobs")
            return WatchPosition(
                sequence: sequence, audit: try last("audit"),
                open: try OpenMark.all(typeSlug: typeSlug, upTo: sequence, in: db))
        }
    }

    /// What has changed since `position`.
    ///
    /// A job that was open and is open again in the same way in between is not noticed.
    ///
    /// - Parameters:
    ///   - typeSlug: only jobs of this type, the same as the position's.
    ///   - limit: about how many records one look answers; 1…10,000.
    /// - Throws: ``JobStoreError``.
    public func changes(
        since position: WatchPosition, typeSlug: String? = nil, limit: Int = 1_000
    ) async throws(JobStoreError) -> JobChanges {
        let limit = min(max(limit, 1), JobFilter.maximumLimit)
        return try await longRead("watch") { db in
            try ChangeLook(position: position, typeSlug: typeSlug, limit: limit).look(in: db)
        }
    }

    /// The records of these ids, without attempts, in no particular order; ids without a record are left out.
    ///
    /// Relayed ones come with their children by status.
    ///
    /// - Throws: ``JobStoreError``.
    public func jobs(ids: [String]) async throws(JobStoreError) -> [SyncJob] {
        try await longRead("jobs") { db in
            try ids.compactMap { try JobRow.job(id: $0, in: db) }.map { try $0.withChildCounts(in: db) }
        }
    }
}

/// What tells whether an open record has changed.
private struct OpenMark: Sendable, Hashable {
    let status: String
    let nextTurn: Int
    let waitReason: String?
    let retryAfter: Timestamp?
    let progress: String?
    let isCancelAsked: Bool

    static func all(typeSlug: String?, upTo sequence: Int64, in db: Database) throws -> [Int64: OpenMark] {
        // Spelled out, because a partial index is recognised by its words.
        let sql = """
            SELECT sequence, status, next_turn, wait_reason, retry_after, progress, cancel_asked FROM jobs
            WHERE is_open = 1 AND sequence <= ?\(typeSlug == nil ? "" : " AND +type_slug = ?")
            """
        let rows = try db.allRows(sql, [sequence.databaseValue] + (typeSlug.map { [$0.nameValue] } ?? [])) { row in
            var columns = ColumnReader(row, from: 1)
            return (
                row[0] as Int64,
                OpenMark(
                    status: try columns.text(), nextTurn: try columns.int(), waitReason: try columns.optionalText(),
                    retryAfter: columns.optionalTimestamp(), progress: try columns.optionalText(),
                    isCancelAsked: try columns.optionalBool() ?? false)
            )
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }
}

/// One look: from a position to the next.
private struct ChangeLook: Sendable {
    let position: JobStore.WatchPosition
    let typeSlug: String?
    let limit: Int

    func look(in db: Database) throws -> JobStore.JobChanges {
        let born = try born(in: db)
        var next = position
        // With fewer rows than were asked for, nothing more was born; of other types neither.
        let isAllBorn = born.count < limit
        next.sequence =
            isAllBorn
            ? try db.firstRow("SELECT coalesce(max(sequence), 0) FROM jobs", []) { $0[0] } ?? 0
            : born.last?.sequence ?? position.sequence
        next.open = try OpenMark.all(typeSlug: typeSlug, upTo: next.sequence, in: db)
        let acted = try acted(next: &next, in: db)
        var changed = changed(next.open).union(acted)
        let hasMoreChanged = changed.count > limit
        if hasMoreChanged {
            // Those for which there is no room stay as they were seen last, and are found by the next look.
            let later = changed.sorted().dropFirst(limit).filter { !acted.contains($0) }
            for sequence in later { next.open[sequence] = position.open[sequence] }
            changed.subtract(later)
        }
        let older = try changed.sorted().compactMap { try job(sequence: $0, in: db) }
        return JobStore.JobChanges(
            jobs: try (older + born.map(\.job)).map { try $0.withChildCounts(in: db) }, position: next,
            hasMore: !isAllBorn || hasMoreChanged)
    }

    /// The table leads, or the open jobs: the plus keeps the index of types out.
    private var typeCondition: String { typeSlug == nil ? "" : " AND +type_slug = ?" }
    private var typeArgument: [DatabaseValue] { typeSlug.map { [$0.nameValue] } ?? [] }

    /// Records that were born since, oldest first.
    private func born(in db: Database) throws -> [(sequence: Int64, job: SyncJob)] {
        let sql = """
            SELECT sequence, \(JobRow.columns) FROM jobs WHERE sequence > ?\(typeCondition)
            ORDER BY sequence LIMIT \(limit)
            """
        return try db.allRows(sql, [position.sequence.databaseValue] + typeArgument) { row in
            (row[0] as Int64, try JobRow.job(from: row, at: 1))
        }
    }

    /// Records of before that were open and are not as they were, or that are open again.
    private func changed(_ open: [Int64: OpenMark]) -> Set<Int64> {
        var changed: Set<Int64> = []
        for (sequence, mark) in position.open where open[sequence] != mark { changed.insert(sequence) }
        for sequence in open.keys where sequence <= position.sequence && position.open[sequence] == nil {
            changed.insert(sequence)
        }
        return changed
    }

    /// Records of before that somebody acted on: one that was retried may have ended again by now.
    private func acted(next: inout JobStore.WatchPosition, in db: Database) throws -> Set<Int64> {
        let sql = "SELECT sequence, subject FROM audit WHERE sequence > ? ORDER BY sequence LIMIT \(limit)"
        let entries = try db.allRows(sql, [position.audit.databaseValue]) { row in
            var columns = ColumnReader(row, from: 1)
            return (sequence: row[0] as Int64, subject: try columns.text())
        }
        next.audit = entries.last?.sequence ?? position.audit
        var found: Set<Int64> = []
        for entry in entries {
            let arguments = [entry.subject.nameValue, position.sequence.databaseValue] + typeArgument
            let sql = "SELECT sequence FROM jobs WHERE id = ? AND sequence <= ?\(typeCondition)"
            if let sequence = try db.firstRow(sql, arguments, { $0[0] as Int64 }) { found.insert(sequence) }
        }
        return found
    }

    private func job(sequence: Int64, in db: Database) throws -> SyncJob? {
        let sql = "SELECT \(JobRow.columns) FROM jobs WHERE sequence = ?"
        return try db.firstRow(sql, [sequence.databaseValue]) { try JobRow.job(from: $0) }
    }
}

extension SyncJob {
    /// The record with its children by status, when it relayed.
    fileprivate func withChildCounts(in db: Database) throws -> SyncJob {
        guard status == .relayed else { return self }
        var job = self
        job.childCounts = try RelayRows.counts(of: id, in: db)
        return job
    }
}
