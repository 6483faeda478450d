// A file of documents, read whole and checked before anything is written: every document has a name, no name twice.

internal import SyncJobs

/// Documents to import.
struct ImportFile: Sendable {
    /// How a file is written.
    enum Format: String, Sendable, CaseIterable {
        /// One JSON array, or an object with one inside.
        case json
        /// A JSON object a line.
        case jsonl

        /// By the file's name; JSON where it does not say.
        init(ofFile path: String) {
            let lower = path.lowercased()
            self = lower.hasSuffix(".jsonl") || lower.hasSuffix(".ndjson") ? .jsonl : .json
        }
    }

    /// One document.
    struct Entry: Sendable, Hashable {
        let name: String
        let fields: JSONObject
    }

    /// The most bytes of a file.
    static let maximumBytes = 256 << 20

    /// The documents, in the order of the file.
    let entries: [Entry]

    /// Reads documents out of `bytes`.
    ///
    /// - Parameters:
    ///   - path: the keys that lead to the array, outermost first; compared by bytes.
    ///   - nameField: the field that holds the name.
    /// - Throws: ``CommandFailure`` (usage) with the position of what is wrong.
    init(_ bytes: [UInt8], format: Format, path: [String], nameField: String) throws {
        let elements = try format == .json ? Self.array(bytes, path: path) : Self.lines(bytes)
        var entries: [Entry] = []
        entries.reserveCapacity(elements.count)
        var positions: [ExactString: String] = [:]
        for (position, value) in elements {
            guard let fields = value.objectValue else {
                throw CommandFailure(.usage, "\(position) is \(value.kind), not an object", remedy: "correct the file")
            }
            guard let name = fields[nameField]?.nameText else {
                throw CommandFailure(
                    .usage, "\(position) has no name in \"\(VisibleText.bare(nameField, limit: 80))\"",
                    remedy: "name another field with --name; it has: "
                        + fields.keys.prefix(20).map { VisibleText.bare($0, limit: 40) }.joined(separator: ", "))
            }
            guard name.utf8.count <= DocumentKey.maximumNameBytes else {
                throw CommandFailure(
                    .usage, "the name of \(position) is \(VisibleText.grouped(name.utf8.count)) bytes long",
                    remedy: "at most \(VisibleText.grouped(DocumentKey.maximumNameBytes)) bytes are taken")
            }
            if let first = positions.updateValue(position, forKey: ExactString(name)) {
                throw CommandFailure(
                    .usage, "\(position) has the name \"\(VisibleText.bare(name, limit: 80))\" of \(first)",
                    remedy: "keep one of them, or name another field with --name")
            }
            entries.append(Entry(name: name, fields: fields))
        }
        self.entries = entries
    }

    private static func array(_ bytes: [UInt8], path: [String]) throws -> [(String, JSONValue)] {
        var value: JSONValue
        do { value = try JSONParser.parse(bytes) } catch {
            let isLines = error.message.contains("after the end of the value")
            throw CommandFailure(
                .usage, "the file is not JSON: \(error.message) (byte \(error.offset))",
                remedy: isLines ? "if it holds an object a line, say --format jsonl" : "correct the file")
        }
        var place = "the file"
        for key in path {
            let shown = VisibleText.bare(key, limit: 80)
            guard let object = value.objectValue, let inner = object[key] else {
                throw CommandFailure(
                    .usage, "\(place) has no \"\(shown)\"", remedy: "it has: \(Self.keys(of: value))")
            }
            value = inner
            place = "\"\(shown)\""
        }
        guard let elements = value.arrayValue else {
            throw CommandFailure(
                .usage, "\(place) is \(value.kind), not an array",
                remedy: value.objectValue == nil
                    ? "name the array with --path" : "name the array with --path; there is: \(Self.keys(of: value))")
        }
        return elements.enumerated().map { ("element \($0.offset + 1)", $0.element) }
    }

    private static func keys(of value: JSONValue) -> String {
        guard let object = value.objectValue else { return value.kind }
        return object.keys.prefix(20).map { VisibleText.quoted($0, limit: 40) }.joined(separator: ", ")
    }

    private static func lines(_ bytes: [UInt8]) throws -> [(String, JSONValue)] {
        var lines = InputLines(maximumLineBytes: maximumBytes)
        var elements: [(String, JSONValue)] = []
        for line in lines.split(bytes) + lines.end() {
            do { elements.append(("line \(line.number)", try JSONParser.parse(line.bytes))) } catch {
                throw CommandFailure(
                    .usage, "line \(line.number) is not JSON: \(error.message) (byte \(error.offset))",
                    remedy: "write a JSON object a line")
            }
        }
        return elements
    }
}
