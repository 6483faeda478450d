// What an operator does and sees, with a real broker and a worker beside it: actions reach the queue at once, a wait ends with
// the job, why tells of queues and consumers, and Ctrl-C leaves cleanly.
import Foundation
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct OperatorTests {
    @Test func aRetriedJobIsPublishedAtOnceAndRunsAgain() async throws {
        try await EngineWorld.with { world in
            try await world.send("Customer Sync", id: "a", source: "C-1", ["max_retries": 0])
            try await world.expect(1, from: world.ferry("work", "--until-empty", "--quiet"))
            #expect(try await world.job("a").status == .failed)
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            let retried = try await world.expect(from: world.ferry("jobs", "retry", "a", "--reason", "it is there now"))
            #expect(retried.output == "retried a\n")
            #expect(retried.errors == "", "nothing is left for a worker to publish: \(retried.errors)")
            #expect(try await world.storeRows("SELECT count(*) FROM outbox WHERE kind = 'again'") == "0\n")
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet"))
            let job = try await world.job("a")
            #expect(job.status == .finished && job.attempts.count == 2)
            let audit = try await world.expect(from: world.ferry("audit", "--job", "a", "--json")).json.arrayValue
            #expect(audit?.first?.objectValue?["reason"] == "it is there now")
        }
    }

    @Test func aHeldJobIsStartedAndACanceledOneNeverRuns() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"]), ("C-2", ["customer_name": "Bob"])])
            for (id, source) in [("a", "C-1"), ("b", "C-2")] {
                try await world.expect(
                    from: world.ferry("enqueue", "customer_sync", "--source", source, "--id", id, "--hold"))
            }
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet"))
            let why = try await world.expect(from: world.ferry("jobs", "why", "a"))
            #expect(why.output.contains("It is held"), "\(why.output)")
            try await world.expect(from: world.ferry("jobs", "start", "a"))
            try await world.expect(from: world.ferry("jobs", "cancel", "b", "later"))
            try await world.expect(
                from: world.ferry("enqueue", "customer_sync", "--source", "C-2", "--id", "later", "--force"))
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet"))
            #expect(try await world.job("a").status == .finished)
            #expect(try await world.job("b").status == .canceled)
            #expect(try await world.job("later").status == .canceled, "it was canceled before it came")
        }
    }

    @Test func whyCountsWhatWaitsAndWhoTakesIt() async throws {
        try await EngineWorld.with { world in
            try await world.request("Customer Sync", names: ["C-1", "C-2", "C-3"])
            let idle = try await world.expect(from: world.ferry("jobs", "why", "job-0"))
            #expect(
                idle.output.contains("default: 3 messages waiting, nobody takes from it (no consumer)."),
                "\(idle.output)")
            #expect(idle.output.contains("→ ferry work --queue default, as nobody takes from it"))
            try await world.ferry("work").whileRunning { _ in
                try await eventually("the worker takes from the queue") {
                    try await world.expect(from: world.ferry("jobs", "why", "nobody")).output
                        .contains("No work queue has messages waiting")
                }
            }
        }
    }

    @Test func enqueueWaitsUntilItsJobsAreOver() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            let late = try await world.expect(
                1, from: world.ferry("enqueue", "customer_sync", "--source", "C-1", "--wait", "--wait-timeout", "200ms")
            )
            #expect(late.errors.contains("1 of 1 job is not over after 200ms"), "\(late.errors)")
            try await world.ferry("work").whileRunning { _ in
                let good = try await world.expect(
                    from: world.ferry("enqueue", "customer_sync", "--source", "C-1", "--id", "good", "--wait"))
                #expect(good.output.contains("enqueued good into default\n"))
                #expect(good.output.contains("good"), "\(good.output)")
                let bad = try await world.expect(
                    1,
                    from: world.ferry(
                        "enqueue", "customer_sync", "--source", "C-9", "--max-retries", "0", "--id", "bad", "--wait",
                        "--json"))
                #expect(try bad.json.objectValue?["status"] == "Failed", "\(bad.output)")
                let again = try await world.expect(
                    1,
                    from: world.ferry(
                        "enqueue", "customer_sync", "--source", "C-9", "--max-retries", "0", "--id", "bad"))
                #expect(again.errors.contains("ferry jobs retry bad"), "\(again.errors)")
                let lines = """
                    {"id": "l1", "source_document_name": "C-1"}
                    {"id": "good", "source_document_name": "C-1"}
                    {"id": "bad", "source_document_name": "C-9", "max_retries": 0}
                    """
                let many = try await world.expect(
                    1,
                    from: world.ferry("enqueue", "customer_sync", "--stdin", "--wait", "--json", input: lines))
                let ended = many.output.split(separator: "\n").compactMap { line in
                    (try? JSONParser.parse(String(line)))?.objectValue?["id"]?.stringValue
                }
                #expect(Set(ended) == ["l1", "good"], "what is known is waited for too: \(many.output)")
                #expect(many.errors.contains("line 2: not sent: good ended"), "\(many.errors)")
                #expect(many.errors.contains("line 3: bad failed on"))
                #expect(many.errors.contains("1 line refused, the others were sent"))
            }
        }
    }

    @Test func watchTellsWhatHappensUntilCtrlC() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.ferry("watch", "--interval", "20ms").whileRunning { watch in
                try await world.ferry("work").whileRunning { _ in
                    // A watch tells what happens after it has begun, so jobs are sent until it has.
                    var sent = 0
                    try await eventually("the watch tells of a job") {
                        try await world.send("Customer Sync", id: "w\(sent)", source: "C-1")
                        sent += 1
                        return try watch.printed.output.contains("Customer")
                    }
                }
                watch.signal(SIGINT)
                let end = try await watch.end(within: .seconds(15))
                #expect(end.status == 0, "\(end.errors)")
                #expect(end.output.contains("Finished") || end.output.contains("Skipped"), "\(end.output)")
                #expect(end.errors == "")
            }
        }
    }

    @Test func watchOfOneJobEndsWithIt() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.ferry("watch", "a").whileRunning { watch in
                try await eventually("it waits for the record") {
                    try watch.printed.errors.contains("there is no record of a yet")
                }
                try await world.send("Customer Sync", id: "a", source: "C-1")
                try await world.expect(from: world.ferry("work", "--until-empty", "--quiet"))
                let end = try await watch.end(within: .seconds(15))
                #expect(end.status == 0)
                #expect(end.output.contains("attempt 1 of 4  Finished"), "\(end.output)")
            }
            let stopped = try await world.ferry("watch", "nobody").whileRunning { watch in
                try await eventually("it waits for the record") {
                    try watch.printed.errors.contains("there is no record of nobody yet")
                }
                watch.signal(SIGINT)
                return try await watch.end(within: .seconds(15))
            }
            #expect(stopped.status == 128 + SIGINT, "it was not over")
        }
    }
}
