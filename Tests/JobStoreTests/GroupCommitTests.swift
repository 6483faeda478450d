// The one writer under load: shared transactions, several stores on one file, and failures of a whole transaction.
import Foundation
import GRDB
@testable import JobStore
import SyncJobs
import Testing

@Suite struct GroupCommitTests {
    @Test func manyConcurrentCommitsShareFewTransactions() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        // While another connection holds the write lock, commits pile up behind the first.
        let lock = try WriteLock(fixture.path)
        let first = Task { try await store.commit(Sample.transition("first")) }
        try await waitUntil { store.writer.isRunning && store.writer.waitingCount == 0 }
        let commits = Task {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1_000 {
                    group.addTask { try await store.commit(Sample.transition("\(number)")).job != nil }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
        }
        try await waitUntil { store.writer.waitingCount == 1_000 }
        try lock.release()
        #expect(try await commits.value == 1_000)
        #expect(try await first.value.job != nil)
        #expect(store.transactionCount == 3, "one for the first, and two of 500")
        #expect(try await store.countJobs() == [.finished: 1_001])
    }

    @Test func aSingleCommitIsATransactionOfItsOwn() async throws {
        let store = try StoreFixture().store
        for number in 0..<5 { _ = try await store.commit(Sample.transition("\(number)")) }
        #expect(store.transactionCount == 5)
    }

    @Test func twoStoresOnOneFileLoseNothing() async throws {
        let fixture = try StoreFixture()
        let stores = [fixture.store, try StoreFixture.open(fixture.path)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<600 {
                group.addTask {
                    let transition = Sample.transition("\(number)") {
                        $0.embeddedWrite = Sample.insert("T-\(number)", ["n": .int(number)])
                    }
                    let result = try await stores[number % 2].commit(transition)
                    #expect(result.job != nil)
                }
            }
            try await group.waitForAll()
        }
        for store in stores {
            #expect(try await store.countJobs() == [.finished: 600])
            #expect(try await store.countDocuments(type: Sample.target) == 600)
        }
    }

    @Test func oneTurnOfOneJobWinsHoweverManyStoresRace() async throws {
        let fixture = try StoreFixture()
        let stores = [fixture.store, try StoreFixture.open(fixture.path)]
        let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                group.addTask { try await stores[number % 2].commit(Sample.transition("same")).job != nil }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
    }

    @Test func aFullDiskFailsEveryWaiterAndTheWriterLivesOn() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        _ = try await store.commit(Sample.transition("first"))
        func limitPages(_ count: Int) throws {
            try store.pool.writeWithoutTransaction { db in
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages + count)")
            }
        }
        try limitPages(50)
        let large = JSONValue.string(String(repeating: "x", count: 200_000))
        let lock = try WriteLock(fixture.path)
        let small = Task { try await store.audit(action: "fits", actor: "me", subject: "x", reason: nil) }
        try await waitUntil { store.writer.isRunning && store.writer.waitingCount == 0 }
        let waiters = (0..<20).map { number in
            Task {
                await storeError {
                    _ = try await store.commit(
                        Sample.transition("\(number)") { $0.embeddedWrite = Sample.insert("T-\(number)", ["a": large]) }
                    )
                }
            }
        }
        try await waitUntil { store.writer.waitingCount == 20 }
        try lock.release()
        try await small.value
        var results: [JobStoreError.Code?] = []
        for waiter in waiters { results.append(await waiter.value) }
        #expect(results.count == 20)
        #expect(results.allSatisfy { $0 == .diskFull })
        #expect(store.transactionCount == 2, "the first commit and the one that fits")
        #expect(try await store.countJobs() == [.finished: 1])
        try limitPages(100_000)
        #expect(try await store.commit(Sample.transition("after")).job != nil)
        #expect(try await store.countJobs() == [.finished: 2])
    }

    @Test func whatOneWriteThrowsUndoesItsOwnWorkAlone() async throws {
        let store = try StoreFixture().store
        struct Refused: Error {}
        let good = Task { try await store.audit(action: "retry", actor: "me", subject: "1", reason: nil) }
        await #expect(throws: JobStoreError.self) {
            try await store.writer.write("test") { context in
                try context.execute("INSERT INTO audit (at, action, actor, subject) VALUES (1, 'x', 'x', 'x')", [])
                throw Refused()
            }
        }
        try await good.value
        #expect(try await store.auditEntries().map(\.action) == ["retry"])
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")))
    func aLockHeldByAnotherProcessIsWaitedFor() async throws {
        let fixture = try StoreFixture()
        let folder = URL(filePath: fixture.path).deletingLastPathComponent()
        let (script, locked, go) = ("lock.py", "locked", "go")
        func path(_ name: String) -> String { folder.appending(path: name).path }
        try """
        import os, sqlite3, sys, time
        db = sqlite3.connect(sys.argv[1], isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        open(sys.argv[2], "w").close()
        while not os.path.exists(sys.argv[3]): time.sleep(0.005)
        db.execute("INSERT INTO audit (at, action, actor, subject) VALUES (1, 'other', 'process', 'x')")
        db.execute("COMMIT")
        """.write(toFile: path(script), atomically: true, encoding: .utf8)
        // Not Foundation's Process, which has crashed where tests run side by side.
        let command = ["/usr/bin/python3", path(script), fixture.path, path(locked), path(go)]
        let process = try #require(popen(command.map { "'\($0)'" }.joined(separator: " "), "r"))
        try await waitUntil { FileManager.default.fileExists(atPath: path(locked)) }
        let store = fixture.store
        let commit = Task { try await store.commit(Sample.transition("1")) }
        try await waitUntil { store.writer.isRunning && store.writer.waitingCount == 0 }
        #expect(try await store.job(id: "1") == nil)
        try Data().write(to: URL(filePath: path(go)))
        #expect(try await commit.value.job != nil)
        #expect(pclose(process) == 0)
        #expect(try await store.auditEntries().map(\.action) == ["other"])
    }

    @Test func closingMakesTheWritesThatWait() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        let lock = try WriteLock(fixture.path)
        let first = Task { try await store.commit(Sample.transition("first")) }
        try await waitUntil { store.writer.isRunning && store.writer.waitingCount == 0 }
        let commits = (0..<50).map { number in Task { try await store.commit(Sample.transition("\(number)")) } }
        try await waitUntil { store.writer.waitingCount == 50 }
        try lock.release()
        try store.close()
        for commit in commits + [first] { #expect(try await commit.value.job != nil) }
        #expect(try fixture.integer("SELECT count(*) FROM jobs") == 51)
    }
}

/// The file's write lock, held by another connection.
struct WriteLock {
    private let database: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        database = try DatabaseQueue(path: path, configuration: configuration)
        try database.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
    }

    func release() throws { try database.inDatabase { try $0.execute(sql: "COMMIT") } }
}

/// Waits for a condition, at most five minutes: a task's turn may come late where all tests run at once.
func waitUntil(_ condition: () throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(300)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("the condition did not come true in 300 s")
            return
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}
