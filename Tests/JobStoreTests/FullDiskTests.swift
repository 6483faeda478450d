// A full disk and a lock that another process keeps: the transaction fails as a whole, says so in a way that may be tried
// again, and nothing of it is there; what comes after is as if it had never been.
import Foundation
import GRDB
@testable import JobStore
import Logging
import SyncJobs
import Testing

@Suite struct FullDiskTests {
    /// A mount needs a privilege that not every container has.
    private static let canMount: Bool = {
        do {
            _ = try SmallDisk(megabytes: 1)
            return true
        } catch { return false }
    }()

    private func fill(_ store: JobStore, from number: inout Int) async throws -> JobStoreError? {
        let text = JSONValue.string(String(repeating: "x", count: 20_000))
        for _ in 0..<2_000 {
            let transition = Sample.transition("\(number)") {
                $0.embeddedWrite = Sample.insert("T-\(number)", ["text": text])
            }
            do {
                _ = try await store.commit(transition)
                number += 1
            } catch { return error }
        }
        return nil
    }

    /// What was answered is there, what failed is not, and the file is whole.
    private func expect(_ count: Int, in store: JobStore) async throws {
        #expect(try await store.countJobs() == [.finished: count])
        #expect(try await store.countDocuments(type: Sample.target) == count)
        try await store.checkIntegrity()
    }

    @Test(.enabled(if: canMount)) func aFullDiskFailsTheTransactionAndWhatComesAfterItsEndSucceeds() async throws {
        let disk = try SmallDisk(megabytes: 8)
        let store = try StoreFixture.open(disk.file("jobs.sqlite"))
        let ballast = disk.file("ballast")
        try Data(count: 3 << 20).write(to: URL(fileURLWithPath: ballast))
        var number = 0
        for _ in 0..<3 {
            let failure = try #require(try await fill(store, from: &number), "the disk never got full")
            #expect(failure.code == .diskFull, "\(failure)")
            #expect(failure.isTransient && failure.remedy.contains("free space"))
            try await expect(number, in: store)
        }
        try FileManager.default.removeItem(atPath: ballast)
        let before = number
        for _ in 0..<20 {
            _ = try await store.commit(
                Sample.transition("\(number)") { $0.embeddedWrite = Sample.insert("T-\(number)", ["n": 1]) })
            number += 1
        }
        #expect(number == before + 20)
        try await expect(number, in: store)
        try store.close()
        let again = try StoreFixture.open(disk.file("jobs.sqlite"))
        try await expect(number, in: again)
        try again.close()
    }

    @Test func aFileThatMayNotGrowFailsTheTransactionAlike() async throws {
        let fixture = try StoreFixture()
        let pages = try await fixture.store.pool.write { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages + 40)")
            return pages
        }
        var number = 0
        let failure = try #require(try await fill(fixture.store, from: &number))
        #expect(failure.code == .diskFull && failure.isTransient)
        try await expect(number, in: fixture.store)
        try await fixture.store.pool.write { try $0.execute(sql: "PRAGMA max_page_count = \(pages + 100_000)") }
        _ = try await fixture.store.commit(
            Sample.transition("\(number)") { $0.embeddedWrite = Sample.insert("T-\(number)", ["n": 1]) })
        try await expect(number + 1, in: fixture.store)
    }

    @Test func aLockThatIsKeptForLongerThanTheTimeoutFailsTheBatchAsBusyAndNothingOfItIsThere() async throws {
        let folder = try TemporaryFolder()
        var limits = StoreLimits()
        limits.busyTimeout = .milliseconds(50)
        let path = folder.file("jobs.sqlite")
        let store = try JobStore(path: path, limits: limits, logger: Logger(label: "test"))
        let lock = try WriteLock(path)
        for round in 0..<2 {
            let failures = await withTaskGroup(of: JobStoreError?.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        do throws(JobStoreError) {
                            _ = try await store.commit(Sample.transition("\(round)/\(number)"))
                        } catch { return error }
                        return nil
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(failures.count == 20)
            for failure in failures { #expect(failure?.code == .busy && failure?.isTransient == true) }
            #expect(try await store.countJobs().isEmpty, "reading goes on, and shows nothing of it")
        }
        try lock.release()
        #expect(try await store.commit(Sample.transition("0/0")).job != nil, "the same job, as if for the first time")
        #expect(try await store.job(id: "0/0")?.attempts.count == 1)
        try store.close()
    }

    @Test func theSameErrorMayBeTriedAgainWhereWaitingHelpsAndOnlyThere() {
        let transient: [ResultCode] = [
            .SQLITE_BUSY, .SQLITE_BUSY_SNAPSHOT, .SQLITE_BUSY_RECOVERY, .SQLITE_LOCKED, .SQLITE_PROTOCOL, .SQLITE_FULL,
            .SQLITE_IOERR, .SQLITE_IOERR_WRITE, .SQLITE_IOERR_FSYNC, .SQLITE_IOERR_SHMSIZE, .SQLITE_NOMEM,
            .SQLITE_INTERRUPT,
        ]
        let lasting: [ResultCode] = [
            .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_READONLY, .SQLITE_READONLY_DBMOVED, .SQLITE_CANTOPEN, .SQLITE_PERM,
            .SQLITE_AUTH, .SQLITE_CONSTRAINT, .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_MISMATCH, .SQLITE_TOOBIG,
            .SQLITE_MISUSE, .SQLITE_ERROR, .SQLITE_SCHEMA, .SQLITE_IOERR_CORRUPTFS, .SQLITE_IOERR_DATA,
        ]
        for (codes, isTransient) in [(transient, true), (lasting, false)] {
            for code in codes {
                let error = JobStoreError(DatabaseError(resultCode: code), operation: "commit")
                #expect(error.isTransient == isTransient, "\(code): \(error.code)")
                #expect(!error.remedy.isEmpty)
            }
        }
    }
}

/// A disk of a few megabytes, in memory.
final class SmallDisk: Sendable {
    private let path: String

    init(megabytes: Int) throws {
        path = NSTemporaryDirectory() + "ferry-disk-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
            try FileManager.default.removeItem(atPath: path)
            throw CocoaError(.fileWriteNoPermission)
        }
    }

    /// Makes it read-only.
    func protect() -> Bool { mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 }

    deinit {
        // A file that is open yet lets go of it later; what is left behind goes with the machine.
        umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }

    func file(_ name: String) -> String { path + "/" + name }
}
