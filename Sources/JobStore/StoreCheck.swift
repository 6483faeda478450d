// Whether the file is whole, and whether what it says agrees with itself. SQLite finds damaged pages; what no page can
// show (a message about a record that is gone, a job that waits behind nobody) is a query each. Invariant: a check
// changes nothing, and names one example of each finding by its id.
internal import GRDB
public import SyncJobs

/// Something about a store that is not as it has to be.
public struct StoreFinding: Sendable, Hashable, CustomStringConvertible {
    /// What kind of finding; a closed list, the raw value is stable and fit for programs.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A page, table or index of the file is damaged.
        case damaged
        /// A row refers to one that is not there.
        case danglingReference = "dangling_reference"
        /// A message is owed whose body is the request of a record that is not there.
        case owedWithoutRecord = "owed_without_record"
        /// An index of a document's fields names a document that is not there.
        case danglingKey = "dangling_key"
        /// A job waits behind an earlier one of its key, and there is none.
        case blockedBehindNobody = "blocked_behind_nobody"
        /// A job's time has come long ago, nothing is owed about it, and no worker has taken it up.
        case overdue

        /// Whether the file is damaged, as opposed to a job that needs a look.
        public var isDamage: Bool { self == .damaged }
    }

    /// What kind of finding.
    public var kind: Kind
    /// How often it was found; for damage, at least.
    public var count: Int
    /// The first of them: a job's id, a table, or SQLite's own words.
    public var example: String
    /// What it means, in one sentence.
    public var message: String
    /// What to do about it.
    public var remedy: String

    /// One line for people.
    public var description: String { "\(message) (\(count), the first: \(example)). \(remedy)" }
}

extension JobStore {
    /// How long after its time a job that nobody took up is found `overdue`.
    public static let overdueAfter: Duration = .seconds(3_600)

    /// Looks through the whole file for damage, with every index, and for what does not agree.
    ///
    /// Takes seconds for each gigabyte. Writers go on meanwhile, and are slowed down when the log grows for long.
    ///
    /// - Returns: what was found; empty when all is well.
    /// - Throws: ``JobStoreError`` when the file can't be read at all.
    public func check(now: Timestamp) async throws(JobStoreError) -> [StoreFinding] {
        var findings = try await damage("PRAGMA integrity_check(100)")
        // What a damaged file says otherwise proves nothing.
        guard findings.isEmpty else { return findings }
        for question in StoreQuestion.all(now: now) {
            if let finding = try await longRead("check", { db in try question.finding(in: db) }) {
                findings.append(finding)
            }
        }
        return findings
    }

    /// Looks for damage as long as `limit` allows: a large file is looked through in part.
    ///
    /// - Returns: whether the whole file was looked through.
    /// - Throws: ``JobStoreError`` (`corrupt`) that names the first of what was found.
    @discardableResult
    public func checkQuickly(within limit: Duration) async throws(JobStoreError) -> Bool {
        let result: Result<[StoreFinding]?, any Error> = await withTaskGroup(
            of: Result<[StoreFinding]?, any Error>.self
        ) { group in
            group.addTask {
                do { return .success(try await self.damage("PRAGMA quick_check(1)")) } catch { return .failure(error) }
            }
            group.addTask {
                do { try await Task.sleep(for: limit) } catch { return .failure(error) }
                return .success(nil)
            }
            defer { group.cancelAll() }
            return await group.next() ?? .success(nil)
        }
        do {
            guard let findings = try result.get() else { return false }
            guard let first = findings.first else { return true }
            throw JobStoreError(.corrupt, operation: "check", message: first.example, remedy: first.remedy)
        } catch { throw JobStoreError(error, operation: "check") }
    }

    /// Looks through the whole file for damage, but not whether every index agrees with its table.
    ///
    /// - Throws: ``JobStoreError`` (`corrupt`) that names the first of what was found.
    public func checkIntegrity() async throws(JobStoreError) { try await checkQuickly(within: .seconds(86_400)) }

    private func damage(_ sql: String) async throws(JobStoreError) -> [StoreFinding] {
        let lines: [String]
        do {
            lines = try await uncutRead("check") { db in try String.fetchAll(db, sql: sql) }
        } catch  where error.code == .corrupt {
            lines = [error.message]
        }
        guard let first = lines.first, lines != ["ok"] else { return [] }
        return [
            StoreFinding(
                kind: .damaged, count: lines.count, example: first, message: "the file is damaged",
                remedy: "stop every process on the file, then restore a backup (docs/store.md); look at the disk")
        ]
    }
}

/// One thing that has to hold, as the query that finds where it does not.
private struct StoreQuestion: Sendable {
    let kind: StoreFinding.Kind
    /// Answers a count and the first example.
    let sql: String
    var arguments: [DatabaseValue] = []
    let message: String
    let remedy: String

    func finding(in db: Database) throws -> StoreFinding? {
        let found = try db.firstRow(sql, arguments) { row in
            var columns = ColumnReader(row)
            return (try columns.int(), try columns.optionalText())
        }
        guard let (count, example) = found, count > 0 else { return nil }
        return StoreFinding(kind: kind, count: count, example: example ?? "", message: message, remedy: remedy)
    }

    static func all(now: Timestamp) -> [StoreQuestion] {
        let past = now.advanced(by: .zero - JobStore.overdueAfter).columnValue
        return [
            StoreQuestion(
                kind: .danglingReference,
                sql: "SELECT count(*), min(\"table\" || ' > ' || parent) FROM pragma_foreign_key_check",
                message: "rows refer to others that are not there",
                remedy: "another program has written to the file; restore a backup if the jobs matter"),
            StoreQuestion(
                kind: .owedWithoutRecord,
                sql: """
                    SELECT count(*), min(message_id) FROM outbox
                    WHERE kind IN ('again', 'child') AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = message_id)
                    """,
                message: "messages are owed about jobs that have no record",
                remedy: "they will come back as dead letters that name the job; enqueue those again"),
            StoreQuestion(
                kind: .danglingKey,
                sql: """
                    SELECT count(*), CAST(min(index_id) AS TEXT) FROM document_keys AS entry
                    WHERE NOT EXISTS (SELECT 1 FROM documents WHERE id = entry.document_id AND is_deleted = 0)
                    """,
                message: "an index of embedded documents names documents that are not there",
                remedy: "another program has written to the file; import the documents again"),
            StoreQuestion(
                kind: .blockedBehindNobody,
                sql: """
                    SELECT count(*), min(id) FROM jobs AS job
                    WHERE wait_reason = 'blocked' AND is_open = 1 AND NOT EXISTS (
                        SELECT 1 FROM jobs AS earlier
                        WHERE earlier.order_key = job.order_key AND earlier.is_open = 1 AND earlier.status <> 'Pending'
                            AND earlier.sequence < job.sequence)
                    """,
                message: "jobs wait behind an earlier one of their key that is over",
                remedy: "ferry jobs why says more; ferry jobs cancel, then enqueue them again"),
            StoreQuestion(
                kind: .overdue,
                sql: """
                    SELECT count(*), min(id) FROM jobs AS job
                    WHERE wait_reason IN ('retry', 'snooze', 'not_before') AND retry_after < ? AND is_open = 1
                        AND NOT EXISTS (SELECT 1 FROM outbox WHERE message_id = job.id)
                    """,
                arguments: [past],
                message: "jobs are more than an hour past their time, and nothing is owed about them",
                remedy: "their messages wait in a work queue (ferry queues) or are gone: retry failed ones, "
                    + "cancel and enqueue the others again"),
        ]
    }
}
