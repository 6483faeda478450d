// What the command line takes and refuses, and with which exit status.

import ArgumentParser
import SyncJobs
import Testing

@testable import Ferry

@Suite("The command line")
struct ArgumentTests {
    private func parse<Command: ParsableCommand>(_ arguments: String..., as type: Command.Type) throws -> Command {
        try #require(try FerryCommand.parseAsRoot(arguments) as? Command)
    }

    /// The words of the parser's refusal.
    private func refusal(_ arguments: String...) -> String {
        do {
            _ = try FerryCommand.parseAsRoot(arguments)
            return ""
        } catch { return FerryCommand.message(for: error) }
    }

    @Test("every subcommand explains itself with examples")
    func everySubcommandHasExamples() {
        func check(_ command: any ParsableCommand.Type) {
            let configuration = command.configuration
            #expect(!configuration.abstract.isEmpty, "\(command)")
            #expect(configuration.discussion.contains("EXAMPLES\n  ferry "), "\(command)")
            for subcommand in configuration.subcommands { check(subcommand) }
        }
        check(FerryCommand.self)
    }

    @Test("every example is a command that is taken")
    func everyExampleIsTaken() {
        func check(_ command: any ParsableCommand.Type) {
            let configuration = command.configuration
            let examples = configuration.discussion.components(separatedBy: "EXAMPLES\n").dropFirst().joined()
            for line in examples.split(separator: "\n").map({ $0.trimmingCharacters(in: .whitespaces) })
            where line.hasPrefix("ferry ") && !line.contains("$(") {
                let words = Self.words(line).dropFirst()
                #expect(throws: Never.self, "\(line)") { try FerryCommand.parseAsRoot(Array(words)) }
            }
            for subcommand in configuration.subcommands { check(subcommand) }
        }
        check(FerryCommand.self)
    }

    /// The words of a line of a shell, up to a pipe, a redirection or what follows the command.
    private static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in line {
            if let open = quote {
                if character == open { quote = nil } else { word?.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character == " " {
                if let word { words.append(word) }
                word = nil
            } else if "|<>&;#".contains(character), word == nil {
                return words
            } else {
                word = (word ?? "") + String(character)
            }
        }
        return words + [word].compactMap { $0 }
    }

    @Test("work takes several queues and durations with their unit")
    func workOptions() throws {
        let work = try parse(
            "work", "--queue", "short", "--queue", "long", "--grace", "1m30s", "--concurrency", "8", "--until-empty",
            as: WorkCommand.self)
        #expect(work.queue == ["short", "long"])
        #expect(work.grace == .seconds(90))
        #expect(work.concurrency == 8)
        #expect(work.untilEmpty)
        #expect(!work.noChanges)
    }

    @Test("a bare number is no duration, and the refusal says how to write one")
    func bareNumberIsNoDuration() {
        #expect(refusal("work", "--grace", "30").contains("write it with its unit, such as 30s, 5m or 2h"))
    }

    @Test("numbers out of range are refused with the range")
    func countsHaveARange() {
        #expect(refusal("work", "--concurrency", "0").contains("write a whole number from 1 to 1000"))
        #expect(refusal("jobs", "list", "--limit", "10001").contains("from 1 to 10000"))
        #expect(refusal("dead", "list", "--limit", "x").contains("from 1 to 1000"))
    }

    @Test("statuses are taken in any case, and an unknown one is refused with those there are")
    func statuses() throws {
        let list = try parse(
            "jobs", "list", "--status", "no_target", "--status", "FAILED", as: JobsListCommand.self)
        #expect(list.conditions.status == [.noTarget, .failed])
        #expect(refusal("jobs", "list", "--status", "lost").contains("use one of: Pending, Queued, Started, Finished"))
    }

    @Test("an unknown error code is refused with the near one")
    func errorCodes() throws {
        let list = try parse("jobs", "list", "--error", "source_not_visible", as: JobsListCommand.self)
        #expect(list.conditions.error == .sourceNotVisible)
        #expect(refusal("jobs", "list", "--error", "source_not_visibel").contains("did you mean source_not_visible?"))
    }

    @Test("a document type needs its system")
    func documentTypes() throws {
        let get = try parse("documents", "get", "erp.Customer", "C-1", as: DocumentsGetCommand.self)
        #expect(get.documentType == DocumentType(system: "erp", name: "Customer"))
        #expect(refusal("documents", "get", "Customer", "C-1").contains("write SYSTEM.TYPE, such as erp.Customer"))
    }

    @Test("fields are set to JSON, digits kept, and text without quotes is refused with the remedy")
    func assignments() throws {
        let put = try parse(
            "documents", "put", "erp.Customer", "C-1", "--set", "limit=0.10", "--set", "a.b=\"x=y\"",
            as: DocumentsPutCommand.self)
        #expect(put.set.map(\.key) == ["limit", "a.b"])
        #expect(put.set.map(\.value.canonicalText) == ["0.10", "\"x=y\""])
        #expect(refusal("documents", "put", "erp.Customer", "C-1", "--set", "label=Oslo").contains("text needs quotes"))
        #expect(refusal("documents", "put", "erp.Customer", "C-1").contains("Say what to set"))
    }

    @Test("enqueue makes the fields of a request of its flags")
    func enqueueFlags() throws {
        let enqueue = try parse(
            "enqueue", "country_sync", "--source", "TR", "--operation", "DELETE", "--target", "TUR", "--dry-run",
            "--max-retries", "0", "--timeout", "90s", "--disable-insert", "--context", "{\"a\": 1}",
            as: EnqueueCommand.self)
        let object = try enqueue.request.object(maximumBytes: 1000)
        #expect(
            JSONValue.object(object).canonicalText == """
                {"context":{"a":1},"dry_run":true,"insert_enabled":false,"max_retries":0,"operation":"delete",\
                "source_document_name":"TR","target_document_name":"TUR","timeout":"1m30s"}
                """)
    }

    @Test("enqueue needs a type, and lines take no common id")
    func enqueueRefusals() {
        #expect(refusal("enqueue", "--source", "TR").contains("Name the sync job type"))
        #expect(refusal("enqueue", "--stdin", "--id", "x").contains("write ids in the lines"))
    }

    @Test("change says what is missing")
    func changeRefusals() {
        #expect(refusal("change").contains("Name the document type"))
        #expect(refusal("change", "iso.Country").contains("Name the document, or say --all"))
        #expect(refusal("change", "iso.Country", "TR").contains("Say what happened"))
        #expect(refusal("change", "iso.Country", "TR", "--event", "rename").contains("needs --old-name"))
        #expect(refusal("change", "iso.Country", "TR", "--all").contains("--all makes names"))
        #expect(refusal("change", "iso.Country", "--stdin").contains("the lines say everything"))
    }

    @Test("usage errors end with 2, help and version with 0")
    func exitStatuses() async {
        #expect(await Ferry().status(arguments: ["work", "--bogus"]) == .usage)
        #expect(await Ferry().status(arguments: ["nothing"]) == .usage)
        #expect(await Ferry().status(arguments: ["version"]) == .good)
        #expect(await Ferry().status(arguments: ["jobs", "--help"]) == .good)
    }

    @Test("a configuration that is not there ends with 2")
    func missingConfiguration() async {
        #expect(await Ferry().status(arguments: ["types", "list", "--config", "/nowhere/ferry.yaml"]) == .usage)
    }
}
