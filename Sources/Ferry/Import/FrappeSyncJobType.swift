// One exported Sync Job Type, field by field: what it says in Ferry's words, and a note for what it can't say or says
// otherwise. Pure.
// Invariant: every field of the record ends as a setting, as a note, or as a problem; none is passed over.

internal import SyncJobs

/// A Sync Job Type of Frappe, in Ferry's words.
struct FrappeSyncJobType: Sendable {
    /// What has to be known about a field.
    struct Note: Sendable, Hashable {
        /// The field, or several of them.
        let field: String
        let text: String
        /// What stands in a field that is not known; it is written into the draft, and never into a message.
        var value: String?
    }

    let record: FrappeExport.Record
    let name: String
    let source: String
    let target: String?
    let module: String
    private(set) var queue = "default"
    private(set) var timeout = Measure(original: 300, unit: "seconds", duration: .seconds(300))
    private(set) var retryDelay = Measure(original: 5, unit: "minutes", duration: .seconds(300))
    private(set) var maxRetries = 3
    private(set) var flags: [(key: String, isOn: Bool)] = []
    private(set) var isDisabled = false
    private(set) var notes: [Note] = []

    /// A number of the original with the unit that it means there.
    struct Measure: Sendable, Hashable {
        let original: Int64
        let unit: String
        let duration: Duration
    }

    /// The fields of the DocType that are read here.
    static let fields =
        [
            "sync_job_type_name", "module", "is_standard", "disabled", "source_document_type", "target_document_type",
            "queue", "timeout", "retry_delay", "max_retries",
        ] + flagFields
    /// The switches; the original keeps all but the last on its jobs only, others' versions of it on the type too.
    static let flagFields = SyncJobTypeDefinition.flagKeys
    /// What Frappe writes about each of its documents.
    static let bookkeeping: Set<String> = [
        "doctype", "name", "owner", "creation", "modified", "modified_by", "docstatus", "idx", "parent", "parentfield",
        "parenttype", "_user_tags", "_comments", "_assign", "_liked_by", "_seen", "__islocal", "__unsaved", "__onload",
        "__last_sync_on",
    ]

    /// Reads a record; nil with problems for one that can't be a type.
    init?(_ record: FrappeExport.Record, problems: inout [String]) {
        self.record = record
        var reader = FrappeFields(record: record)
        let named = reader.text("sync_job_type_name")
        let name = reader.text("name") ?? named ?? ""
        let source = reader.text("source_document_type") ?? ""
        if name.isEmpty { reader.refuse("it has no name", "name") }
        if source.isEmpty, !name.isEmpty { reader.refuse("\"\(name)\" names no source", "source_document_type") }
        self.name = name
        self.source = source
        target = reader.text("target_document_type")
        module = reader.text("module") ?? ""
        if let named, !named.hasSameBytes(as: name) {
            notes.append(
                Note(field: "sync_job_type_name", text: "\"\(named)\"; the record's name is what jobs refer to"))
        }
        readQueue(&reader)
        readTimes(&reader)
        readSwitches(&reader)
        readRest(&reader)
        problems += reader.problems
        if !reader.problems.isEmpty { return nil }
    }

    private mutating func readQueue(_ reader: inout FrappeFields) {
        let written = reader.text("queue") ?? "default"
        let isFit = !written.isEmpty && written.utf8.count <= 60 && written.utf8.allSatisfy(Self.isQueueByte)
        queue = isFit ? written : String(written.slug.prefix(60))
        if queue.isEmpty { queue = "default" }
        if !isFit {
            notes.append(
                Note(field: "queue", text: "\"\(written)\" becomes \(queue): a queue's name has a–z, 0–9, _ and - only")
            )
        }
    }

    private static func isQueueByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), 0x30...0x39, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private mutating func readTimes(_ reader: inout FrappeFields) {
        let seconds = reader.integer("timeout") ?? 0
        // RQ takes a negative number for "no limit", which nothing here is.
        let timeout = seconds == 0 ? 300 : seconds < 0 ? 86_400 : min(seconds, Self.longestTimeout)
        self.timeout = Measure(original: seconds, unit: "seconds", duration: .seconds(timeout))
        if seconds == 0 {
            notes.append(
                Note(field: "timeout", text: "0 or none is said, which is 300 seconds there, whatever the queue"))
        } else if seconds != timeout {
            notes.append(
                Note(field: "timeout", text: "\(seconds) seconds; every run has a limit here, of at most 29 days"))
        }
        let minutes = reader.integer("retry_delay") ?? 0
        let delay = minutes == 0 ? 5 : min(max(minutes, 0), Self.longestDelay)
        retryDelay = Measure(original: minutes, unit: "minutes", duration: .seconds(delay * 60))
        if minutes == 0 {
            notes.append(
                Note(field: "retry_delay", text: "0 or none is said, which is 5 minutes there; 0s is at once here"))
        } else if minutes != delay {
            notes.append(Note(field: "retry_delay", text: "\(minutes) minutes; from 0 to 366 days are taken here"))
        }
        let retries = reader.integer("max_retries")
        maxRetries = Int(min(max(retries ?? 3, 0), 1_000_000))
        if retries == 0 {
            notes.append(
                Note(field: "max_retries", text: "0 is none here, always; there a job inserted by hand gets 3"))
        } else if let retries, retries != maxRetries {
            notes.append(Note(field: "max_retries", text: "\(retries); from 0 to 1,000,000 are taken here"))
        }
    }

    private mutating func readSwitches(_ reader: inout FrappeFields) {
        for field in Self.flagFields {
            if let isOn = reader.bool(field) { flags.append((field, isOn)) }
        }
        isDisabled = reader.bool("disabled") ?? false
        if isDisabled {
            notes.append(
                Note(field: "disabled", text: "its requests are refused here; the original ran them all the same"))
        }
    }

    private mutating func readRest(_ reader: inout FrappeFields) {
        if let standard = reader.text("is_standard") {
            notes.append(
                Note(
                    field: "is_standard",
                    text: "\(standard); nothing like it here: types stand in ferry.yaml, under version control"))
        }
        let kept = record.fields.keys.filter { Self.bookkeeping.contains($0) && $0 != "name" && $0 != "doctype" }
        if !kept.isEmpty {
            notes.append(
                Note(field: kept.joined(separator: ", "), text: "Frappe's own record of the document; left there"))
        }
        let known = Self.bookkeeping.union(Self.fields)
        for member in record.fields where !known.contains(member.key) {
            notes.append(
                Note(
                    field: member.key, text: "no field of Sync Job Type that is known here",
                    value: member.value.canonicalText))
        }
    }

    /// Days that a broker's patience can be raised to, less one.
    private static let longestTimeout: Int64 = 29 * 86_400
    private static let longestDelay: Int64 = 366 * 1440
}

/// The fields of a record, each read as the kind that Frappe gives it.
struct FrappeFields {
    let record: FrappeExport.Record
    private(set) var problems: [String] = []

    init(record: FrappeExport.Record) { self.record = record }

    mutating func refuse(_ what: String, _ field: String) { problems.append("\(record.place): \(what) (\(field))") }

    /// A text; nil for null, "" and a missing field.
    mutating func text(_ field: String) -> String? {
        switch record.fields[field] {
        case nil, .null: return nil
        case .string(let text): return text.isEmpty ? nil : text
        case .number(let number): return number.text
        case let value?:
            refuse("\(value.kind) where text belongs", field)
            return nil
        }
    }

    /// A whole number, in quotes or not; nil for null, "" and a missing field.
    mutating func integer(_ field: String) -> Int64? {
        switch record.fields[field] {
        case nil, .null, .string(""): return nil
        case .number(let number) where number.int64 != nil: return number.int64
        case .string(let text) where JSONNumber(text)?.int64 != nil: return JSONNumber(text)?.int64
        case let value?:
            refuse("\(value.kind) where a whole number belongs", field)
            return nil
        }
    }

    /// A check: 0 or 1; nil for null, "" and a missing field.
    mutating func bool(_ field: String) -> Bool? {
        if case .bool(let value) = record.fields[field] { return value }
        guard let number = integer(field) else { return nil }
        guard number == 0 || number == 1 else {
            refuse("\(number) where 0 or 1 belongs", field)
            return nil
        }
        return number == 1
    }
}
