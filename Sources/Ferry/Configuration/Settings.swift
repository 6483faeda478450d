// The small sections of the configuration, as plain values with their defaults.

public import DocumentSystems
public import SyncJobs

/// The `store:` section.
public struct StoreSettings: Sendable, Hashable {
    /// `path`: the file that jobs, outbox and embedded documents live in.
    ///
    /// A relative path begins at the configuration file's folder. Default `ferry.sqlite`.
    public var path: String

    /// A store in this file.
    public init(path: String) { self.path = path }
}

/// The `limits:` section.
public struct LimitSettings: Sendable, Hashable {
    /// `max_message`: the largest body of a message that is read; a larger one is a dead letter.
    ///
    /// 1KiB–16MiB. Default 1MiB.
    public var maximumMessage: ByteSize = .mebibytes(1)
    /// `max_document`: the largest document that is synced.
    ///
    /// 1KiB–64MiB. Default 8MiB.
    public var maximumDocument: ByteSize = .mebibytes(8)
    /// `max_depth`: how deep a message's arrays and objects may nest.
    ///
    /// 10–500. Default 100.
    public var maximumDepth = JSONParser.defaultMaximumDepth

    /// The defaults.
    public init() {}
}

/// The `worker:` section.
public struct WorkerSettings: Sendable, Hashable {
    /// `concurrency`: how many jobs run at a time in one process that may wait for something outside the store: documents in
    /// other systems, code of a controller.
    ///
    /// Jobs of declarative types run together, as many as have arrived: those whose documents are all in the store, and in
    /// convoys those of one system elsewhere. Jobs of a quick controller whose documents are all in the store run one after the
    /// other, in one place.
    ///
    /// 1–1000. Default 32.
    public var concurrency = 32
    /// `prefetch`: the most deliveries of one queue that a process holds unacknowledged, beside up to as many that wait behind
    /// others of their key; see ``FerryConfiguration/prefetch(ofQueue:)`` for what a queue really gets.
    ///
    /// 1–2000. Default 768.
    public var prefetch = 768
    /// `grace`: how long running jobs may go on after a worker was asked to stop.
    ///
    /// 0s–1h. Default 30s.
    public var grace: Duration = .seconds(30)
    /// `keeper`: whether the worker moves dead letters from the broker's queue into its store.
    ///
    /// Default true.
    public var keepsDeadLetters = true
    /// `max_parked`: from so many parked jobs on nothing is taken of the queues that they came from.
    ///
    /// 1–10000000. Default 100000.
    public var maximumParked = 100_000

    /// The defaults.
    public init() {}
}

/// The `retention:` section: how long ended records are kept before `ferry jobs prune`, or a worker, removes them.
///
/// Nothing that is open is ever removed, nor a failure whose dead letter is not resolved.
public struct RetentionSettings: Sendable, Hashable {
    /// `good`: how long records with a good end are kept: `Finished`, `Skipped`, `Relayed`, `No Target`.
    ///
    /// 0s–10y (3650d). Default 30d.
    public var good: Duration = .seconds(30 * 86_400)
    /// `failed`: how long records that ended `Failed` or `Canceled` are kept, and dead letters that were decided about.
    ///
    /// 0s–10y (3650d). Default 90d.
    public var failed: Duration = .seconds(90 * 86_400)
    /// `ids`: how long the id of a removed record is still known, so that a late delivery of it is not run again.
    ///
    /// 14d–10y (3650d): a delayed message may be on its way for 12 days. Default 90d.
    public var ids: Duration = .seconds(90 * 86_400)

    /// The defaults.
    public init() {}
}

/// The `dead_letters:` section.
public struct DeadLetterSettings: Sendable, Hashable {
    /// `max_replays`: how often one dead letter, and what it is replayed as, may be replayed.
    ///
    /// 1–1000. Default 10.
    public var maximumReplays = 10

    /// The defaults.
    public init() {}
}

/// One entry of `systems:`.
public struct SystemSettings: Sendable, Hashable {
    /// Where its documents live.
    public enum Kind: Sendable, Hashable {
        /// `kind: embedded`: in the job store's own file.
        case embedded
        /// `kind: sqlite`: in this SQLite file of somebody else's, which must exist when it is used.
        case sqlite(path: String)
    }

    /// Its name; document types are named `name.Type`.
    public var name: String
    /// Where its documents live.
    public var kind: Kind
    /// `circuit`: when it is taken for down, and how often one job tries it then; the embedded system has none.
    public var circuit = CircuitSettings()

    /// Makes an entry.
    public init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// One entry of `documents:`.
public struct DocumentSettings: Sendable, Hashable {
    /// The document type.
    public var type: DocumentType
    /// What it declares of its fields and child tables.
    public var shape: DocumentShape
    /// Its layout in a SQLite file; nil in an embedded system.
    public var table: SQLiteTable?

    /// Makes an entry.
    public init(type: DocumentType, shape: DocumentShape, table: SQLiteTable? = nil) {
        self.type = type
        self.shape = shape
        self.table = table
    }
}
