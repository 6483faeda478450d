// Many at a time: lines of standard input, all documents of a type, files; and what other programs read of the answers.
import AMQP
import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite struct BulkTests {
    @Test func ofTwoThousandLinesTheThreeBadOnesAreNamedAndTheOthersArrive() async throws {
        try await EngineWorld.with { world in
            let names = (1...2000).map { "C-\($0)" }
            try await world.putCustomers(names.map { ($0, ["customer_name": .string("name of \($0)")]) })
            let bad = [
                7: "{nonsense", 1000: #"["no", "object"]"#,
                2000: #"{"sync_job_type": "nobody", "source_document_name": "C"}"#,
            ]
            let lines = (1...2000).map { bad[$0] ?? #"{"id": "line-\#($0)", "source_document_name": "C-\#($0)"}"# }
            let enqueue = world.ferry("enqueue", "--stdin", "customer_sync", input: lines.joined(separator: "\n"))
            let sent = try await world.expect(2, from: enqueue)
            for (line, words) in [(7, "not JSON at byte 1"), (1000, "not an object"), (2000, "no sync job type")] {
                let found = sent.errors.split(separator: "\n").first { $0.hasPrefix("line \(line): ") }
                #expect(found?.contains(words) == true, "\(sent.errors)")
            }
            #expect(sent.errors.split(separator: "\n").count { $0.hasPrefix("line ") } == 3)
            #expect(sent.errors.contains("confirmed 1,997 requests"), "\(sent.errors)")
            #expect(sent.errors.contains("3 lines refused"))
            let report = try await world.expect(from: world.ferry("work", "--until-empty", "--quiet", "--json")).json
            #expect(report.objectValue?["jobs"]?.objectValue?["Finished"] == 1997)
            #expect(try await world.takeDeadLetters().isEmpty, "bad lines never reach the broker")
            for name in names {
                let expected: JSONValue? = bad[Int(name.dropFirst(2)) ?? 0] == nil ? .string("name of \(name)") : nil
                #expect(try await world.account(name)?["label"] == expected)
            }
        }
    }

    @Test func changesOfAllDocumentsArePublishedAndOneRoundIsDoneOnce() async throws {
        try await EngineWorld.with { world in
            let names = (0..<1500).map { "C-\($0)" }
            try await world.putCustomers(names.map { ($0, ["customer_name": .string($0)]) })
            let change = world.ferry("change", "erp.Customer", "--all", "--id-prefix", "c", "--round", "1")
            #expect(try await world.expect(from: change).output.contains("confirmed 1,500 change events"))
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet"))
            #expect(try await world.job("c:C-1499:1:customer_sync").status == .finished)
            #expect(try await world.endedJobs() == 1500)
            // The same round again makes the same ids.
            try await world.expect(from: change)
            let again = try await world.expect(from: world.ferry("work", "--until-empty", "--quiet", "--json")).json
            #expect(again.objectValue?["duplicates"] == 1500)
            #expect(again.objectValue?["ended"] == 0)
            let lines = (0..<2).map {
                #"{"id": "e-\#($0)", "system": "erp", "document_type": "Customer", "document_name": "C-\#($0)", "#
                    + #""event": "update"}"#
            }
            try await world.expect(from: world.ferry("change", "--stdin", input: lines.joined(separator: "\n") + "\n"))
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet"))
            #expect(try await world.job("e-1:customer_sync").skipReason == .noChanges)
        }
    }

    @Test func anImportWithPublishSyncsWhatIsNewOrChangedAndNothingElse() async throws {
        try await EngineWorld.with { world in
            let file = world.folder.appending(path: "customers.jsonl")
            func write(_ label: String) throws {
                let lines = (0..<300).map {
                    #"{"code": "C-\#($0)", "customer_name": "\#($0 == 5 ? label : "old") \#($0)"}"#
                }
                try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
            }
            func importAndWork() async throws -> (counts: JSONObject?, ended: JSONValue?) {
                let counts = try await world.expect(
                    from: world.ferry(
                        "documents", "import", "erp.Customer", file.path, "--name", "code", "--publish", "--json"))
                let report = try await world.expect(
                    from: world.ferry("work", "--until-empty", "--quiet", "--json"))
                return (try counts.json.objectValue, try report.json.objectValue?["ended"])
            }
            try write("old")
            let first = try await importAndWork()
            #expect(first.counts == ["new": 300, "changed": 0, "same": 0, "published": 300])
            #expect(first.ended == 300)
            try write("new")
            let second = try await importAndWork()
            #expect(second.counts == ["new": 0, "changed": 1, "same": 299, "published": 1])
            #expect(second.ended == 1)
            #expect(try await world.account("C-5")?["label"] == "new 5")
            #expect(try await world.account("C-6")?["label"] == "old 6")
        }
    }

    @Test func jobsAsJSONHaveTheFieldNamesOfTheSpecification() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.send("Customer Sync", [("job-0", "C-1", [:]), ("job-1", "ghost", ["max_retries": 0])])
            try await world.expect(1, from: world.ferry("work", "--until-empty", "--quiet"))
            let list = try await world.expect(from: world.ferry("jobs", "list", "--json")).json
            let jobs = list.arrayValue?.compactMap(\.objectValue) ?? []
            #expect(jobs.count == 2)
            let finished = try #require(jobs.first { $0["id"] == "job-0" })
            let common = [
                "id", "sync_job_type", "source_document_type", "source_document_name", "queue", "status",
                "title", "retry_count", "started_at", "ended_at", "time_taken",
            ]
            let ofFinished = ["operation", "target_document_type", "target_document_name", "diff_summary"]
            for field in common + ofFinished { #expect(finished[field] != nil, "\(field)") }
            #expect(finished["status"] == "Finished")
            let diff = finished["diff_summary"]?.objectValue
            #expect(diff?["changed"]?.arrayValue?.contains(["label", .null, "Ada"]) == true)
            let failed = try #require(jobs.first { $0["id"] == "job-1" })
            for field in common + ["error_message", "dead_lettered_at"] { #expect(failed[field] != nil, "\(field)") }
            #expect(failed["error_message"]?.objectValue?["code"] == "source_not_visible")
            let shown = try await world.expect(from: world.ferry("jobs", "show", "job-0", "--json")).json
            let attempt = shown.objectValue?["attempts"]?.arrayValue?.first?.objectValue
            for field in ["number", "node", "started", "ended", "outcome"] {
                #expect(attempt?[field] != nil, "\(field)")
            }
            let counts = try await world.expect(from: world.ferry("jobs", "count", "--json")).json.objectValue
            #expect(counts?["Finished"] == 1)
            #expect(counts?["Failed"] == 1)
            let some = try await world.expect(from: world.ferry("jobs", "list", "--status", "failed", "--json")).json
            #expect(some.arrayValue?.map { $0.objectValue?["id"] } == ["job-1"])
        }
    }

    @Test func theTopologyIsProvedAndReportedAsJSON() async throws {
        try await EngineWorld.with { world in
            let good = try await world.expect(from: world.ferry("topology", "check", "--json")).json.objectValue
            #expect(good?["findings"] == [])
            #expect(good?["steps"]?.arrayValue?.contains("canaries") == true)
            let connection = try await AMQPConnection.open(try world.composition.broker("test"), logger: world.logger)
            try await connection.deleteQueue(world.composition.topology.workQueue("short"))
            await connection.close()
            let bad = try await world.expect(3, from: world.ferry("topology", "check", "--json")).json.objectValue
            let finding = bad?["findings"]?.arrayValue?.first?.objectValue
            #expect(finding?["kind"] == "missing_queue")
            #expect(finding?["object"] == .string("queue \(world.composition.topology.workQueue("short"))"))
            for field in ["expected", "found", "remedy"] { #expect(finding?[field]?.stringValue?.isEmpty == false) }
            try await world.expect(from: world.ferry("topology", "apply"))
            try await world.expect(from: world.ferry("topology", "check"))
        }
    }
}
