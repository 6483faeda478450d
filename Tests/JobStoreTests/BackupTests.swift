// Backups while others write, the check of a whole file, and what a store tells of itself.
import Foundation
import GRDB
@testable import JobStore
import Logging
import SyncJobs
import Testing

@Suite struct BackupTests {
    private func commit(_ number: Int, to store: JobStore) async throws {
        _ = try await store.commit(
            Sample.transition("\(number)") { $0.embeddedWrite = Sample.insert("T-\(number)", ["n": .int(number)]) })
    }

    /// Side by side, so that they share transactions.
    private func commit(_ numbers: Range<Int>, to store: JobStore) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in numbers { group.addTask { try await commit(number, to: store) } }
            try await group.waitForAll()
        }
    }

    @Test func aBackupMadeWhileOthersWriteIsWholeAndAsOfOneMoment() async throws {
        let fixture = try StoreFixture()
        let copy = fixture.folder.file("copy.sqlite")
        try await commit(0..<300, to: fixture.store)
        let other = try StoreFixture.open(fixture.path)
        let steps = Counter()
        let size = try await withThrowingTaskGroup(of: Int?.self) { group in
            group.addTask {
                var number = 300
                while !Task.isCancelled {
                    try await commit(number, to: other)
                    number += 1
                }
                return nil
            }
            group.addTask {
                try await waitUntil { try fixture.integer("SELECT count(*) FROM jobs") > 320 }
                return try await fixture.store.backup(to: copy) { _ in _ = steps.next() }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            return 0
        }
        #expect(steps.count >= 2, "it tells how far it has come")
        let attributes = try FileManager.default.attributesOfItem(atPath: copy)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect((attributes[.size] as? NSNumber)?.intValue == size)
        #expect(!FileManager.default.fileExists(atPath: copy + "-wal"), "one file, with nothing beside it")
        let restored = try StoreFixture.open(copy)
        #expect(restored.storeID == fixture.store.storeID)
        #expect(try await restored.check(now: Sample.start).isEmpty)
        let jobs = try #require(try await restored.countJobs()[.finished])
        #expect(jobs > 320)
        #expect(try await restored.countDocuments(type: Sample.target) == jobs, "a job and its document, or neither")
        #expect(try await restored.job(id: "\(jobs - 1)") != nil)
        #expect(try await restored.job(id: "\(jobs)") == nil, "none of what came later")
        try restored.close()
        try other.close()
        #expect(try leftovers(fixture).isEmpty)
    }

    private func leftovers(_ fixture: StoreFixture) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path).filter { $0.contains(".part") }
    }

    @Test func whatIsThereIsNotOverwrittenUnlessAsked() async throws {
        let fixture = try StoreFixture()
        try await commit(1, to: fixture.store)
        let copy = fixture.folder.file("copy.sqlite")
        try Data("mine".utf8).write(to: URL(fileURLWithPath: copy))
        for path in [copy, fixture.path, fixture.folder.path] {
            #expect(await storeError { try await fixture.store.backup(to: path) } == .invalidArgument, "\(path)")
        }
        #expect(try String(contentsOfFile: copy, encoding: .utf8) == "mine")
        #expect(
            await storeError { try await fixture.store.backup(to: fixture.path, replacing: true) } == .invalidArgument,
            "never the store itself")
        try await fixture.store.backup(to: copy, replacing: true)
        let restored = try StoreFixture.open(copy)
        #expect(try await restored.job(id: "1") != nil)
        #expect(
            await storeError { try await fixture.store.backup(to: copy, replacing: true) } == .invalidArgument,
            "a store that is in use has a log")
        try restored.close()
        #expect(
            await storeError { try await fixture.store.backup(to: fixture.folder.file("no/copy")) } == .cannotOpen)
        #expect(try leftovers(fixture).isEmpty)
    }

    @Test func aBackupThatIsStoppedOrFailsLeavesNothing() async throws {
        let fixture = try StoreFixture()
        try await commit(0..<20, to: fixture.store)
        let copy = fixture.folder.file("copy.sqlite")
        let began = Counter()
        let backup = Task {
            try await fixture.store.backup(to: copy) { _ in
                _ = began.next()
                // Until the stop has come; the next step sees it.
                while !Task.isCancelled, began.count < 2 { usleep(5_000) }
            }
        }
        try await waitUntil { began.count > 0 }
        backup.cancel()
        _ = began.next()
        let code = await storeError { _ = try await backup.value }
        #expect(code == .canceled)
        #expect(!FileManager.default.fileExists(atPath: copy))
        #expect(try leftovers(fixture).isEmpty)
    }

    @Test func aCheckFindsWhatDoesNotAgreeAndNamesIt() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        _ = try await store.commit(Sample.transition("good"))
        let due = Sample.start.advanced(by: .seconds(60))
        for id in ["owed", "lost"] {
            _ = try await store.commit(
                .wait(Sample.job(id), turn: 0, reason: .notBefore, until: due, now: Sample.start))
        }
        var blocked = Sample.job("blocked")
        blocked.orderKey = "o"
        _ = try await store.commit(.wait(blocked, turn: 0, reason: .blocked, until: nil, now: Sample.start))
        #expect(
            try await store.check(now: Sample.start).map(\.kind) == [.blockedBehindNobody],
            "what is due in future is owed or with the broker")
        let owed = try await store.owedMessages(limit: 10)
        try await store.settle(owed.filter { $0.messageID == "lost" }.map(\.id))
        try await store.deleteSettled()
        try await store.pool.write { db in
            try db.execute(sql: "INSERT INTO document_keys VALUES (7, x'00', 99)")
            try db.execute(
                sql: """
                    INSERT INTO outbox (id, job_id, kind, routing_key, headers, message_id)
                    VALUES ('x', 'gone', 'again', 'k', '{}', 'gone')
                    """)
        }
        let findings = try await store.check(now: due.advanced(by: .seconds(4_000)))
        #expect(
            findings.map { "\($0.kind.rawValue) \($0.count) \($0.example)" } == [
                "owed_without_record 1 gone", "dangling_key 1 7", "blocked_behind_nobody 1 blocked", "overdue 1 lost",
            ])
        for finding in findings { #expect(!finding.kind.isDamage && !finding.remedy.isEmpty) }
    }

    @Test func aCheckOfADamagedFileSaysWhatToDo() async throws {
        let fixture = try StoreFixture()
        try await commit(0..<300, to: fixture.store)
        try fixture.store.close()
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: fixture.path))
        let size = try handle.seekToEnd()
        // Beyond the schema, which opening reads.
        for page in stride(from: UInt64(4_096 * 60), to: size, by: 4_096 * 3) {
            try handle.seek(toOffset: page)
            try handle.write(contentsOf: Data(repeating: 0x5A, count: 64))
        }
        try handle.close()
        let store = try StoreFixture.open(fixture.path)
        let finding = try #require(try await store.check(now: Sample.start).first)
        #expect(finding.kind == .damaged && finding.count >= 1)
        #expect(finding.remedy.contains("restore a backup"))
        #expect(await storeError { try await store.checkQuickly(within: .seconds(60)) } == .corrupt)
    }

    @Test func aQuickCheckEndsInTimeAndSaysWhetherItWasWhole() async throws {
        let fixture = try StoreFixture()
        try await commit(1, to: fixture.store)
        #expect(try await fixture.store.checkQuickly(within: .seconds(60)))
        // Behind a shut gate it can't have ended, however small the file is.
        #expect(fixture.store.log.gate.shut())
        #expect(try await !fixture.store.checkQuickly(within: .zero))
        fixture.store.log.gate.reopen()
        #expect(try await fixture.store.countJobs() == [.finished: 1], "what was cut off leaves nothing behind")
    }

    @Test func theInfoHasVersionsSizesRowsAndWhatIsOwed() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        let empty = try await store.info()
        #expect(empty.oldestOwed == nil && empty.rows.allSatisfy { ["meta"].contains($0.name) || $0.count == 0 })
        _ = try await store.commit(Sample.relay("p", children: 3))
        try await commit(1, to: store)
        let info = try await store.info()
        #expect(info.path == fixture.path && info.storeID == store.storeID)
        #expect(info.migrations.first == "1 jobs and documents" && info.migrations.count >= 2)
        #expect(info.fileBytes > 0 && info.logBytes > 0 && info.freeBytes >= 0)
        let rows = Dictionary(uniqueKeysWithValues: info.rows.map { ($0.name, $0.count) })
        #expect(rows["jobs"] == 5 && rows["outbox"] == 3 && rows["documents"] == 1 && rows["audit"] == 0)
        #expect(info.oldestOwed?.jobID == "p" && info.oldestOwed?.kind == .child)
        #expect(info.oldestOwed?.since != nil)
    }

    @Test func openJobsAreCountedByQueueStatusAndReason() async throws {
        let store = try StoreFixture().store
        let due = Sample.start.advanced(by: .seconds(60))
        _ = try await store.commit(Sample.transition("over"))
        for (id, seconds) in [("a", 60), ("b", 120), ("c", 10)] {
            var job = Sample.job(id)
            job.createdAt = Sample.start.advanced(by: .seconds(seconds))
            if id == "c" { job.queue = "long" }
            let until = Sample.start.advanced(by: .seconds(seconds))
            _ = try await store.commit(.wait(job, turn: 0, reason: .notBefore, until: until, now: Sample.start))
        }
        _ = try await store.commit(.wait(Sample.job("held"), turn: 0, reason: .hold, until: nil, now: Sample.start))
        let open = try await store.openJobs(now: due.advanced(by: .seconds(1)))
        #expect(
            open == [
                .init(
                    queue: "default", status: .pending, waitReason: .hold, count: 1, oldest: Sample.start, nextDue: nil,
                    lastDue: nil, overdue: 0),
                .init(
                    queue: "default", status: .queued, waitReason: .notBefore, count: 2, oldest: due, nextDue: due,
                    lastDue: Sample.start.advanced(by: .seconds(120)), overdue: 1),
                .init(
                    queue: "long", status: .queued, waitReason: .notBefore, count: 1,
                    oldest: Sample.start.advanced(by: .seconds(10)), nextDue: Sample.start.advanced(by: .seconds(10)),
                    lastDue: Sample.start.advanced(by: .seconds(10)), overdue: 1),
            ])
    }
}
