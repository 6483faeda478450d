// ferry dead export: dead letters as lines of JSON, with their bodies as they are. Read page by page, so that any number of
// letters needs the memory of few.

internal import ArgumentParser
internal import Foundation
internal import JobStore
internal import SyncJobs

/// `ferry dead export`.
struct DeadExportCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes dead letters as lines of JSON, oldest first, bodies included.",
        discussion: """
            The bodies are written as they are: nothing in them is masked, so keep the file as you keep the \
            documents. A body that is no JSON is written as body_base64. --requests writes the bodies alone, with \
            their ids, as ferry enqueue --stdin reads them; it leaves out what is no request.

            EXAMPLES
              ferry dead export --output letters.ndjson
              ferry dead export --group 1b2c3d4e5f --requests | ferry enqueue --stdin --config other.yaml
            """)

    @OptionGroup var conditions: DeadFilterOptions
    @OptionGroup var states: DeadStateOptions

    @Option(name: .long, help: ArgumentHelp("Write to this file, which must not exist yet.", valueName: "file"))
    var output: String?

    @Flag(help: "Write only the requests, a line each.") var requests = false
    @OptionGroup var options: CommonOptions

    private static let page = 200

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        let file = try output.map { try Self.create($0) }
        var filter = conditions.filter(composition)
        filter.states = states.states
        filter.limit = Self.page
        filter.upToSequence = try await store.countDeadLetters(filter).lastSequence
        var written = 0
        var left = 0
        while true {
            let letters = try await store.deadLetters(filter)
            guard let last = letters.last else { break }
            filter.afterSequence = last.sequence
            for letter in letters {
                let body = try await store.revisions(ofLetter: letter).last?.body ?? []
                guard let line = requests ? Self.request(letter, body) : Self.line(letter, body) else {
                    left += 1
                    continue
                }
                written += 1
                let text = line.canonicalText
                if let file { try file.write(contentsOf: Data((text + "\n").utf8)) } else { context.print(text) }
            }
        }
        try store.close()
        try file?.synchronize()
        try file?.close()
        let note = left == 0 ? "" : ", \(VisibleText.grouped(left)) left out that are no requests"
        context.screen.note("wrote \(Quantity.count(written, "dead letter"))\(note)")
    }

    /// A file of one's own: what it will hold is nobody else's business.
    private static func create(_ path: String) throws -> FileHandle {
        let descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(
                .usage, "\(path) cannot be made: \(String(cString: strerror(errno)))",
                remedy: "name a file that does not exist yet, in a folder that does")
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private static func line(_ letter: DeadLetterRecord, _ body: [UInt8]) -> JSONValue? {
        var object = letter.json.objectValue ?? JSONObject()
        object["headers"] = .object(letter.headers)
        do {
            object["body"] = try JSONParser.parse(body)
        } catch {
            // Whatever it is, it comes back byte by byte.
            object["body_base64"] = .string(Data(body).base64EncodedString())
        }
        return .object(object)
    }

    private static func request(_ letter: DeadLetterRecord, _ body: [UInt8]) -> JSONValue? {
        guard letter.origin == .request else { return nil }
        do {
            return .object(try SyncRequest(decoding: body, messageID: letter.jobID).json)
        } catch {
            // Counted, and said at the end.
            return nil
        }
    }
}
