// A worker process whose store's disk is full, and what ferry queues and ferry store say beside one that works.
import Foundation
import SyncJobs
import Testing

@testable import Ferry
@testable import JobStore

@Suite struct StoreOutageOnBrokerTests {
    private let customers: [(name: String, fields: JSONObject)] = (0..<300).map {
        ("C-\($0)", ["customer_name": "Ada"])
    }

    /// A worker that is not ended by the signal that tells of a file that may not grow.
    private func worker(_ world: EngineWorld) -> Program {
        var program = world.ferry("work")
        program = Program(
            "bash", ["-c", "trap '' XFSZ; exec \"$@\"", "worker", program.path] + program.arguments,
            folder: program.folder, environment: program.environment)
        return program
    }

    @Test func aWorkerWhoseDiskIsFullAcknowledgesNothingAndGoesOnWhenThereIsSpace() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers(customers)
            try await worker(world).whileRunning { worker in
                try await world.send("Customer Sync", id: "first", source: "C-0")
                try await world.job("first", ended: .finished)
                // From here on no file of the worker may grow by more than a few pages: as on a full disk, without one.
                let log = world.folder.appending(path: "ferry.sqlite-wal").path
                let size = try #require(
                    try FileManager.default.attributesOfItem(atPath: log)[.size] as? NSNumber
                ).intValue
                try await Program(
                    "prlimit", ["--pid", "\(worker.pid)", "--fsize=\(max(size, 400_000) + 20_000):unlimited"]
                ).run()
                try await world.request("Customer Sync", names: customers.map(\.name))
                try await eventually("the worker says so") {
                    try worker.printed.errors.contains("The store is not available; waiting")
                }
                let ended = try await world.endedJobs()
                #expect(ended < 301, "the disk is full")
                #expect(!worker.hasEnded)
                try await Program("prlimit", ["--pid", "\(worker.pid)", "--fsize=unlimited:unlimited"]).run()
                try await eventually("all jobs have ended") { try await world.endedJobs() == 301 }
                worker.signal(SIGTERM)
                let end = try await worker.end()
                #expect(end.status == 0, "\(end.errors)")
            }
            for number in 0..<300 {
                let job = try await world.job("job-\(number)")
                #expect(job.attempts.map(\.number) == [1], "\(job.id): \(job.attempts)")
                #expect(job.retryCount == 0)
            }
            #expect(try await world.takeDeadLetters().isEmpty)
            try await world.expectQueueEmpty()
            #expect(try await world.expect(from: world.ferry("store", "check")).output.contains("the store is whole"))
        }
    }

    @Test func aWorkerWhoseStoreStaysBusyGivesItsMessagesBackAndGoesOnByItself() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers(customers)
            try await world.request("Customer Sync", names: customers.prefix(40).map(\.name))
            let file = world.folder.appending(path: "ferry.sqlite").path
            var limits = StoreLimits()
            limits.busyTimeout = .milliseconds(20)
            let store = try JobStore(path: file, limits: limits, logger: world.logger)
            let systems = try world.composition.systems(store: store)
            let held = world.folder.appending(path: "held").path
            let wait = ".shell touch '\(held)'; while [ -e '\(held)' ]; do sleep 0.02; done"
            try await Program("sqlite3", [file, "BEGIN IMMEDIATE", wait, "COMMIT"]).whileRunning { lock in
                try await eventually("the store is locked") { FileManager.default.fileExists(atPath: held) }
                try await EngineWorld.whileRunning(
                    try world.makeWorker(store: store, systems: systems) { $0.storePatience = .milliseconds(300) }
                ) { worker in
                    try await eventually("it stands by") { await !worker.statistics.standBy.isEmpty }
                    try await eventually("the broker has all of them again") {
                        try await world.ready(in: world.composition.topology.workQueue("default")) == 40
                    }
                    try FileManager.default.removeItem(atPath: held)
                    _ = try await lock.end()
                    try await eventually("it goes on by itself") { try await world.endedJobs() == 40 }
                }
            }
            try store.close()
            for number in 0..<40 {
                #expect(try await world.job("job-\(number)").attempts.map(\.number) == [1])
            }
            #expect(try await world.endedJobs() == 40)
            #expect(try await world.takeDeadLetters().isEmpty)
            try await world.expectQueueEmpty()
        }
    }

    @Test func queuesShowWhatWaitsOnTheBrokerAndInTheStore() async throws {
        try await EngineWorld.with { world in
            let file = world.folder.appending(path: "ferry.yaml")
            let text = try String(contentsOf: file, encoding: .utf8)
            let plain = try await world.expect(from: world.ferry("queues", "--json"))
            let unknown = try plain.json.objectValue?["broker"]?.objectValue?["unknown"]?.stringValue
            #expect(unknown == "broker.management_url is not configured")
            try text.replacingOccurrences(
                of: "broker: {", with: "broker: {management_url: \"\(world.broker.managementURL)\", "
            ).write(to: file, atomically: true, encoding: .utf8)
            let due = Composition.now().advanced(by: .seconds(3_000))
            try await world.putCustomers(customers)
            try await world.send(
                "Customer Sync", id: "later", source: "C-0", ["not_before": .string(due.description)])
            try await world.work()
            try await world.request("Customer Sync", names: ["C-1", "C-2", "C-3"])
            let shown = try await world.expect(from: world.ferry("queues", "--all"))
            #expect(shown.output.contains("waiting for their time: 1 message; of 1 record the next is due in 49m"))
            #expect(shown.output.contains("! nobody takes from default; ferry work --queue default"))
            #expect(shown.output.contains("default  Queued  not_before"), "\(shown.output)")
            #expect(shown.output.contains("delay.19  "), "each level has a line: \(shown.output)")
            #expect(!shown.output.contains("are not known"), "\(shown.output)")
            let object = try await world.expect(from: world.ferry("queues", "--json")).json.objectValue
            let broker = object?["broker"]?.objectValue
            let queues = broker?["queues"]?.arrayValue?.compactMap(\.objectValue) ?? []
            let work = try #require(queues.first { $0["name"] == "default" })
            #expect(work["ready"]?.numberValue?.text == "3" && work["consumers"]?.numberValue?.text == "0")
            #expect(broker?["delayed"]?.numberValue?.text == "1")
            // Until Ctrl-C; a line of JSON for each look.
            try await world.ferry("queues", "--watch", "--interval", "50ms", "--json").whileRunning { watch in
                try await eventually("it has looked twice") {
                    try watch.printed.output.split(separator: "\n").count >= 2
                }
                watch.signal(SIGINT)
                let end = try await watch.end(within: .seconds(15))
                #expect(end.status == 0, "\(end.errors)")
                world.expectNoPasswords(in: end)
            }
        }
    }

    @Test func aBackupWhileAWorkerWorksIsAStoreAndCtrlCLeavesNothing() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers(customers)
            let copy = world.folder.appending(path: "copy.sqlite").path
            try await world.request("Customer Sync", names: customers.map(\.name))
            try await world.ferry("work", "--concurrency", "2").whileRunning { _ in
                try await eventually("work has begun") { try await world.endedJobs() > 20 }
                let made = try await world.expect(from: world.ferry("store", "backup", copy, "--json"))
                #expect(try made.json.objectValue?["path"] == .string(copy))
                try await eventually("all jobs have ended") { try await world.endedJobs() == customers.count }
            }
            let sql = "SELECT count(*) = (SELECT count(*) FROM bindings) AND count(*) >= 20 FROM jobs"
            #expect(try await Program("sqlite3", ["-readonly", copy, sql]).run() == "1\n")
            let other = world.folder.appending(path: "other.sqlite").path
            try await world.ferry("store", "backup", other).whileRunning { backup in
                backup.signal(SIGINT)
                _ = try await backup.end(within: .seconds(15))
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: world.folder.path)
            #expect(left.filter { $0.contains(".part") }.isEmpty, "\(left)")
        }
    }
}
