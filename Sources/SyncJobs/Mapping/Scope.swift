// What paths and expressions are read against: five named roots, each an object or nothing. Values only; whoever
// evaluates fills in the roots that his place has.

/// The roots that a path may begin with, and their values.
public struct Scope: Sendable, Hashable {
    /// The name that a path begins with.
    public enum Root: String, Sendable, Hashable, CaseIterable {
        /// The source document (its last image, when it was deleted).
        case source
        /// The row of the source's child table that is being mapped.
        case row
        /// What the request carries for the sync logic.
        case context
        /// The job: `source_document_name`, `target_document_name`, `operation` …
        case job
        /// The image in a change event.
        case document
    }

    /// The source document's fields.
    public var source: JSONObject?
    /// The fields of the row that is being mapped.
    public var row: JSONObject?
    /// What the request carries.
    public var context: JSONObject?
    /// What is known of the job.
    public var job: JSONObject?
    /// The image in a change event.
    public var document: JSONObject?
    /// What the rules' lookups found, asked before the rules run.
    var lookups = LookupAnswers()

    /// A scope without any root.
    public init() {}

    /// The value of a root; nil when there is none here.
    public subscript(root: Root) -> JSONObject? {
        switch root {
        case .source: source
        case .row: row
        case .context: context
        case .job: job
        case .document: document
        }
    }
}
