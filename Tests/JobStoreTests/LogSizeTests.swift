// The write-ahead log stays small under readers that follow one another without a gap, and a long read gives way.
import Foundation
import GRDB
@testable import JobStore
import Logging
import Synchronization
import SyncJobs
import Testing

@Suite struct LogSizeTests {
    /// A store whose log is begun anew at 1 MB; the bounds of 64 and 256 MB are sixty-four times as much.
    private static func open(_ path: String, _ change: (inout StoreLimits) -> Void = { _ in }) throws -> JobStore {
        var limits = StoreLimits()
        limits.maximumLogBytes = 1 << 20
        limits.logStepBytes = 1 << 16
        change(&limits)
        return try JobStore(path: path, limits: limits, logger: Logger(label: "test"))
    }

    /// Writes about so many megabytes of documents; answers the largest size that the log had.
    private static func write(_ megabytes: Int, to store: JobStore) async throws -> Int {
        let text = JSONValue.string(String(repeating: "x", count: 50_000))
        var largest = 0
        for number in 0..<megabytes * 20 {
            let key = DocumentKey(type: Sample.target, name: "T-\(number % 50)")
            _ = try await store.putDocuments([(key, ["n": .int(number), "text": text], nil)])
            largest = max(largest, store.log.bytes)
        }
        return largest
    }

    /// Reads in transactions of 20 ms, one after the other.
    ///
    /// On the store's threads: `read` stays on the caller's, and a few of these would keep a small machine's for themselves.
    private static func readOn(_ store: JobStore) async throws {
        while !Task.isCancelled {
            do {
                try await store.uncutRead("test") { db in
                    _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM documents")
                    for _ in 0..<4 { usleep(5_000) }
                }
            } catch  where error.code == .canceled { return }
        }
    }

    /// Reads until it is cut off, without keeping a core busy.
    private static func readForEver(_ db: Database) throws -> String {
        while true {
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM documents")
            usleep(5_000)
        }
    }

    @Test func readersOfThisAndOtherProcessesDoNotLetItGrow() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("jobs.sqlite")
        let store = try Self.open(path)
        let other = try Self.open(path)
        let stop = folder.file("stop")
        // A program that knows nothing of our gate.
        let script = """
            import os, sqlite3, sys, time
            db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
            while not os.path.exists(sys.argv[2]):
                db.execute("BEGIN"); db.execute("SELECT count(*) FROM documents").fetchall(); time.sleep(0.02); db.execute("COMMIT")
            """
        try script.write(toFile: folder.file("read.py"), atomically: true, encoding: .utf8)
        let command = ["/usr/bin/python3", folder.file("read.py"), path, stop].map { "'\($0)'" }.joined(separator: " ")
        let process = try #require(popen(command, "r"))
        let largest = try await withThrowingTaskGroup(of: Int?.self) { group in
            for reader in [store, store, other] {
                group.addTask {
                    try await Self.readOn(reader)
                    return nil
                }
            }
            group.addTask { try await Self.write(8, to: store) }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            return 0
        }
        try Data().write(to: URL(fileURLWithPath: stop))
        #expect(pclose(process) == 0)
        #expect(largest > 1 << 20, "the bound was reached: \(largest)")
        #expect(largest < 4 << 20, "and the log begun anew: \(largest)")
        #expect(try await store.countDocuments(type: Sample.target) == 50)
        try other.close()
        try store.close()
    }

    @Test func aLongReadGivesWayToACheckpointAndIsBegunAgain() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder.file("jobs.sqlite")) { $0.readTime = .milliseconds(20) }
        let begun = Counter()
        let reading = Task {
            try await store.longRead("test") { db in
                // The first time it would take for ever; after that the answer is found at once.
                guard begun.next() == 1 else { return "done" }
                return try Self.readForEver(db)
            }
        }
        try await waitUntil { begun.count == 1 }
        let largest = try await Self.write(3, to: store)
        #expect(try await reading.value == "done")
        #expect(begun.count == 2)
        #expect(largest < 4 << 20)
        try store.close()
    }

    @Test func aReadOfTheWholeFileEndsWhenItsTaskIsCancelled() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder.file("jobs.sqlite"))
        let begun = Counter()
        let reading = Task {
            try await store.uncutRead("test") { db in
                _ = begun.next()
                return try Self.readForEver(db)
            }
        }
        try await waitUntil { begun.count == 1 }
        reading.cancel()
        #expect(await storeError { _ = try await reading.value } == .canceled)
        try store.close()
    }

    @Test func aProgramThatKeepsASnapshotSlowsTheWritersDownAndStopsNobody() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("jobs.sqlite")
        let store = try Self.open(path) { $0.checkpointWait = .milliseconds(20) }
        _ = try await Self.write(1, to: store)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let shell = try DatabaseQueue(path: path, configuration: configuration)
        try await shell.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN")
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM documents")
        }
        let grown = try await Self.write(4, to: store)
        #expect(grown > 3 << 20, "its snapshot is in the log: \(grown)")
        #expect(try await store.countDocuments(type: Sample.target) == 50)
        try await shell.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        _ = try await Self.write(1, to: store)
        #expect(store.log.bytes < 2 << 20, "and once it is gone the log is small again: \(store.log.bytes)")
        try store.close()
    }

    @Test func aReadThatGivesWayTooOftenSaysSo() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder.file("jobs.sqlite")) {
            $0.readTime = .milliseconds(1)
            $0.gateTime = .milliseconds(1)
        }
        #expect(store.log.gate.shut())
        let error = await #expect(throws: JobStoreError.self) {
            try await store.longRead("test") { db in try Self.readForEver(db) }
        }
        #expect(error?.code == .busy && error?.isTransient == true)
        store.log.gate.reopen()
        try store.close()
    }

    @Test func theGateIsSeenByOtherProcessesAndOpensWhenItsOwnerDies() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("jobs.sqlite")
        let store = try Self.open(path) { $0.gateTime = .milliseconds(30) }
        let gates = try [CheckpointGate(storePath: path), CheckpointGate(storePath: path)]
        #expect(!gates[0].isShut && !gates[1].isShut)
        #expect(gates[0].shut())
        #expect(gates[1].isShut && !gates[1].shut(), "one at a time")
        #expect(try await store.countJobs().isEmpty, "nobody waits without a bound: its owner may be stopped")
        gates[0].reopen()
        #expect(!gates[1].isShut && gates[1].shut())
        gates[1].reopen()
        let held = folder.file("held")
        let script =
            "import fcntl, sys, time; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX); "
            + "open(sys.argv[2], 'w').close(); time.sleep(60)"
        let command = "exec /usr/bin/python3 -c \"\(script)\" '\(path)\(CheckpointGate.suffix)' '\(held)'"
        let process = try #require(popen("echo $$; \(command)", "r"))
        try await waitUntil { FileManager.default.fileExists(atPath: held) }
        #expect(gates[0].isShut && !gates[0].shut())
        var line = [CChar](repeating: 0, count: 32)
        #expect(fgets(&line, 32, process) != nil)
        let number = String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        kill(try #require(pid_t(number)), SIGKILL)
        try await waitUntil { !gates[0].isShut }
        pclose(process)
        try store.close()
    }
}

/// Counts calls.
final class Counter: Sendable {
    private let calls = Mutex(0)

    var count: Int { calls.withLock { $0 } }

    func next() -> Int {
        calls.withLock {
            $0 += 1
            return $0
        }
    }
}
