// What a batch of deliveries needs before its jobs run, read on one snapshot: one hop for all of them.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// What is asked for one delivery.
    public struct Lookup: Sendable, Hashable {
        /// The job's id.
        public var jobID: String
        /// The binding to look up; nil for none.
        public var binding: BindingKey?
        /// The source document to load from the embedded system; nil for none.
        public var source: DocumentKey?
        /// Whether the binding's target lives in the embedded system and is to be loaded.
        public var loadsBoundTarget: Bool

        /// Asks.
        public init(
            jobID: String, binding: BindingKey? = nil, source: DocumentKey? = nil, loadsBoundTarget: Bool = false
        ) {
            self.jobID = jobID
            self.binding = binding
            self.source = source
            self.loadsBoundTarget = loadsBoundTarget
        }
    }

    /// What is known for one delivery.
    public struct Preparation: Sendable, Hashable {
        /// The record, without attempts; nil when the job is not known.
        public var job: SyncJob?
        /// The binding, tombstones included; nil when there is none.
        public var binding: Binding?
        /// The source document; nil when it was not asked for.
        public var source: DocumentState?
        /// The bound target document; nil when it was not asked for or nothing is bound.
        public var target: DocumentState?
        /// The newest write of this job to an outside system that no commit has ended; nil when there is none.
        public var intent: WriteIntent?

        /// Collects what is known.
        public init(
            job: SyncJob? = nil, binding: Binding? = nil, source: DocumentState? = nil, target: DocumentState? = nil,
            intent: WriteIntent? = nil
        ) {
            self.job = job
            self.binding = binding
            self.source = source
            self.target = target
            self.intent = intent
        }
    }

    /// Looks up everything in one read transaction; answers in the order of `lookups`.
    ///
    /// - Throws: ``JobStoreError``.
    public func prepare(_ lookups: [Lookup]) async throws(JobStoreError) -> [Preparation] {
        try await read("prepare") { [types] db in
            let intentsExist = try db.firstRow("SELECT 1 FROM write_intents LIMIT 1", []) { _ in true } ?? false
            return try lookups.map { lookup in
                var found = Preparation()
                found.job = try db.firstRow("SELECT \(JobRow.columns) FROM jobs WHERE id = ?", [lookup.jobID.nameValue])
                {
                    try JobRow.job(from: $0)
                }
                found.binding = try lookup.binding.flatMap { try BindingRow.binding($0, in: db) }
                found.source = try lookup.source.map { try DocumentRow.state(of: $0, types: types, in: db) }
                if lookup.loadsBoundTarget, let target = found.binding?.target {
                    found.target = try DocumentRow.state(of: target, types: types, in: db)
                }
                if intentsExist { found.intent = try WriteIntentRow.newest(ofJob: lookup.jobID, in: db) }
                return found
            }
        }
    }
}
