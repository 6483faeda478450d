// How the records that a filter means are found, newest first, in a store of any size. SQLite keeps no statistics here, so
// each index that could lead is asked how many rows it has for the filter (up to a bound), and the smallest leads.
// Invariant: what is answered depends on the filter alone; sizes and windows only decide how soon.
internal import GRDB
internal import SyncJobs

/// A search for the records that a filter means.
struct JobSearch {
    /// A part of a filter, and the index that finds its rows.
    struct Condition {
        let sql: String
        let arguments: [DatabaseValue]
        var index: String?
    }

    /// All jobs of one type with one status: what ``index`` has in the order of their sequence.
    private struct Run {
        let typeSlug: DatabaseValue
        let status: JobStatus
        var arguments: [DatabaseValue] { [typeSlug, status.rawValue.databaseValue] }
    }

    /// What leads: a condition's index, the runs of types and statuses, or the table itself.
    private enum Lead {
        case condition(Condition)
        case runs([Run])
        case table
        var isTable: Bool { if case .table = self { true } else { false } }
    }

    /// Above this many rows, an index is walked from its newest row on rather than to its end.
    private let few: Int
    /// How many of the newest sequences are looked at first, when much is to be walked and nothing tells how far.
    private let windows: [Int64]
    private static let index = "jobs_by_type_and_status"
    private static let ofRun = "type_slug = ? AND status = ?"

    private let filter: JobFilter
    private let conditions: [Condition]

    init(_ filter: JobFilter, few: Int = 10_000, windows: [Int64] = [20_000, 400_000]) {
        self.filter = filter
        self.few = few
        self.windows = windows
        conditions = filter.conditions
    }

    /// The sequences of the newest that the filter means, as many as its limit says, newest first.
    func sequences(in db: Database) throws -> [Int64] {
        let (lead, isWhole) = try lead(in: db)
        let end = filter.afterSequence ?? .max
        if isWhole { return try sequences(lead, above: 0, below: end, in: db) }
        let newest = min(
            try db.firstRow("SELECT coalesce(max(sequence), 0) FROM jobs", []) { $0[0] as Int64 } ?? 0, end)
        for window in windows where window < newest {
            let found = try sequences(lead, above: newest - window, below: end, in: db)
            if found.count >= filter.limit { return found }
        }
        let (first, last) = try bounds(in: db)
        return try sequences(lead, above: first - 1, below: min(end, last == .max ? last : last + 1), in: db)
    }

    /// How many the filter means, by status.
    func counts(in db: Database) throws -> [JobStatus: Int] {
        var counts: [JobStatus: Int] = [:]
        if conditions.allSatisfy({ $0.index == Self.index }) {
            for run in try runs(in: db) {
                let sql = "SELECT count(*) FROM jobs INDEXED BY \(Self.index) WHERE \(Self.ofRun)"
                guard let count = try Self.integers(sql, run.arguments, in: db).first, count > 0 else { continue }
                counts[run.status, default: 0] += Int(count)
            }
            return counts
        }
        var hint = ""
        if case (.condition(let condition), true) = try lead(in: db) { hint = condition.hint }
        let sql = "SELECT status, count(*) FROM jobs \(hint) WHERE \(Self.all(conditions)) GROUP BY status"
        try db.eachRow(sql, conditions.flatMap(\.arguments), isKept: false) { row in
            var columns = ColumnReader(row)
            counts[try columns.word(JobStatus.self)] = try columns.int()
            return true
        }
        return counts
    }

    // MARK: - What leads

    /// What leads, and whether it is read to its end: it has few rows, or has them in another order.
    private func lead(in db: Database) throws -> (lead: Lead, isWhole: Bool) {
        var best: (lead: Lead, size: Int, isWhole: Bool) = (.table, few, false)
        for condition in conditions {
            guard let index = condition.index, index != Self.index else { continue }
            let size = try size(index, condition.sql, condition.arguments, in: db)
            // Nearly all jobs of a long time are in the order of their receipt: the table is as good as that index.
            let isBetterThanTable = best.lead.isTable && index != JobFilter.indexOfTimes
            if size < best.size || isBetterThanTable {
                best = (.condition(condition), size, size < few || !condition.isOrdered)
            }
        }
        if conditions.contains(where: { $0.index == Self.index }) {
            let runs = try runs(in: db)
            var size = 0
            for run in runs where size < few {
                size += try self.size(Self.index, Self.ofRun, run.arguments, in: db)
            }
            if size < best.size || best.lead.isTable { best = (.runs(runs), size, size < few) }
        }
        return (best.lead, best.isWhole)
    }

    /// How many rows an index has for a condition, as far as ``few``.
    private func size(_ index: String, _ condition: String, _ values: [DatabaseValue], in db: Database) throws -> Int {
        let sql = """
            SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY \(index) WHERE \(condition) LIMIT \(few))
            """
        return try Self.integers(sql, values, in: db).first.map(Int.init) ?? 0
    }

    /// Every type with every status that the filter allows.
    private func runs(in db: Database) throws -> [Run] {
        let statuses = filter.statuses.isEmpty ? Set(JobStatus.allCases) : filter.statuses
        let slugs = try filter.typeSlug.map { [$0.nameValue] } ?? Self.typeSlugs(in: db)
        return slugs.flatMap { slug in
            statuses.map { Run(typeSlug: slug, status: $0) }
        }
    }

    /// The types that have records: one step in the index for each, however many records it has.
    private static func typeSlugs(in db: Database) throws -> [DatabaseValue] {
        let sql = """
            WITH RECURSIVE slugs (slug) AS (
                SELECT min(type_slug) FROM jobs
                UNION ALL
                SELECT (SELECT min(type_slug) FROM jobs WHERE type_slug > slug) FROM slugs WHERE slug IS NOT NULL)
            SELECT slug FROM slugs WHERE slug IS NOT NULL
            """
        return try db.allRows(sql, []) { $0[0] as DatabaseValue }
    }

    // MARK: - Walking

    private func sequences(_ lead: Lead, above first: Int64, below end: Int64, in db: Database) throws -> [Int64] {
        switch lead {
        case .table: return try newest("NOT INDEXED", conditions, above: first, below: end, in: db)
        case .condition(let condition):
            return try newest(condition.hint, conditions, above: first, below: end, in: db)
        case .runs(let runs):
            let others = conditions.filter { $0.index != Self.index }
            var found: [Int64] = []
            for run in runs {
                let ofRun = Condition(sql: Self.ofRun, arguments: run.arguments)
                found += try newest("INDEXED BY \(Self.index)", [ofRun] + others, above: first, below: end, in: db)
            }
            return Array(found.sorted(by: >).prefix(filter.limit))
        }
    }

    private func newest(
        _ hint: String, _ conditions: [Condition], above first: Int64, below end: Int64, in db: Database
    ) throws -> [Int64] {
        let sql = """
            SELECT sequence FROM jobs \(hint) WHERE \(Self.all(conditions)) AND sequence > ? AND sequence < ?
            ORDER BY sequence DESC LIMIT \(filter.limit)
            """
        return try Self.integers(
            sql, conditions.flatMap(\.arguments) + [first.databaseValue, end.databaseValue], in: db)
    }

    /// The lowest and the highest sequence that was received in the filter's time.
    ///
    /// That nothing is walked which is older helps where most of the lead is older: nearly all jobs get their sequence in
    /// the order of their receipt, but not all.
    private func bounds(in db: Database) throws -> (first: Int64, last: Int64) {
        let times = conditions.filter { $0.index == JobFilter.indexOfTimes }
        guard !times.isEmpty else { return (0, .max) }
        let sql = """
            SELECT coalesce(min(sequence), 1), coalesce(max(sequence), 0)
            FROM jobs INDEXED BY \(JobFilter.indexOfTimes) WHERE \(Self.all(times))
            """
        var bounds: (first: Int64, last: Int64) = (1, 0)
        try db.eachRow(sql, times.flatMap(\.arguments), isKept: false) { row in
            bounds = (row[0], row[1])
            return false
        }
        return bounds
    }

    private static func all(_ conditions: [Condition]) -> String {
        conditions.isEmpty ? "1" : conditions.map(\.sql).joined(separator: " AND ")
    }

    /// The first column of a statement that is made for one filter, and kept for no other.
    private static func integers(_ sql: String, _ arguments: [DatabaseValue], in db: Database) throws -> [Int64] {
        var numbers: [Int64] = []
        try db.eachRow(sql, arguments, isKept: false) { row in
            numbers.append(row[0])
            return true
        }
        return numbers
    }
}

extension JobSearch.Condition {
    /// What tells SQLite to use its index.
    fileprivate var hint: String { index.map { "INDEXED BY \($0)" } ?? "NOT INDEXED" }

    /// Whether its index has its rows in the order of their sequence.
    fileprivate var isOrdered: Bool {
        !["jobs_by_parent", "jobs_by_wait", JobFilter.indexOfTimes, JobFilter.indexOfIDs].contains(index)
    }
}

extension JobFilter {
    /// The index of the times of receipt.
    static let indexOfTimes = "jobs_by_creation"
    /// The index of the ids.
    static let indexOfIDs = "sqlite_autoindex_jobs_1"

    /// The conditions with the indexes that find their rows, the most telling first; paging and limit left out.
    var conditions: [JobSearch.Condition] {
        var list: [JobSearch.Condition] = []
        func add(_ sql: String, _ values: DatabaseValue?..., index: String? = nil) {
            list.append(JobSearch.Condition(sql: sql, arguments: values.compactMap { $0 }, index: index))
        }
        if let sourceName { add("source_name = ?", sourceName.nameValue, index: "jobs_by_source") }
        if let targetName { add("target_name = ?", targetName.nameValue, index: "jobs_by_target") }
        if let idPrefix {
            // U+10FFFF is the greatest character, and an id holds at most 63 of them: nothing with the prefix is
            // above.
            let end = idPrefix + String(repeating: "\u{10FFFF}", count: SyncRequest.maximumIDBytes / 4 + 1)
            add("id >= ? AND id <= ?", idPrefix.nameValue, end.nameValue, index: Self.indexOfIDs)
        }
        if let parent { add("parent = ?", parent.nameValue, index: "jobs_by_parent") }
        if let dedupKey { add("dedup_key = ?", dedupKey.nameValue, index: "jobs_by_dedup_key") }
        if let waitReason { add("wait_reason = ?", waitReason.rawValue.databaseValue, index: "jobs_by_wait") }
        // Spelled out, because a partial index is recognised by its words.
        if let isOpen { add(isOpen ? "is_open = 1" : "is_open = 0", index: isOpen ? "jobs_open" : nil) }
        if let errorCode { add("error_code = ?", errorCode.rawValue.databaseValue, index: "jobs_by_error") }
        if since != nil || until != nil {
            let times = [since.map { _ in "created_at >= ?" }, until.map { _ in "created_at < ?" }].compactMap { $0 }
            add(
                times.joined(separator: " AND "), since?.columnValue, until?.columnValue, index: Self.indexOfTimes)
        }
        if let typeSlug { add("type_slug = ?", typeSlug.nameValue, index: "jobs_by_type_and_status") }
        if !statuses.isEmpty {
            list.append(
                JobSearch.Condition(
                    sql: "status IN (\(statuses.map { _ in "?" }.joined(separator: ", ")))",
                    arguments: statuses.map(\.rawValue).sorted().map(\.databaseValue),
                    index: "jobs_by_type_and_status"))
        }
        if let sourceType {
            add("source_system = ? AND source_type = ?", sourceType.system.nameValue, sourceType.name.nameValue)
        }
        return list
    }
}
