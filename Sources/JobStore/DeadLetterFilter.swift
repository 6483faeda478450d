// Which dead letters a list shows or an action means, and how that becomes SQL. Open letters are what everybody asks for,
// so the state leads.
internal import GRDB
public import SyncJobs

/// Which dead letters are meant.
///
/// Without any condition: all, whatever their state.
public struct DeadLetterFilter: Sendable, Hashable {
    /// Any of these states; empty for all.
    public var states: Set<DeadLetterState> = []
    /// The type's slug.
    public var typeSlug: String?
    /// The code of the reason.
    public var reason: String?
    /// Text in the error (in any case, ASCII), in the job's id, or in the body as it is written there.
    public var text: String?
    /// The group's key.
    public var group: String?
    /// Groups that are left out.
    public var exceptGroups: Set<String> = []
    /// The id of the job or event.
    public var jobID: String?
    /// Failed at this instant or later.
    public var since: Timestamp?
    /// Failed before this instant.
    public var until: Timestamp?
    /// Only letters of a higher sequence: those that came later.
    public var afterSequence: Int64?
    /// Only letters up to this sequence.
    public var upToSequence: Int64?
    /// The most letters to answer, 1…10,000.
    public var limit = 50

    /// All letters.
    public init() {}

    /// The conditions as SQL on `dead_letters AS letter`, with their arguments; the limit left out.
    var conditions: (sql: String, arguments: [DatabaseValue]) {
        var parts: [String] = []
        var arguments: [DatabaseValue] = []
        func add(_ part: String, _ values: DatabaseValue...) {
            parts.append(part)
            arguments += values
        }
        func add(_ column: String, _ operation: String, _ words: [String]) {
            parts.append("\(column) \(operation) (\(words.map { _ in "?" }.joined(separator: ", ")))")
            arguments += words.sorted().map(\.databaseValue)
        }
        if !states.isEmpty { add("state", "IN", states.map(\.rawValue)) }
        if let group { add("group_key = ?", group.databaseValue) }
        if !exceptGroups.isEmpty { add("group_key", "NOT IN", Array(exceptGroups)) }
        if let jobID { add("job_id = ?", jobID.nameValue) }
        if let typeSlug { add("type_slug = ?", typeSlug.nameValue) }
        if let reason { add("reason = ?", reason.databaseValue) }
        if let since { add("last_failed_at >= ?", since.columnValue) }
        if let until { add("last_failed_at < ?", until.columnValue) }
        if let afterSequence { add("sequence > ?", afterSequence.databaseValue) }
        if let upToSequence { add("sequence <= ?", upToSequence.databaseValue) }
        if let text {
            add(
                """
                (instr(lower(error), lower(?)) > 0 OR instr(job_id, ?) > 0 OR EXISTS (
                    SELECT 1 FROM dead_letter_bodies AS revision
                    WHERE revision.letter = letter.sequence AND revision.revision = letter.revision
                    AND instr(revision.body, CAST(? AS BLOB)) > 0))
                """, text.nameValue, text.nameValue, text.nameValue)
        }
        return (parts.isEmpty ? "1" : parts.joined(separator: " AND "), arguments)
    }
}

/// Dead letters of one type that failed in the same way.
public struct DeadLetterGroup: Sendable, Hashable {
    /// The group's key.
    public var key: String
    /// The type's slug, when it was known.
    public var typeSlug: String?
    /// The code of the reason.
    public var reason: String
    /// What their errors have in common.
    public var shape: String
    /// How many there are.
    public var count: Int
    /// When the first of them failed.
    public var oldest: Timestamp
    /// When the last of them failed.
    public var newest: Timestamp
    /// The id of the newest letter.
    public var example: String
    /// The error of the newest letter.
    public var exampleError: String
}
