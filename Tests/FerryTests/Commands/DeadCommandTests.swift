// ferry dead as people use it: look, mend, replay, discard, export, each said and recorded.

import Foundation
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite("ferry dead")
struct DeadCommandTests {
    private static let types: SyncJobTypes = {
        do { return try SyncJobTypes([CommandWorld.type("Country Sync"), CommandWorld.type("City Sync")]) } catch {
            preconditionFailure("\(error)")
        }
    }()

    /// Keeps a letter of a message that a worker refused.
    @discardableResult
    private func keep(
        _ id: String?, _ code: JobFailure.Code, _ error: String, body: String, in world: CommandWorld
    ) async throws -> DeadLetterRecord {
        let arrival = DeadLetterArrival(
            jobID: id, turn: 0, origin: .request, typeSlug: nil, queue: "short", routingKey: code.rawValue,
            reason: code.rawValue, error: error, remedy: "mend it", isByBroker: false, wasDelivered: true,
            failedAt: Sample.instant, headers: [:], body: Array(body.utf8))
        let read = arrival.reading(types: Self.types, maximumDepth: 100)
        return try await world.store.keep(
            read.arrival, request: read.request, types: Self.types, at: Sample.instant
        ).letter
    }

    private func request(_ id: String, type: String = "country_sync") -> String {
        #"{"sync_job_type": "\#(type)", "source_document_name": "N-\#(id)"}"#
    }

    @Test("lists, groups and filters what is open")
    func looks() async throws {
        try await CommandWorld.with { world in
            #expect(try await world.run("dead", "list").errors.contains("no dead letters"))
            for id in 1...3 {
                try await keep(
                    "a\(id)", .typeDisabled, "the type \(id) is disabled", body: request("a\(id)"), in: world)
            }
            let other = try await keep("b", .invalidJSON, "no JSON (byte 17)", body: "{", in: world)
            let list = try await world.run("dead", "list")
            #expect(list.lines.count == 5 && list.output.contains("no JSON (byte 17)"))
            #expect(list.lines[1].contains(other.id), "the newest first")
            let groups = try await world.run("dead", "groups")
            #expect(groups.lines.count == 3 && groups.lines[1].contains("country_sync"), "\(groups.output)")
            let json = try await world.run("dead", "groups", "--json").json.arrayValue
            #expect(json?.map { $0.objectValue?["count"] } == [3, 1])
            let key = try #require(json?.first?.objectValue?["group"]?.stringValue)
            for (filter, count) in [
                (["--group", key], 3), (["--except-group", key], 1), (["--type", "Country Sync"], 3),
                (["--error", "invalid_json"], 1), (["--text", "DISABLED"], 3), (["--text", "N-a2"], 1),
                (["--job", "a1"], 1), (["--since", "1h"], 0), (["--until", "1h"], 4), (["--state", "discarded"], 0),
                (["--state", "all"], 4),
            ] {
                let found = try await run(["dead", "list", "--json"] + filter, in: world).json.arrayValue
                #expect(found?.count == count, "\(filter)")
            }
        }
    }

    private func run(_ arguments: [String], in world: CommandWorld) async throws -> CommandAnswer {
        let command = try FerryCommand.parseAsRoot(arguments + ["--config", world.folder + "/ferry.yaml"])
        let subcommand = try #require(command as? any FerrySubcommand)
        return try await world.capture { context in try await subcommand.run(in: context) }
    }

    @Test("show masks, tells what a replay would say, and gives the raw body only when asked")
    func shows() async throws {
        try await CommandWorld.with { world in
            let body = #"{"sync_job_type":"no_such","document":{"iban":"hidden-word"},"context":{}}"#
            let letter = try await keep("x", .unknownType, "there is no type", body: body, in: world)
            let shown = try await world.run("dead", "show", String(letter.id.prefix(6)))
            #expect(shown.status == .good && !shown.output.contains("hidden-word"), "\(shown.output)")
            #expect(shown.output.contains("a replay would be refused: there is no sync job type"))
            #expect(shown.output.contains("ferry dead edit \(letter.id)"))
            #expect(try await world.run("dead", "show", "x", "--body").output == body)
            #expect(try await world.run("dead", "show", "nobody").status == .failed)
            let why = try await world.run("jobs", "why", "x", "--json").json.objectValue
            #expect(why?["reason"] == "dead_letter")
        }
    }

    @Test("edit, then replay: a new revision, a record, a message, an audit")
    func mends() async throws {
        try await CommandWorld.with { world in
            let letter = try await keep(
                "x", .missingField, "no source", body: #"{"sync_job_type":"country_sync"}"#, in: world)
            let refused = try await world.run("dead", "replay", letter.id)
            #expect(refused.status == .failed && refused.errors.contains("missing_field"))
            let still = try await world.run("dead", "edit", letter.id, "--set", "queue=\"nowhere\"")
            #expect(still.status == .failed && still.errors.contains("stays as it is"))
            let edited = try await world.run(
                "dead", "edit", letter.id, "--set", "source_document_name=\"TR\"", "--set", "context.a.b=1", "--reason",
                "typo")
            #expect(edited.output.contains("edited \(letter.id): revision 2"), "\(edited.errors)")
            let replayed = try await world.run("dead", "replay", letter.id, "--reason", "mended")
            #expect(replayed.status == .good && replayed.output.contains("replayed \(letter.id) as x"))
            #expect(replayed.errors.contains("not published yet"), "there is no broker; a worker does it")
            let job = try #require(try await world.store.job(id: "x"))
            #expect(job.request.sourceDocumentName == "TR" && job.request.context == ["a": ["b": 1]])
            #expect(try await world.owed("x") == [.again])
            let shown = try await world.run("dead", "show", letter.id).output
            #expect(
                shown.contains("by ada, ") && shown.contains(": typo") && shown.contains("replayed as")
                    && shown.contains("mended"))
            #expect(try await world.run("jobs", "show", "x").output.contains("\(letter.id)  replayed by ada"))
        }
    }

    @Test("one, many, all matching; asked, previewed, refused by name")
    func many() async throws {
        try await CommandWorld.with { world in
            for id in 1...3 { try await keep("a\(id)", .typeDisabled, "no \(id)", body: request("a\(id)"), in: world) }
            try await keep("b", .invalidJSON, "no JSON", body: "{", in: world)
            #expect(try await world.run("dead", "replay", "--all").status == .usage, "nobody can be asked")
            let preview = try await world.run("dead", "replay", "--all", "--dry-run", "--json").json.objectValue
            #expect(preview?["total"] == 4 && preview?["groups"]?.arrayValue?.count == 2)
            let replayed = try await world.run("dead", "replay", "--all", "--yes", "--json").json.objectValue
            #expect(replayed?["done"] == 3 && replayed?["refused"] == 1)
            #expect(try await world.store.countJobs() == [.queued: 3])
            #expect(throws: (any Error).self) {
                try FerryCommand.parseAsRoot(["dead", "discard", "--all", "--yes"])
            }
            let discarded = try await world.run("dead", "discard", "--all", "--yes", "--reason", "garbage")
            #expect(discarded.output.contains("discarded 1"))
            #expect(try await world.run("dead", "list", "--json").json == [])
            #expect(try await world.store.auditEntries().map(\.action) == ["discard", "replay", "replay", "replay"])
        }
    }

    @Test("export gives back every byte, and requests as ferry enqueue reads them")
    func exports() async throws {
        try await CommandWorld.with { world in
            try await keep("a", .typeDisabled, "no", body: request("a"), in: world)
            try await keep(nil, .invalidUTF8, "no", body: "{", in: world)
            let file = world.folder + "/letters.ndjson"
            #expect(try await world.run("dead", "export", "--output", file).errors.contains("wrote 2 dead letters"))
            let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            let letters = try lines.map { try JSONParser.parse(String($0)).objectValue }
            #expect(letters[0]?["body"]?.objectValue?["source_document_name"] == "N-a")
            #expect(letters[1]?["body_base64"] == "ew==")
            #expect(try await world.run("dead", "export", "--output", file).status == .usage, "it is there already")
            let requests = try await world.run("dead", "export", "--requests")
            #expect(requests.lines.count == 1 && requests.errors.contains("1 left out"))
            #expect(try SyncRequest(decoding: Array(requests.lines[0].utf8), messageID: nil).id == "a")
        }
    }

    @Test("a path sets one value, and says where it leads nowhere")
    func paths() throws {
        let object: JSONObject = ["a": ["b": [1, 2]], "x.y": 3]
        #expect(try JSONEdit.setting("a.b.1", to: 5, in: object)["a"] == ["b": [1, 5]])
        #expect(try JSONEdit.setting("x.y", to: 4, in: object)["x.y"] == 4)
        #expect(try JSONEdit.setting("n.m", to: 4, in: object)["n"] == ["m": 4])
        #expect(try JSONEdit.setting("a.b.0", to: nil, in: object)["a"] == ["b": [2]])
        #expect(try JSONEdit.setting("q.r", to: nil, in: object) == object)
        for path in ["a.b.7", "a.b.0.c"] {
            #expect(throws: CommandFailure.self, "\(path)") { try JSONEdit.setting(path, to: 1, in: object) }
        }
    }
}
