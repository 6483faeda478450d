// ferry try: what a request would do, without a broker; nothing is stored or written unless --apply asks for it.

import Foundation
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite("The command ferry try")
struct TryCommandTests {
    private static let norway = DocumentKey(type: DocumentType(system: "iso", name: "Country"), name: "NO")

    private func with(_ body: (CommandWorld) async throws -> Void) async throws {
        try await CommandWorld.with { world in
            _ = try await world.store.putDocuments([(Self.norway, ["name": "Norway"], nil)])
            try await body(world)
        }
    }

    @Test("shows each field with its rule and its value, and stores and writes nothing")
    func look() async throws {
        try await with { world in
            let answer = try await world.run("try", "country_sync", "--source", "NO")
            #expect(answer.status == .good)
            #expect(answer.output.contains("would end Finished: 1 change"), "\(answer.output)")
            let row = try #require(answer.lines.first { $0.contains("label") })
            #expect(row.contains("\"Norway\"") && row.contains("source.name"), "\(row)")
            #expect(try await world.store.countJobs().isEmpty)
            let target = DocumentKey(type: DocumentType(system: "registry", name: "Nation"), name: "NO")
            #expect(try await world.store.loadDocuments([target]) == [.absent])
        }
    }

    @Test("with --apply runs it here, and a look after that finds nothing to change")
    func apply() async throws {
        try await with { world in
            #expect(try await world.run("try", "country_sync", "--source", "NO", "--apply").status == .good)
            #expect(try await world.store.countJobs() == [.finished: 1])
            let again = try await world.run("try", "country_sync", "--source", "NO", "--json")
            let report = try again.json.objectValue
            #expect(again.status == .good)
            #expect(report?["skip_reason"] == "no_changes", "\(again.output)")
            #expect(try await world.store.countJobs() == [.finished: 1])
        }
    }

    @Test("with --record adds a case that ferry types test passes")
    func record() async throws {
        try await with { world in
            let file = world.folder + "/case.yaml"
            #expect(try await world.run("try", "country_sync", "--source", "NO", "--record", file).status == .good)
            let tested = try await world.run("types", "test", file)
            #expect(tested.status == .good)
            #expect(tested.output.contains("1 passed"), "\(tested.output)")
        }
    }

    @Test("of a source that is not there ends with 1 and says why; of a type that is not there with 2")
    func failures() async throws {
        try await with { world in
            let missing = try await world.run("try", "country_sync", "--source", "XX")
            #expect(missing.status == .failed)
            #expect(missing.output.contains("source_not_visible"), "\(missing.output) \(missing.errors)")
            let unknown = try await world.run("try", "contry_sync", "--source", "NO")
            #expect(unknown.status == .usage)
            #expect(unknown.errors.contains("country_sync"), "\(unknown.errors)")
        }
    }
}
