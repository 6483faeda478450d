// What one run of a job decided. Outcomes are values: nothing is written because a run ended; the transition that follows
// from the outcome is what is committed.

/// What a run decided.
///
/// A copy holds the same until it is changed: it goes from hand to hand until it is committed.
public struct Outcome: Sendable, Hashable {
    /// How the run ended.
    public enum End: Sendable, Hashable {
        /// The target is (or, for the embedded system, will be with the commit) as it shall be.
        case finished
        /// Nothing was written, for this reason.
        case skipped(SkipReason)
        /// There is nothing to write to, for this reason.
        case noTarget(NoTargetReason)
        /// More than one target: these children do the work.
        case relayed([SyncRequest])
        /// It is stopped for good, for this reason.
        case canceled(String)
        /// It failed; how it goes on, the failure says.
        case failed(JobFailure)
    }

    /// How the run ended.
    public var end: End {
        get { parts.end }
        set { parts.end = newValue }
    }
    /// What was or would be done to the target.
    public var operation: Operation? {
        get { parts.operation }
        set { parts.operation = newValue }
    }
    /// The target's system and type.
    public var targetType: DocumentType? {
        get { parts.targetType }
        set { parts.targetType = newValue }
    }
    /// The target's name; nil for an insert that was not written yet.
    public var targetName: String? {
        get { parts.targetName }
        set { parts.targetName = newValue }
    }
    /// The difference for the record, sensitive fields masked.
    public var diff: Diff? {
        get { parts.diff }
        set { parts.diff = newValue }
    }
    /// The target before, masked, when the record keeps images.
    public var currentData: JSONObject? {
        get { parts.currentData }
        set { parts.currentData = newValue }
    }
    /// The target after, masked, when the record keeps images.
    public var updatedData: JSONObject? {
        get { parts.updatedData }
        set { parts.updatedData = newValue }
    }
    /// The write that lands in the job's own commit; nil for a target outside the store, and when nothing is written.
    public var embeddedWrite: DocumentWrite? {
        get { parts.embeddedWrite }
        set { parts.embeddedWrite = newValue }
    }
    /// A write into the embedded source (`write_back`) that lands in the same commit.
    public var sourceWrite: DocumentWrite? {
        get { parts.sourceWrite }
        set { parts.sourceWrite = newValue }
    }
    /// Where the binding was found before its source was renamed; it is removed from there.
    public var renamedFrom: BindingKey? {
        get { parts.renamedFrom }
        set { parts.renamedFrom = newValue }
    }
    /// Jobs that the controller enqueued; they are sent with the commit.
    public var followUps: [RoutedRequest] = []
    /// The bindings that the run looked for in vain and did without; nil where it does not know.
    public var awaited: [BindingKey]?
    /// Whether a job shall run `relay_finished` when the last child has ended, at once where there is none.
    public var runsRelayFinished: Bool {
        get { parts.runsRelayFinished }
        set { parts.runsRelayFinished = newValue }
    }
    /// The binding as it shall be after the commit.
    ///
    /// Its target name and stored hash are filled in from the embedded write.
    public var binding: Binding? {
        get { parts.binding }
        set { parts.binding = newValue }
    }
    /// What the controller noted.
    public var notes: [String] = []

    /// All but what the controller has said, which is known last: to add that is to change nothing of this.
    private struct Parts: Sendable, Hashable {
        var end: End
        var operation: Operation?
        var targetType: DocumentType?
        var targetName: String?
        var diff: Diff?
        var currentData: JSONObject?
        var updatedData: JSONObject?
        var embeddedWrite: DocumentWrite?
        var sourceWrite: DocumentWrite?
        var renamedFrom: BindingKey?
        var runsRelayFinished: Bool = false
        var binding: Binding?
    }
    private var held: HeldOnce<Parts>
    private var parts: Parts {
        _read { yield held.value }
        _modify { yield &held.value }
    }

    /// An outcome with nothing but its end.
    public init(_ end: End) { held = HeldOnce(Parts(end: end)) }
}
