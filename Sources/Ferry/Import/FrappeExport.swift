// What Frappe exports, read: a document (bench export-doc, a standard type's file), a list of them (fixtures, bench
// export-json, data import), or an answer of its REST API.
// Invariant: a file that is not understood is refused with its name and the position; no document of it is left out
// without being counted.

internal import SyncJobs

/// The Sync Job Types of exported files.
struct FrappeExport: Sendable {
    /// One exported Sync Job Type.
    struct Record: Sendable {
        /// The file it is from, as it was named.
        let file: String
        /// Where it stands there, in words: `element 3`; nil in a file of one.
        let position: String?
        let fields: JSONObject

        /// `types.json, element 3`.
        var place: String { position.map { "\(file), \($0)" } ?? file }
    }

    /// Documents of other types, which an export may hold beside.
    struct Others: Sendable, Hashable {
        let file: String
        let documentType: String
        var count: Int
    }

    static let documentType = "Sync Job Type"
    /// The most bytes of a file.
    static let maximumBytes = 16 << 20

    private(set) var records: [Record] = []
    private(set) var others: [Others] = []

    /// Adds the documents of a file.
    ///
    /// - Throws: ``CommandFailure`` (usage) naming file and position.
    mutating func add(_ bytes: [UInt8], file: String) throws {
        let marked = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        let value: JSONValue
        do { value = try JSONParser.parse(marked) } catch {
            throw CommandFailure(
                .usage, "\(file):\(Self.position(of: error.offset, in: marked)): not JSON: \(error.message)",
                remedy: "name files that Frappe exported as JSON, such as sync_job_type.json of the fixtures")
        }
        let content = Self.unwrapped(value)
        let elements = content.arrayValue ?? [content]
        for (index, element) in elements.enumerated() {
            let position = content.arrayValue == nil ? nil : "element \(index + 1)"
            guard let fields = element.objectValue else {
                throw CommandFailure(
                    .usage, "\(position.map { "\(file), \($0)" } ?? file): \(element.kind) where a document belongs",
                    remedy: "name files that Frappe exported as JSON")
            }
            add(fields, Record(file: file, position: position, fields: fields))
        }
    }

    private mutating func add(_ fields: JSONObject, _ record: Record) {
        let documentType = fields["doctype"]?.stringValue
        // The REST API leaves the doctype out; nothing else has a source and is named like a type.
        let isType = documentType.map { $0.hasSameBytes(as: Self.documentType) } ?? Self.looksLikeType(fields)
        if isType {
            records.append(record)
            return
        }
        let name = documentType ?? "(no doctype)"
        if let index = others.firstIndex(where: { $0.file == record.file && $0.documentType.hasSameBytes(as: name) }) {
            others[index].count += 1
        } else {
            others.append(Others(file: record.file, documentType: name, count: 1))
        }
    }

    private static func looksLikeType(_ fields: JSONObject) -> Bool {
        fields["source_document_type"] != nil && fields["source_document_name"] == nil && fields["sync_job_type"] == nil
            && (fields["sync_job_type_name"] ?? fields["name"]) != nil
    }

    /// What stands in the envelope of an answer: `{"data": …}`, `{"message": …}`, `{"docs": […]}`.
    private static func unwrapped(_ value: JSONValue) -> JSONValue {
        guard let object = value.objectValue, object["doctype"] == nil else { return value }
        for key in ["data", "message", "docs"] {
            if let inner = object[key], inner.objectValue != nil || inner.arrayValue != nil { return inner }
        }
        return value
    }

    /// `line:column`, from 1; the column counts bytes.
    private static func position(of offset: Int, in bytes: [UInt8]) -> String {
        let before = bytes.prefix(offset)
        let line = 1 + before.count { $0 == 0x0A }
        let column = offset - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
        return "\(line):\(column)"
    }
}
