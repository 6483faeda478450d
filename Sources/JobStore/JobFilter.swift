// Which records a list shows, and how that becomes SQL. Every condition is carried by an index of its own; combined,
// the most telling one leads and the others are checked on its rows.
internal import GRDB
public import SyncJobs

/// Which jobs are meant.
///
/// Without any condition: all.
public struct JobFilter: Sendable, Hashable {
    /// The most records of one list.
    public static let maximumLimit = 10_000

    /// Any of these statuses; empty for all.
    public var statuses: Set<JobStatus> = []
    /// The type's slug.
    public var typeSlug: String?
    /// The source's system and type.
    public var sourceType: DocumentType?
    /// The source document's name, by bytes.
    public var sourceName: String?
    /// The target document's name, by bytes.
    public var targetName: String?
    /// The code of the failure.
    public var errorCode: JobFailure.Code?
    /// The parent's id: its children.
    public var parent: String?
    /// What the job waits for.
    public var waitReason: WaitReason?
    /// The dedup key of its request, by bytes.
    public var dedupKey: String?
    /// Whether anything is still to come by itself, see ``SyncJob/isOpen``; nil for both.
    public var isOpen: Bool?
    /// Received at this instant or later.
    public var since: Timestamp?
    /// Received before this instant.
    public var until: Timestamp?
    /// The first bytes of the id.
    public var idPrefix: String?
    /// Only jobs that come after this one in the list, which is the newest first: those of a lower sequence.
    public var afterSequence: Int64?
    /// The most records to answer, 1…10,000.
    public var limit = 50

    /// All jobs.
    public init() {}
}

/// A part of a list, newest first.
public struct JobPage: Sendable {
    /// The records, without attempts.
    public var jobs: [SyncJob]
    /// What to set as `afterSequence` for the next part; nil at the end.
    public var nextSequence: Int64?
}

extension JobFilter {
    /// The conditions as SQL, with their arguments; paging and limit left out.
    var conditions: (sql: String, arguments: [DatabaseValue]) {
        var parts: [String] = []
        var arguments: [DatabaseValue] = []
        func add(_ part: String, _ values: DatabaseValue...) {
            parts.append(part)
            arguments += values
        }
        if let sourceName { add("source_name = ?", sourceName.nameValue) }
        if let targetName { add("target_name = ?", targetName.nameValue) }
        if let idPrefix {
            // U+10FFFF is the greatest character, and an id holds at most 63 of them: nothing with the prefix is
            // above.
            let end = idPrefix + String(repeating: "\u{10FFFF}", count: SyncRequest.maximumIDBytes / 4 + 1)
            add("id >= ? AND id <= ?", idPrefix.nameValue, end.nameValue)
        }
        if let errorCode { add("error_code = ?", errorCode.rawValue.databaseValue) }
        if let parent { add("parent = ?", parent.nameValue) }
        if let waitReason { add("wait_reason = ?", waitReason.rawValue.databaseValue) }
        if let dedupKey { add("dedup_key = ?", dedupKey.nameValue) }
        // Spelled out, because a partial index is recognised by its words.
        if let isOpen { add(isOpen ? "is_open = 1" : "is_open = 0") }
        if let typeSlug { add("type_slug = ?", typeSlug.nameValue) }
        if !statuses.isEmpty {
            parts.append("status IN (\(statuses.map { _ in "?" }.joined(separator: ", ")))")
            arguments += statuses.map(\.rawValue).sorted().map(\.databaseValue)
        }
        if let sourceType {
            add("source_system = ? AND source_type = ?", sourceType.system.nameValue, sourceType.name.nameValue)
        }
        if let since { add("created_at >= ?", since.columnValue) }
        if let until { add("created_at < ?", until.columnValue) }
        return (parts.isEmpty ? "1" : parts.joined(separator: " AND "), arguments)
    }
}
