// Lists answer the same whatever leads the search, and never read the whole table for a page.
import GRDB
@testable import JobStore
import SyncJobs
import Testing

@Suite struct JobSearchTests {
    /// 600 records of three types and all statuses; one type has none of late, and times are not quite in order.
    private func makeStore() throws -> StoreFixture {
        let fixture = try StoreFixture()
        let database = try DatabaseQueue(path: fixture.path)
        try database.write { db in
            for number in 0..<600 {
                let statuses = JobStatus.allCases
                let status = number % 10 == 0 ? statuses[number / 10 % statuses.count] : .finished
                let slug = number < 200 && number % 2 == 0 ? "dormant" : number % 7 == 0 ? "rare" : "common"
                let isWaiting = [.failed, .queued].contains(status) && number % 4 == 0
                try db.execute(
                    sql: """
                        INSERT INTO jobs (id, request_hash, request, type_name, type_slug, source_system, source_type,
                            source_name, queue, status, target_name, error_code, retry_count, next_turn, created_at,
                            parent, dedup_key, wait_reason, retry_after)
                        VALUES (?, x'00', '{}', 'T', ?, 'erp', ?, ?, 'default', ?, ?, ?, 0, 1, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        "j-\(number)", slug, number % 3 == 0 ? "Order" : "Customer", "C-\(number % 5)",
                        status.rawValue, "T-\(number % 150)", status == .failed ? "timed_out" : nil,
                        1_000 * (number + (number % 11 == 0 ? -30 : 0)), number % 6 == 0 ? "j-0" : nil,
                        number % 50 == 0 ? "key" : nil, isWaiting ? "retry" : nil, isWaiting ? 9 : nil,
                    ])
            }
        }
        try database.close()
        return fixture
    }

    /// Filters of one and of two conditions, in parts of a list, and without any.
    private var filters: [JobFilter] {
        let conditions: [@Sendable (inout JobFilter) -> Void] = [
            { $0.statuses = [.failed] }, { $0.statuses = [.finished, .failed, .skipped] },
            { $0.statuses = [.finished] },
            { $0.typeSlug = "common" }, { $0.typeSlug = "rare" }, { $0.typeSlug = "dormant" }, { $0.typeSlug = "none" },
            { $0.sourceType = DocumentType(system: "erp", name: "Order") }, { $0.sourceName = "C-3" },
            { $0.targetName = "T-6" }, { $0.errorCode = .timedOut }, { $0.parent = "j-0" }, { $0.waitReason = .retry },
            { $0.dedupKey = "key" }, { $0.isOpen = true }, { $0.isOpen = false }, { $0.idPrefix = "j-1" },
            { $0.since = Timestamp(microseconds: 590_000) }, { $0.since = Timestamp(microseconds: 200_000) },
            { $0.until = Timestamp(microseconds: 250_000) }, { $0.until = Timestamp(microseconds: 0) },
            {
                $0.since = Timestamp(microseconds: 100_000)
                $0.until = Timestamp(microseconds: 120_000)
            },
        ]
        var filters = [JobFilter()]
        for (place, first) in conditions.enumerated() {
            for second in conditions[place...] {
                var filter = JobFilter()
                first(&filter)
                second(&filter)
                filter.limit = 7
                filters.append(filter)
                filter.afterSequence = 301
                filters.append(filter)
            }
        }
        return filters
    }

    /// Sizes at which the same small store is few or many rows, and fits into the windows or does not.
    private func searches(_ filter: JobFilter) -> [JobSearch] {
        [
            JobSearch(filter), JobSearch(filter, few: 12, windows: [15, 200]), JobSearch(filter, few: 1, windows: [5]),
            JobSearch(filter, few: 60, windows: []),
        ]
    }

    @Test func whateverLeadsTheAnswerIsThatOfTheFilter() throws {
        let fixture = try makeStore()
        try DatabaseQueue(path: fixture.path).read { db in
            for filter in filters {
                let conditions = filter.conditions
                let condition = (["1"] + conditions.map(\.sql)).joined(separator: " AND ")
                let arguments = StatementArguments(conditions.flatMap(\.arguments))
                let all = try Row.fetchAll(
                    db,
                    sql: "SELECT sequence, status FROM jobs NOT INDEXED WHERE \(condition) ORDER BY sequence DESC",
                    arguments: arguments)
                let page = all.map { $0[0] as Int64 }.filter { $0 < filter.afterSequence ?? .max }.prefix(filter.limit)
                let counts = Dictionary(grouping: all) { $0[1] as String }.mapValues(\.count)
                for search in searches(filter) {
                    #expect(try search.sequences(in: db) == Array(page), "\(filter)")
                    let found = try search.counts(in: db).map { ($0.key.rawValue, $0.value) }
                    #expect(Dictionary(uniqueKeysWithValues: found) == counts, "\(filter)")
                }
            }
        }
    }

    @Test func noPageReadsTheWholeTable() throws {
        let fixture = try makeStore()
        try DatabaseQueue(path: fixture.path).read { db in
            let statements = Statements()
            db.trace { event in
                let text = "\(event)"
                if statements.texts[text] == nil { statements.texts[text] = event.expandedDescription }
            }
            for filter in filters { for search in searches(filter) { _ = try search.sequences(in: db) } }
            db.trace(nil)
            let selects = statements.texts.filter { $0.key.hasPrefix("SELECT") || $0.key.hasPrefix("WITH") }
            #expect(selects.count > 100)
            for (text, expanded) in selects {
                let plan = try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + expanded).map { $0["detail"] as String }
                #expect(plan.allSatisfy { !$0.hasPrefix("SCAN jobs") }, "\(text): \(plan)")
            }
        }
    }
}

/// The statements that a connection ran, with their arguments when they first did.
private final class Statements {
    var texts: [String: String] = [:]
}
