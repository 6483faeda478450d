// The template of jobs: what is synced from where to where, by which controller, in which queue, how patiently.

/// A sync job type.
///
/// A copy holds the same fields until it is changed: each job carries its type.
public struct SyncJobType: Sendable {
    /// Unique, for people: "SAP Customer Sync".
    public var name: String {
        get { fields.name }
        set { fields.name = newValue }
    }
    /// Its routing key and command-line name: "sap_customer_sync".
    public var slug: String {
        get { fields.slug }
        set { fields.slug = newValue }
    }
    /// The source's system and document type.
    public var source: DocumentType {
        get { fields.source }
        set { fields.source = newValue }
    }
    /// The target's system and document type; nil when the controller names it.
    public var target: DocumentType? {
        get { fields.target }
        set { fields.target = newValue }
    }
    /// The queue its jobs wait in.
    public var queue: String {
        get { fields.queue }
        set { fields.queue = newValue }
    }
    /// How long one attempt may run.
    public var timeout: Duration {
        get { fields.timeout }
        set { fields.timeout = newValue }
    }
    /// How failures come back.
    public var retryPolicy: RetryPolicy {
        get { fields.retryPolicy }
        set { fields.retryPolicy = newValue }
    }
    /// What its jobs may do.
    public var flags: SyncFlags {
        get { fields.flags }
        set { fields.flags = newValue }
    }
    /// Whether its requests are refused.
    public var isDisabled: Bool {
        get { fields.isDisabled }
        set { fields.isDisabled = newValue }
    }
    /// Which change events become its requests.
    public var triggers: [Trigger] {
        get { fields.triggers }
        set { fields.triggers = newValue }
    }
    /// The key within which jobs run one at a time, read from the request (roots `job`, `context`, `document`).
    ///
    /// Nil, or where it has no value: the source document.
    public var orderBy: Path? {
        get { fields.orderBy }
        set { fields.orderBy = newValue }
    }
    /// Whether later jobs of a key wait behind a failed one that still has retries.
    public var onFailure: OnFailure {
        get { fields.onFailure }
        set { fields.onFailure = newValue }
    }
    /// Whether waiting jobs of one key collapse into the latest.
    public var coalesces: Bool {
        get { fields.coalesces }
        set { fields.coalesces = newValue }
    }
    /// Whether a run holds a lease on its key, so that no other process runs the key meanwhile.
    public var isExclusive: Bool {
        get { fields.isExclusive }
        set { fields.isExclusive = newValue }
    }
    /// What a job does whose bound target was deleted by hand.
    public var onGone: OnGone {
        get { fields.onGone }
        set { fields.onGone = newValue }
    }
    /// When its jobs run by themselves.
    public var schedules: [Schedule] {
        get { fields.schedules }
        set { fields.schedules = newValue }
    }
    /// The sync logic.
    public var controller: any SyncController {
        get { fields.controller }
        set { fields.controller = newValue }
    }

    private struct Fields: Sendable {
        var name: String
        var slug: String
        var source: DocumentType
        var target: DocumentType?
        var queue: String
        var timeout: Duration
        var retryPolicy: RetryPolicy = RetryPolicy()
        var flags: SyncFlags = SyncFlags()
        var isDisabled: Bool = false
        var triggers: [Trigger] = []
        var orderBy: Path?
        var onFailure: OnFailure = OnFailure.overtake
        var coalesces: Bool = false
        var isExclusive: Bool = false
        var onGone: OnGone = OnGone.fail
        var schedules: [Schedule] = []
        var controller: any SyncController
    }
    private var held: HeldOnce<Fields>
    private var fields: Fields {
        _read { yield held.value }
        _modify { yield &held.value }
    }

    /// What a failed job that will be retried means for the later ones of its key.
    public enum OnFailure: String, Sendable, Hashable, CaseIterable {
        /// They run.
        case overtake
        /// They wait behind it.
        case block
    }

    /// What is done when the bound target is gone.
    public enum OnGone: String, Sendable, Hashable, CaseIterable {
        /// The job fails for good with `target_gone`.
        case fail
        /// The target is inserted anew.
        case insert
    }

    /// The controller's view of one target.
    ///
    /// - Throws: ``JobFailure`` for a bypass controller, which has none.
    public var targetController: any SingleTargetController {
        get throws(JobFailure) {
            switch controller.way {
            case .single(let controller): return controller
            case .multiple(let controller): return controller
            case .bypass:
                throw JobFailure(
                    .invalidTarget, "the controller of \"\(name)\" does everything itself, and has no single target",
                    remedy: "report it: the engine should have called execute")
            }
        }
    }

    /// Whether all its documents are in the embedded system, which is the job store.
    public func isInStore(_ isEmbedded: (String) -> Bool) -> Bool { systems.allSatisfy(isEmbedded) }

    /// Whether a run of it can wait for nothing but the job store: no document elsewhere, no code of a user.
    public func needsOnlyStore(_ isEmbedded: (String) -> Bool) -> Bool {
        (controller as? any DeclarativeController)?.mapping.callsFunctions == false && isInStore(isEmbedded)
    }

    /// The default timeout of a queue: 60 s for `short`, 1500 s for `long`, else 300 s.
    public static func defaultTimeout(ofQueue queue: String) -> Duration {
        switch queue {
        case "short": .seconds(60)
        case "long": .seconds(1500)
        default: .seconds(300)
        }
    }

    /// Makes a type with the defaults of the specification.
    public init(
        name: String, slug: String? = nil, source: DocumentType, target: DocumentType?, queue: String = "default",
        timeout: Duration? = nil, controller: any SyncController
    ) {
        held = HeldOnce(
            Fields(
                name: name, slug: slug ?? name.slug, source: source, target: target, queue: queue,
                timeout: timeout ?? Self.defaultTimeout(ofQueue: queue), controller: controller))
    }
}

/// The types of a configuration, found by name or slug.
public struct SyncJobTypes: Sendable {
    /// All of them, in the order of the configuration.
    public let all: [SyncJobType]
    private let byName: [ExactString: Int]
    private let bySlug: [String: Int]

    /// Collects types.
    ///
    /// - Throws: ``JobFailure`` (`invalid_field`) for an empty or colliding name or slug.
    public init(_ types: [SyncJobType]) throws(JobFailure) {
        var byName: [ExactString: Int] = [:]
        var bySlug: [String: Int] = [:]
        for (position, type) in types.enumerated() {
            let slugIsGood = !type.slug.isEmpty && type.slug == type.slug.slug
            guard slugIsGood, type.slug.utf8.count <= 100 else {
                throw JobFailure(
                    .invalidField, "the type \"\(type.name)\" has no usable slug (\"\(type.slug.prefix(100))\")",
                    remedy: "give it one with slug: [a-z0-9_], at most 100 characters")
            }
            if let other = bySlug.updateValue(position, forKey: type.slug) {
                throw JobFailure(
                    .invalidField,
                    "the types \"\(types[other].name)\" and \"\(type.name)\" have the same slug \"\(type.slug)\"",
                    remedy: "give one of them another with slug:")
            }
            if byName.updateValue(position, forKey: ExactString(type.name)) != nil {
                throw JobFailure(
                    .invalidField, "two types have the name \"\(type.name)\"", remedy: "give one of them another name")
            }
        }
        all = types
        self.byName = byName
        self.bySlug = bySlug
    }

    /// The type of this name or slug; nil when there is none.
    public subscript(nameOrSlug: String) -> SyncJobType? {
        (byName[ExactString(nameOrSlug)] ?? bySlug[nameOrSlug]).map { all[$0] }
    }
}
