// How commands end when they cannot do what they were asked: the exit status of the specification, and words that name
// what is wrong and what mends it.
import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite struct ExitStatusTests {
    @Test func withoutAConfigurationItIsTwoAndAnExampleIsShown() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-empty-\(randomName())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        for command in ["work", "types list", "jobs list", "topology check", "dead list"] {
            let words = command.split(separator: " ").map(String.init)
            let result = try await Program(ferryProgram, words, folder: folder.path).result()
            #expect(result.status == 2, "\(command)")
            #expect(result.output == "", "\(command)")
            #expect(result.errors.hasPrefix("ferry: ferry.yaml: there is no such file"), "\(result.errors)")
            #expect(result.errors.contains("--config or FERRY_CONFIG"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [], "nothing was made")
        try FileManager.default.removeItem(at: folder)
    }

    @Test func aBrokenConfigurationIsTwoAndNamesFileLineAndKey() async throws {
        try await EngineWorld.with { world in
            let broken = world.folder.appending(path: "broken.yaml")
            let text = try String(contentsOf: world.folder.appending(path: "ferry.yaml"), encoding: .utf8)
            try text.replacing("label: source.customer_name", with: "label: sourc.customer_name")
                .replacing("on_delete: delete", with: "on_delte: delete")
                .write(to: broken, atomically: true, encoding: .utf8)
            let lines = text.components(separatedBy: "\n")
            let line = try #require(lines.firstIndex { $0.contains("on_delete") }) + 1
            for command in ["work", "enqueue", "types"] {
                let rest = ["enqueue": ["customer_sync", "--source", "C"], "types": ["check"]][command] ?? []
                var program = world.ferry(command)
                program = Program(
                    program.path, [command] + rest + ["--config", broken.path], environment: program.environment)
                let result = try await world.expect(2, from: program)
                #expect(result.errors.contains("broken.yaml:\(line): types.Customer Sync"), "\(result.errors)")
                #expect(result.errors.contains("on_delete"), "the remedy names the key that is meant")
                #expect(result.errors.contains("sourc.customer_name"))
            }
        }
    }

    @Test func aMissingVariableIsTwoAndIsNamed() async throws {
        try await EngineWorld.with { world in
            var program = world.ferry("work")
            program.environment["FERRY_BROKER_URL"] = nil
            let result = try await world.expect(2, from: program)
            #expect(result.errors.contains("ferry.yaml:1: broker.url"), "\(result.errors)")
            #expect(result.errors.contains("FERRY_BROKER_URL"))
        }
    }

    @Test func anUnknownQueueTypeOrOptionIsTwoAndNamesTheKnownOnes() async throws {
        try await EngineWorld.with { world in
            let queue = try await world.expect(2, from: world.ferry("work", "--queue", "nightly"))
            #expect(queue.errors.contains("there is no queue \"nightly\""))
            #expect(queue.errors.contains("short, default, long"))
            let near = try await world.expect(2, from: world.ferry("work", "--queue", "defualt"))
            #expect(near.errors.contains("Did you mean default?"), "\(near.errors)")
            let type = try await world.expect(2, from: world.ferry("enqueue", "custmer_sync", "--source", "C"))
            #expect(type.errors.contains("customer_sync"), "\(type.errors)")
            let option = try await world.expect(2, from: world.ferry("work", "--until-emtpy"))
            #expect(option.errors.contains("--until-empty"), "\(option.errors)")
            let duration = try await world.expect(2, from: world.ferry("work", "--grace", "30"))
            #expect(duration.errors.contains("30s, 5m or 2h"), "\(duration.errors)")
            #expect(try await world.store.countJobs() == [:])
        }
    }

    @Test(arguments: ["work", "enqueue", "change", "dead", "topology"])
    func aBrokerThatIsNotThereIsThreeAndIsSaidAtOnce(command: String) async throws {
        try await EngineWorld.with { world in
            let port = try TestProxy.freePort()
            let url = "amqp://ferry-worker:hidden-word@127.0.0.1:\(port)/ferry"
            let result = try await world.expect(3, from: self.command(command, in: world, url: url))
            #expect(result.errors.split(separator: "\n").contains { $0.hasPrefix("ferry: ") }, "\(result.errors)")
            #expect(result.errors.contains("nobody accepts connections at 127.0.0.1:\(port)"), "\(result.errors)")
            #expect(result.errors.contains("Check that the broker runs"))
            #expect(!result.text.contains("hidden-word"))
        }
    }

    @Test(arguments: ["work", "enqueue"])
    func aWrongPasswordIsThreeAndIsNotShown(command: String) async throws {
        try await EngineWorld.with { world in
            let url = "amqp://ferry-worker:hidden-word@127.0.0.1:\(world.broker.port)/ferry"
            let result = try await world.expect(3, from: self.command(command, in: world, url: url))
            #expect(result.errors.contains("refuses user ferry-worker"), "\(result.errors)")
            #expect(result.errors.contains("Correct user and password"))
            #expect(!result.text.contains("hidden-word"))
        }
    }

    private func command(_ command: String, in world: EngineWorld, url: String) -> Program {
        switch command {
        case "enqueue": world.ferry("enqueue", "customer_sync", "--source", "C-1", url: url)
        case "change": world.ferry("change", "erp.Customer", "C-1", "--event", "update", url: url)
        case "dead": world.ferry("dead", "list", "--broker", url: url)
        case "topology": world.ferry("topology", "check", url: url)
        default: world.ferry(command, url: url)
        }
    }

    @Test func aMissingTopologyIsThreeAndNamesWhatIsMissing() async throws {
        try await EngineWorld.with { world in
            let file = world.folder.appending(path: "other.yaml")
            let prefix = "n\(UInt32.random(in: .min ... .max))"
            try EngineWorld.configuration(
                prefix: prefix, customerVersion: "{field: revision, order: number}", types: ""
            ).write(to: file, atomically: true, encoding: .utf8)
            let work = try await world.expect(3, from: world.ferry("work", "--config", file.path))
            #expect(work.errors.contains("missing exchanges: "))
            #expect(work.errors.contains("missing queues: "))
            for name in ["\(prefix).requests", "\(prefix).default", "\(prefix).dead", "\(prefix).delay.00"] {
                #expect(work.errors.contains(name), "\(name): \(work.errors)")
            }
            #expect(work.errors.contains("ferry topology apply"))
            let enqueue = try await world.expect(
                3, from: world.ferry("enqueue", "customer_sync", "--source", "C", "--config", file.path))
            #expect(enqueue.errors.contains("\(prefix).requests"), "\(enqueue.errors)")
            #expect(enqueue.errors.contains("ferry topology check"), "\(enqueue.errors)")
            let check = try await world.expect(3, from: world.ferry("topology", "check", "--config", file.path))
            #expect(check.output.contains("queue \(prefix).default: expected it exists, found nothing"))
        }
    }

    @Test func aStoreThatCannotBeMadeOrIsForeignIsFour() async throws {
        try await EngineWorld.with { world in
            let text = try String(contentsOf: world.folder.appending(path: "ferry.yaml"), encoding: .utf8)
            let foreign = world.folder.appending(path: "foreign.sqlite").path
            try await Program("sqlite3", [foreign, "CREATE TABLE recipes (name); INSERT INTO recipes VALUES ('soup')"])
                .run()
            let cases = [
                ("nowhere/ferry.sqlite", "does not exist"), (".", "is a folder"),
                ("foreign.sqlite", "is a database of another application"), ("ferry.yaml", "not a database"),
                ("/proc/ferry.sqlite", "can't be created"),
            ]
            for (path, words) in cases {
                let file = world.folder.appending(path: "other.yaml")
                try text.replacing("path: ferry.sqlite", with: "path: \(path)")
                    .write(to: file, atomically: true, encoding: .utf8)
                let result = try await world.expect(4, from: world.ferry("work", "--config", file.path))
                #expect(result.errors.hasPrefix("ferry: the job store (open): "), "\(result.errors)")
                #expect(result.errors.contains(words), "\(result.errors)")
            }
            let tables = try await Program("sqlite3", [foreign, "SELECT name FROM sqlite_schema"]).run()
            #expect(tables == "recipes\n", "the foreign file is as it was")
        }
    }

    @Test func lookingAtAStoreThatIsNotThereIsFourAndMakesNone() async throws {
        try await EngineWorld.with { world in
            let text = try String(contentsOf: world.folder.appending(path: "ferry.yaml"), encoding: .utf8)
            let file = world.folder.appending(path: "other.yaml")
            try text.replacing("path: ferry.sqlite", with: "path: none.sqlite")
                .write(to: file, atomically: true, encoding: .utf8)
            let result = try await world.expect(4, from: world.ferry("jobs", "list", "--config", file.path))
            #expect(result.errors.contains("there is no job store at"))
            #expect(!FileManager.default.fileExists(atPath: world.folder.appending(path: "none.sqlite").path))
        }
    }

    @Test func aSystemThatDoesNotFitIsTwoBeforeTheFirstMessage() async throws {
        let types = """
              Wrong Sync:
                source: erp.Customer
                target: shop.Account
                match: {erp_code: job.source_document_name}
                fields: {labell: source.customer_name}
            """
        try await EngineWorld.with(types: types) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.request("Customer Sync", names: ["C-1"])
            let result = try await world.expect(2, from: world.ferry("work", "--until-empty"))
            #expect(result.errors.contains("ferry.yaml:"))
            #expect(result.errors.contains("types.Wrong Sync.fields.labell"), "\(result.errors)")
            #expect(try await world.endedJobs() == 0)
        }
    }

    @Test func aFailedJobIsOneWithUntilEmptyAndAGoodRunIsZero() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.send("Customer Sync", [("job-0", "C-1", [:]), ("job-1", "ghost", ["max_retries": 0])])
            let failed = try await world.expect(1, from: world.ferry("work", "--until-empty"))
            #expect(failed.output.contains("Finished 1 · Failed 1"), "\(failed.output)")
            #expect(failed.output.contains("1 dead letter"))
            let empty = try await world.expect(0, from: world.ferry("work", "--until-empty"))
            #expect(empty.output.contains("no jobs"))
            let shown = try await world.expect(0, from: world.ferry("jobs", "show", "job-1"))
            #expect(shown.output.contains("source_not_visible"))
        }
    }

    @Test func aJobThatIsNotThereIsOne() async throws {
        try await EngineWorld.with { world in
            let result = try await world.expect(1, from: world.ferry("jobs", "show", "nobody"))
            #expect(result.errors.contains("there is no job \"nobody\""))
            #expect(result.errors.contains("ferry jobs list"))
            #expect(result.output == "")
            try await world.expect(1, from: world.ferry("documents", "get", "erp.Customer", "nobody"))
        }
    }
}
