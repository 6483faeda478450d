// What commands are fed: lines, files of documents, and the messages made of them.

import Logging
import SyncJobs
import Testing

@testable import Ferry

@Suite("Input of commands")
struct InputTests {
    private func entries(
        _ text: String, format: ImportFile.Format = .json, path: [String] = [], name: String = "code"
    ) throws -> [String] {
        try ImportFile(Array(text.utf8), format: format, path: path, nameField: name).entries.map(\.name)
    }

    private func refusal(
        _ text: String, format: ImportFile.Format = .json, path: [String] = [], name: String = "code"
    ) -> String {
        do {
            _ = try entries(text, format: format, path: path, name: name)
            return ""
        } catch { return CommandFailure(error).description }
    }

    @Test("lines are counted from 1, blank ones left out, the last one needs no line feed")
    func lines() {
        var lines = InputLines(maximumLineBytes: 5)
        let first = lines.split(Array("ab\n\n  \ncd".utf8))
        #expect(first.map(\.number) == [1])
        let second = lines.split(Array("e\nlonger\nx".utf8))
        #expect(second.map(\.number) == [4, 5])
        #expect(second.map(\.isTooLong) == [false, true])
        #expect(String(decoding: second[0].bytes, as: UTF8.self) == "cde")
        #expect(lines.end().map(\.number) == [6])
    }

    @Test("documents come from an array, from an array inside, or from lines")
    func formats() throws {
        #expect(try entries("[{\"code\": \"A\"}, {\"code\": 7}]") == ["A", "7"])
        #expect(try entries("{\"3166-1\": [{\"code\": \"A\"}]}", path: ["3166-1"]) == ["A"])
        #expect(try entries("{\"a.b\": {\"c\": [{\"code\": \"A\"}]}}", path: ["a.b", "c"]) == ["A"])
        #expect(try entries("{\"code\": \"A\"}\n\n{\"code\": \"B\"}", format: .jsonl) == ["A", "B"])
        #expect(ImportFile.Format(ofFile: "x.JSONL") == .jsonl)
        #expect(ImportFile.Format(ofFile: "-") == .json)
    }

    @Test("names that are missing or occur twice are refused with their position")
    func names() {
        #expect(
            refusal("[{\"code\": \"A\"}, {\"x\": 1}]")
                == "element 2 has no name in \"code\". Name another field with --name; it has: x.")
        #expect(
            refusal("[{\"code\": \"A\"}, {\"code\": \"A\"}]").hasPrefix("element 2 has the name \"A\" of element 1."))
        #expect(refusal("{\"code\": \"A\"}\n[]", format: .jsonl).hasPrefix("line 2 is an array, not an object."))
    }

    @Test("composed and decomposed names are two names")
    func exactNames() throws {
        #expect(try entries("[{\"code\": \"\u{E9}\"}, {\"code\": \"e\u{301}\"}]").count == 2)
    }

    @Test("a file of another shape is refused with what it has")
    func shapes() {
        #expect(refusal("{\"3166-1\": []}").contains("Name the array with --path; there is: \"3166-1\""))
        #expect(refusal("{\"a\": []}", path: ["b"]) == "the file has no \"b\". It has: \"a\".")
        #expect(refusal("{}\n{}").contains("say --format jsonl"))
        #expect(refusal("{\"a\n", format: .jsonl).hasPrefix("line 1 is not JSON"))
    }

    @Test("ids of change events are the same for the same prefix, name and round, and never too long")
    func eventIDs() throws {
        let types = try SyncJobTypes([])
        let type = DocumentType(system: "iso", name: "Country Name")
        #expect(ChangeDraft(type, types: types, prefix: "country", round: "1").id(of: "TR") == "country:TR:1")
        #expect(ChangeDraft(type, types: types, round: "1").id(of: "TR") == "country_name:TR:1")
        let long = ChangeDraft(type, types: types, round: "1")
        let names = ["é", "e\u{301}"].map { String(repeating: $0, count: 5000) }
        let ids = names.map { long.id(of: $0) }
        #expect(ids.allSatisfy { $0.utf8.count <= ChangeDraft.maximumIDBytes })
        #expect(Set(ids).count == 2)
    }

    @Test("an event carries the image when a trigger looks into it, and always for a delete")
    func images() throws {
        var type = Sample.type
        let country = type.source
        let document = Document(key: DocumentKey(type: country, name: "TR"), fields: ["name": "Türkiye"])
        type.triggers = [Trigger(document: country, events: [.update])]
        let plain = ChangeDraft(country, types: try SyncJobTypes([type]))
        #expect(plain.event(.update, document, name: "TR").document == nil)
        #expect(plain.event(.delete, document, name: "TR").document == document.fields)
        type.triggers = [Trigger(document: country, events: [.update], sourceName: try Path("document.name"))]
        let looking = ChangeDraft(country, types: try SyncJobTypes([type]))
        #expect(looking.event(.update, document, name: "TR").document == document.fields)
        #expect(ChangeDraft.unheard(country, types: try SyncJobTypes([type])) == nil)
        #expect(ChangeDraft.unheard(DocumentType(system: "iso", name: "X"), types: try SyncJobTypes([type])) != nil)
    }
}

@Suite("Requests of the command line")
struct RequestDraftTests {
    private func draft(type: String? = "country_sync", defaults: JSONObject = [:]) throws -> RequestDraft {
        let text = """
            systems: {iso: {kind: embedded}, registry: {kind: embedded}}
            limits: {max_message: 1KiB}
            types:
              Country Sync: {source: iso.Country, target: registry.Nation, queue: short, fields: {label: source.name}}
              Old Sync: {source: iso.Country, target: registry.Nation, disabled: true, fields: {label: source.name}}
            """
        let configuration = try FerryConfiguration.read(Array(text.utf8), file: "ferry.yaml", environment: [:])
        let composition = try Composition(
            configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return RequestDraft(
            composition: composition, defaultType: try type.map { try composition.type($0) }, defaults: defaults)
    }

    private func code(of object: JSONObject, type: String? = "country_sync") throws -> JobFailure.Code? {
        do {
            _ = try draft(type: type).message(for: object)
            return nil
        } catch let failure as JobFailure { return failure.code }
    }

    @Test("type, id and the flags complete what a line leaves out, and never replace what it says")
    func completion() throws {
        let draft = try draft(defaults: ["dry_run": true, "queue": "long"])
        let request = try draft.request(for: ["source_document_name": "TR", "queue": "short"])
        #expect(request.syncJobType == "country_sync")
        #expect(request.dryRun)
        #expect(request.queue == "short")
        #expect(request.id.count == 36)
        #expect(try draft.request(for: ["source_document_name": "TR", "id": "x"]).id == "x")
    }

    @Test("a CloudEvents line keeps its own id")
    func cloudEvent() throws {
        let request = try draft().request(for: [
            "specversion": "1.0", "source": "/erp/", "id": "7", "type": "t",
            "data": ["source_document_name": "TR"],
        ])
        #expect(request.id == "/erp/7")
        #expect(request.syncJobType == "country_sync")
    }

    @Test("what a worker would refuse is refused before it is sent")
    func refusals() throws {
        #expect(try code(of: ["source_document_name": "TR"]) == nil)
        #expect(try code(of: [:]) == .missingField)
        #expect(try code(of: ["source_document_name": "TR"], type: nil) == .missingType)
        #expect(try code(of: ["sync_job_type": "nope", "source_document_name": "TR"]) == .unknownType)
        #expect(try code(of: ["sync_job_type": "old_sync", "source_document_name": "TR"]) == .typeDisabled)
        #expect(try code(of: ["source_document_name": "TR", "queue": "nope"]) == .unknownQueue)
        #expect(try code(of: ["source_document_name": "TR", "source_document_type": "City"]) == .invalidField)
        #expect(try code(of: ["source_document_name": "TR", "sauce": 1]) == .unknownField)
        let long = JSONValue.string(String(repeating: "x", count: 2000))
        #expect(try code(of: ["source_document_name": "TR", "context": ["a": long]]) == .bodyTooLarge)
    }

    @Test("an unknown type is refused with the near one")
    func nearType() throws {
        let draft = try draft()
        #expect(
            throws: CommandFailure(
                .usage, "there is no sync job type \"contry_sync\"", remedy: "did you mean country_sync?")
        ) {
            try draft.composition.type("contry_sync")
        }
    }
}
