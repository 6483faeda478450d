// Processes on one file: who is alive is told by a lock, and what a dead one has left is anybody's at once.
import Foundation
import GRDB
@testable import JobStore
import SyncJobs
import Testing

@Suite struct ProcessTests {
    private let fixture: StoreFixture
    private var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    /// Does something as another process on the file, which is gone afterwards.
    private func asOther<Value>(_ body: (JobStore) async throws -> Value) async throws -> Value {
        let other = try StoreFixture.open(fixture.path)
        do {
            let value = try await body(other)
            try other.close()
            return value
        } catch {
            try other.close()
            throw error
        }
    }

    private func left(ownAge: Duration = .seconds(60)) async throws -> [String] {
        try await store.leftMessages(ownAge: ownAge).messages.map(\.jobID)
    }

    @Test func aProcessIsAliveAsLongAsItsStoreIsOpen() async throws {
        var other: JobStore? = try StoreFixture.open(fixture.path)
        let number = try #require(other?.processes.own)
        #expect(number != store.processes.own)
        #expect(store.processes.isAlive(number))
        #expect(store.processes.isAlive(store.processes.own))
        try other?.close()
        other = nil
        #expect(!store.processes.isAlive(number))
        #expect(!store.processes.isAlive(0), "no process has this number")
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")))
    func aKilledProcessIsGoneAtOnceAndAStoppedOneIsNot() async throws {
        let path = fixture.path + StoreProcesses.suffix
        let number: Int64 = 4_711
        // Python knows these locks; a shell does not.
        let script = """
            import fcntl, struct, sys, time
            f = open(sys.argv[1], "r+b")
            fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, \(number), 1, 0))
            open(sys.argv[2], "w").close()
            time.sleep(3600)  # killed before: on a busy machine a minute is short
            """
        let sign = path + ".locked"
        let child = try spawn("/usr/bin/python3", ["-c", script, path, sign])
        var isGone = false
        defer { if !isGone { kill(child, SIGKILL) } }
        for _ in 0..<1_000 where !FileManager.default.fileExists(atPath: sign) {
            try await Task.sleep(for: .milliseconds(10))
        }
        try #require(FileManager.default.fileExists(atPath: sign), "it has locked")
        #expect(store.processes.isAlive(number))
        kill(child, SIGSTOP)
        #expect(store.processes.isAlive(number), "a stopped process goes on later")
        kill(child, SIGKILL)
        waitpid(child, nil, 0)
        isGone = true
        #expect(!store.processes.isAlive(number))
    }

    /// Starts a program.
    ///
    /// Not by Foundation's `Process`, which crashes where more than 1,024 files are open, as they are in a test process.
    private func spawn(_ program: String, _ arguments: [String]) throws -> pid_t {
        let words = ([program] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        var child = pid_t()
        let result = posix_spawn(&child, program, nil, nil, words + [nil], nil)
        try #require(result == 0, "\(program): \(String(cString: strerror(result)))")
        return child
    }

    @Test func whatADeadProcessOwesIsLeftAtOnceAndWhatALivingOneOwesIsNot() async throws {
        _ = try await asOther { try await $0.commit(Sample.transition("dead", end: .failed(Sample.mishap))) }
        let living = try StoreFixture.open(fixture.path)
        _ = try await living.commit(Sample.transition("living", end: .failed(Sample.mishap)))
        _ = try await store.commit(Sample.transition("own", end: .failed(Sample.mishap)))
        #expect(try await left() == ["dead"])
        #expect(try await left(ownAge: .seconds(-1)) == ["dead", "own"])
        try living.close()
        #expect(try await left() == ["dead", "living"])
        #expect(try await store.owedMessages(limit: 10).count == 3)
    }

    @Test func whatALivingProcessHasNotPublishedForMinutesIsLeftTooAndSoIsWhatIsOfUnknownOrigin() async throws {
        let living = try StoreFixture.open(fixture.path)
        _ = try await living.commit(Sample.transition("old", end: .failed(Sample.mishap)))
        _ = try await living.commit(Sample.transition("new", end: .failed(Sample.mishap)))
        _ = try await living.commit(Sample.transition("unknown", end: .failed(Sample.mishap)))
        let database = try DatabaseQueue(path: fixture.path)
        try await database.write { db in
            try db.execute(sql: "UPDATE outbox SET recorded_at = recorded_at - 301000000 WHERE job_id = 'old'")
            try db.execute(sql: "UPDATE outbox SET process = NULL, recorded_at = NULL WHERE job_id = 'unknown'")
        }
        #expect(try await left() == ["old", "unknown"])
        try living.close()
    }

    @Test func leftMessagesComeInPagesSoThatThoseThatAreRefusedHoldUpNobody() async throws {
        try await asOther { other in
            for number in 0..<7 {
                _ = try await other.commit(Sample.transition("\(number)", end: .failed(Sample.mishap)))
            }
        }
        var seen: [[String]] = []
        var position: Int64? = 0
        while let from = position {
            let page = try await store.leftMessages(from: from, ownAge: .seconds(60), limit: 3)
            seen.append(page.messages.map(\.jobID))
            position = page.next
        }
        #expect(seen == [["0", "1", "2"], ["3", "4", "5"], ["6"]])
        try await store.settle(try await store.owedMessages(limit: 10).map(\.id))
        #expect(try await left() == [], "what the broker has is not left")
    }

    @Test func theLeaseOfADeadProcessIsFreeAtOnce() async throws {
        func admit(_ id: String, on store: JobStore) async throws -> JobStore.Admission {
            try await store.admit(
                JobStore.AdmissionRequest(
                    job: Sample.job(id), turn: 0, runID: "run-\(id)", leaseKey: "k",
                    leaseUntil: Sample.start.advanced(by: .seconds(60)), now: Sample.start))
        }
        let living = try StoreFixture.open(fixture.path)
        #expect(try await admit("1", on: living) == .run)
        #expect(try await admit("2", on: store) == .leased(by: "1", until: Sample.start.advanced(by: .seconds(60))))
        try living.close()
        #expect(try await admit("2", on: store) == .run)
    }

    @Test func aRecordThatADeadProcessLeftStartedIsQueuedAgainWithWhatItSaved() async throws {
        func beat(_ id: String, run: String, on store: JobStore) async throws {
            let beat = JobStore.Heartbeat(
                job: try await store.job(id: id) ?? Sample.job(id), turn: 0, runID: run, node: "host:1",
                startedAt: Sample.start, at: Sample.start.advanced(by: .seconds(2)),
                progress: JobProgress(done: 1, total: 2))
            #expect(try await store.beat([beat]) == [.goOn])
        }
        try await asOther { other in
            try await beat("dead", run: "a", on: other)
            try await other.saveCheckpoint(jobID: "dead", turn: 0, state: 7)
        }
        let living = try StoreFixture.open(fixture.path)
        try await beat("living", run: "b", on: living)
        #expect(try await store.releaseDead() == 1)
        let job = try await store.known("dead")
        #expect(job.status == .queued && job.running == nil && job.progress == nil && job.nextTurn == 0)
        #expect(try await store.prepare([.init(jobID: "dead")])[0].checkpoint == 7)
        #expect(try await store.known("living").status == .started)
        #expect(try await store.releaseDead() == 0)
        // Its message is delivered again, and its run is as any other.
        _ = try await store.commit(Sample.transition(of: job))
        #expect(try await store.known("dead").status == .finished)
        try living.close()
    }
}
