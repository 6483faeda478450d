// The demo's own files: its configuration, its target's schema and its check, on Debian's registries, with a fresh store
// and a topology of the test's own.
import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite struct DemoTests {
    private static let registries = [
        ("Country", "iso_3166-1.json", "3166-1", "alpha_2"), ("Subdivision", "iso_3166-2.json", "3166-2", "code"),
        ("Language", "iso_639-3.json", "639-3", "alpha_3"), ("Currency", "iso_4217.json", "4217", "alpha_3"),
    ]

    @Test func theConfigurationHoldsAndTheRegistriesReachTheAtlas() async throws {
        try await EngineWorld.with { world in
            let demo = PrivateBroker.repository.appending(path: "demo")
            let atlas = world.folder.appending(path: "atlas.sqlite").path
            let schema = try String(contentsOf: demo.appending(path: "atlas.sql"), encoding: .utf8)
            try await Program("sqlite3", [atlas], input: Array(schema.utf8)).run()
            // The demo's configuration as it is, but for the topology's prefix and a file for the store.
            let text = try String(contentsOf: demo.appending(path: "ferry.yaml"), encoding: .utf8)
            let file = world.folder.appending(path: "demo.yaml").path
            try text.replacing("broker:\n", with: "broker:\n  prefix: \(world.composition.topology.prefix)\n")
                .replacing("ferry.sqlite", with: "demo.sqlite").write(toFile: file, atomically: true, encoding: .utf8)
            func ferry(_ arguments: String...) async throws -> ProgramResult {
                var program = Program(ferryProgram, arguments + ["--config", file], folder: world.folder.path)
                program.environment = [
                    "FERRY_BROKER_URL": world.broker.operatorURL, "FERRY_DEMO": world.folder.path,
                    "FERRY_MANAGEMENT_URL": world.broker.managementURL,
                ]
                return try await world.expect(from: program)
            }
            let check = try await ferry("types", "check")
            #expect(check.output.contains("5 types, 2 systems: good"), "\(check.text)")
            for (type, registry, path, name) in Self.registries {
                let imported = try await ferry(
                    "documents", "import", "registry.\(type)", "/usr/share/iso-codes/json/\(registry)", "--path", path,
                    "--name", name, "--json")
                #expect(try imported.json.objectValue?["changed"] == 0)
            }
            // The two small registries go all the way; the whole of it is the demo's own business.
            for type in ["Country", "Currency"] {
                _ = try await ferry(
                    "change", "registry.\(type)", "--all", "--event", "insert", "--id-prefix", type.lowercased(),
                    "--round", "1")
            }
            let report = try await ferry("work", "--until-empty", "--quiet", "--json").json.objectValue
            #expect(report?["dead_letters"] == 0)
            let checks = try String(contentsOf: demo.appending(path: "check.sql"), encoding: .utf8)
            let found = try await Program("sqlite3", [atlas], input: Array(checks.utf8)).run()
            #expect(found.contains("countries-missing-or-different 0\n"), "\(found)")
            #expect(found.contains("currencies-missing-or-different 0\n"), "\(found)")
            let shown = try await ferry("jobs", "show", "country:TR:1:country_sync")
            #expect(shown.output.contains("Türkiye"))
        }
    }
}
