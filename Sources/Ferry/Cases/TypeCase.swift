// One case of a type: documents before, a request, and what is expected after. Read from a team's files by TypeCaseReader,
// run by TypeCaseRun, written by ferry try --record.

internal import SyncJobs

/// A case of `ferry types test`.
struct TypeCase: Sendable {
    /// A binding that an earlier job has left.
    struct Bound: Sendable, Hashable {
        var typeSlug: String
        var source: String
        var target: String
        var key = ""
        var version: DocumentVersion?
        var isDeleted = false
    }

    /// A document that is there before.
    struct Placed: Sendable, Hashable {
        var key: DocumentKey
        var fields: JSONObject
        /// Whether it was deleted since: then it is a last image.
        var isDeleted = false
        /// Whether it is the target before, and not one that is looked up.
        var isTarget = false
    }

    /// What it is called in reports.
    var name: String
    /// The file that it stands in, as it was named.
    var file: String
    /// Its line there, from 1.
    var line: Int
    var type: SyncJobType
    /// What is asked for.
    var request: SyncRequest
    /// The source, the target and any other document that is looked up.
    var documents: [Placed] = []
    var bindings: [Bound] = []
    var expected = Expectation()

    /// What a case expects; what is nil or empty is not compared.
    struct Expectation: Sendable, Hashable {
        /// What is expected of the target document after the run.
        enum Target: Sendable, Hashable {
            case absent
            /// These fields; others don't count.
            case fields(JSONObject)
        }

        var status: JobStatus?
        var skipReason: SkipReason?
        var noTargetReason: NoTargetReason?
        var operation: DocumentOperation?
        var error: JobFailure.Code?
        /// All changes, and no others.
        var diff: Diff?
        var target: Target?
        var targetName: String?
        /// The keys of a relay's children (their targets' names where they have no key), in any order.
        var children: [String]?

        var isEmpty: Bool { self == Expectation() }
    }
}

/// The keys of a case.
enum TypeCaseKey: String, CaseIterable {
    case name, type, source, target, binding, bindings, documents, request, expect
    case sourceDocumentName = "source_document_name"
    case sourceDeleted = "source_deleted"
    case targetDocumentName = "target_document_name"
}

/// The keys of `expect:`.
enum TypeCaseExpectKey: String, CaseIterable {
    case status, operation, error, diff, added, removed, target, children
    case skipReason = "skip_reason"
    case noTargetReason = "no_target_reason"
    case rowChanged = "row_changed"
    case targetDocumentName = "target_document_name"
}

/// The keys of `binding:`.
enum TypeCaseBindingKey: String, CaseIterable {
    case target, key, deleted
    case sourceVersion = "source_version"
}
