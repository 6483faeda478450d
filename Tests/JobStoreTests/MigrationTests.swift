// A file of an earlier version becomes one of this version, with everything that was in it.
import Foundation
import GRDB
@testable import JobStore
import SyncJobs
import Testing

@Suite struct MigrationTests {
    /// A file as version 1 left it: three jobs, one of them run twice, and a dead letter that is still owed.
    private func makeVersion1(_ path: String) throws {
        let database = try DatabaseQueue(path: path)
        try DatabaseMigrator.jobStore.migrate(database, upTo: "1 jobs and documents")
        try database.write { db in
            for (number, status) in ["Finished", "Failed", "Skipped"].enumerated() {
                let id = "j-\(number)"
                let request = #"{"id":"\#(id)","source_document_name":"C-\#(number)","sync_job_type":"Customer Sync"}"#
                try db.execute(
                    sql: """
                        INSERT INTO jobs (id, request_hash, request, type_name, type_slug, source_system, source_type,
                            source_name, queue, status, retry_count, next_turn, created_at, ended_at, dead_lettered_at)
                        VALUES (?, ?, ?, 'Customer Sync', 'customer_sync', 'erp', 'Customer', ?, 'default', ?, 0, 1,
                            1700000000000000, 1700000001000000, ?)
                        """,
                    arguments: [
                        id, Data(Digest(ofParts: [id]).bytes), request, "C-\(number)", status,
                        status == "Failed" ? 1_700_000_001_000_000 : nil,
                    ])
                let sequence = db.lastInsertedRowID
                for turn in 0...(status == "Failed" ? 1 : 0) {
                    try db.execute(
                        sql: "INSERT INTO attempts VALUES (?, ?, ?, 'r', 'h:1', 1, 2, ?, NULL)",
                        arguments: [sequence, turn, turn + 1, status])
                }
            }
            try db.execute(
                sql: """
                    INSERT INTO outbox (id, job_id, kind, routing_key, headers, body)
                    VALUES ('j-1:0:dead_letter', 'j-1', 'dead_letter', 'controller_failed', '{}', x'7b7d')
                    """)
        }
        try database.close()
    }

    @Test func migration2UpgradesAFileOfVersion1() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("v1.sqlite")
        try makeVersion1(path)
        let store = try StoreFixture.open(path)
        #expect(try await store.countJobs() == [.finished: 1, .failed: 1, .skipped: 1])
        let failed = try await store.known("j-1")
        #expect(failed.attemptCount == 2 && failed.attempts.count == 2 && !failed.isOpen)
        #expect(try await store.known("j-0").attemptCount == 1)
        #expect(failed.waitReason == nil && failed.relayRevision == 0 && !failed.runsRelayFinished)
        let owed = try await store.owedMessages(limit: 10)
        #expect(owed.map(\.messageID) == ["j-1"] && owed.map(\.body) == [Array("{}".utf8)])
        #expect(owed.first?.queue == nil && owed.first?.dueAt == nil)
        var open = JobFilter()
        open.isOpen = true
        #expect(try await store.jobs(open).isEmpty)
        #expect(try await store.act(.retry, "j-1").done?.nextTurn == 2)
        #expect(try await store.rerun("j-1").job?.attemptCount == 3)
        #expect(try await store.commit(Sample.transition("new")).job?.attemptCount == 1)
        try await store.checkIntegrity()
        try store.close()
        #expect(try await StoreFixture.open(path).countJobs() == [.finished: 3, .skipped: 1])
    }

    @Test func aNewFileAndAnUpgradedOneHaveTheSameSchema() throws {
        func schema(_ path: String) throws -> [String] {
            let database = try DatabaseQueue(path: path)
            return try database.read { db in
                try String.fetchAll(db, sql: "SELECT coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")
            }
        }
        let folder = try TemporaryFolder()
        for name in ["old", "new"] {
            if name == "old" { try makeVersion1(folder.file(name)) }
            try StoreFixture.open(folder.file(name)).close()
        }
        #expect(try schema(folder.file("old")) == schema(folder.file("new")))
    }

    @Test func theStoreAgreesWithTheDomainAboutWhatIsOpen() async throws {
        let fixture = try StoreFixture()
        for status in JobStatus.allCases {
            for isWaiting in [false, true] {
                var transition = Sample.transition("\(status.rawValue) \(isWaiting)")
                transition.job.status = status
                transition.job.retryAfter = isWaiting ? Sample.start : nil
                _ = try await fixture.store.commit(transition)
            }
        }
        for isOpen in [false, true] {
            var filter = JobFilter()
            filter.isOpen = isOpen
            let jobs = try await fixture.store.jobs(filter)
            #expect(!jobs.isEmpty && jobs.allSatisfy { $0.isOpen == isOpen })
        }
    }
}
