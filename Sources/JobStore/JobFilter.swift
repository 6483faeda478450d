// Which records a list shows. How they are found is in JobSearch.swift.
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
