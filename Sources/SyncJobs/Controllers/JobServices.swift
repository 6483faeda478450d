// What a running job may ask of the engine beyond reading documents: a protocol, so that a test runs a controller without one.

/// How far a job has come, as its controller tells.
public struct JobProgress: Sendable, Hashable {
    /// 0…100; computed from `done` and `total` when they are given.
    public var percent: Double?
    /// How many of `total` are done.
    public var done: Int?
    /// How many there are.
    public var total: Int?
    /// What is being done.
    public var title: String?
    /// More about it.
    public var description: String?

    /// Says how far a job has come; texts are cut to 200 characters.
    public init(
        percent: Double? = nil, done: Int? = nil, total: Int? = nil, title: String? = nil, description: String? = nil
    ) {
        self.done = done
        self.total = total
        self.percent = percent ?? done.flatMap { done in total.map { $0 > 0 ? Double(done) * 100 / Double($0) : 100 } }
        self.title = title.map { String($0.prefix(200)) }
        self.description = description.map { String($0.prefix(200)) }
    }

    /// `{"percent", "done", "total", "title", "description"}`, without what is not known.
    public var json: JSONValue {
        var object = JSONObject()
        if let percent, percent.isFinite {
            let hundredths = Int((min(max(percent, 0), 100) * 100).rounded())
            let fraction = hundredths % 100
            let text = "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
            object["percent"] = .number(JSONNumber(checked: text))
        }
        object["done"] = done.map { .int($0) }
        object["total"] = total.map { .int($0) }
        object["title"] = title.map { .string($0) }
        object["description"] = description.map { .string($0) }
        return .object(object)
    }

    /// Reads what `json` writes; nil for anything else.
    public init?(json: JSONValue) {
        guard let object = json.objectValue else { return nil }
        self.init(
            percent: object["percent"]?.numberValue.flatMap { Double($0.text) },
            done: object["done"]?.numberValue?.int64.map { Int($0) },
            total: object["total"]?.numberValue?.int64.map { Int($0) }, title: object["title"]?.stringValue,
            description: object["description"]?.stringValue)
    }
}

/// What a running job may ask of the engine.
public protocol JobServices: Sendable {
    /// Takes note of how far a job has come; shown at most twice a second.
    func report(_ progress: JobProgress, jobID: String)
    /// Stores what the next attempt of the job shall be handed; at most 1 MiB.
    ///
    /// - Throws: ``JobFailure`` when it is too large, or the run is over.
    func saveCheckpoint(_ state: JSONValue, jobID: String) async throws
    /// The binding of `key`, tombstones included; nil when there is none.
    ///
    /// - Throws: ``JobFailure`` (`system_unavailable`) when the store can't be read.
    func binding(_ key: BindingKey) async throws -> Binding?
    /// All bindings of a source document, tombstones included, in byte order of their keys.
    ///
    /// - Throws: as ``binding(_:)``.
    func bindings(typeSlug: String, source: DocumentKey) async throws -> [Binding]
    /// The sync job type of this name or slug; nil when there is none.
    func type(_ nameOrSlug: String) -> SyncJobType?
}

/// Services of a job that runs without an engine: nothing is bound, progress and checkpoints go nowhere.
public struct NoServices: JobServices {
    /// Makes them.
    public init() {}
    /// Does nothing.
    public func report(_ progress: JobProgress, jobID: String) {}
    /// Does nothing.
    public func saveCheckpoint(_ state: JSONValue, jobID: String) async throws {}
    /// Nothing is bound.
    public func binding(_ key: BindingKey) async throws -> Binding? { nil }
    /// Nothing is bound.
    public func bindings(typeSlug: String, source: DocumentKey) async throws -> [Binding] { [] }
    /// There are no types.
    public func type(_ nameOrSlug: String) -> SyncJobType? { nil }
}
