// What a batch of deliveries needs before its jobs run, read on one snapshot: one hop for all of them.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// What is asked for one delivery.
    ///
    /// A class, because it is a dozen strings that are asked as they are.
    public final class Lookup: Sendable {
        /// The job's id.
        public let jobID: String
        /// The binding to look up; nil for none.
        public let binding: BindingKey?
        /// The source document to load from the embedded system; nil for none.
        public let source: DocumentKey?
        /// What the job needs that may stand still, told where anything does; nil where that is not asked.
        public let needs: @Sendable () -> JobNeeds?
        /// The system whose open circuit the job is to probe, which does not stop it.
        public let probing: String?
        /// Whether the binding's target lives in the embedded system and is to be loaded.
        public let loadsBoundTarget: Bool
        /// Whether the job is taken to have no record yet, which its commit finds out.
        public let isTakenForNew: Bool

        /// Asks.
        public init(
            jobID: String, binding: BindingKey? = nil, source: DocumentKey? = nil, loadsBoundTarget: Bool = false,
            needs: @autoclosure @escaping @Sendable () -> JobNeeds? = nil, probing: String? = nil,
            isTakenForNew: Bool = false
        ) {
            self.isTakenForNew = isTakenForNew
            self.needs = needs
            self.probing = probing
            self.jobID = jobID
            self.binding = binding
            self.source = source
            self.loadsBoundTarget = loadsBoundTarget
        }
    }

    /// What is known for one delivery.
    public struct Preparation: Sendable, Hashable {
        /// The record, without attempts; nil when the job is not known, or taken for new.
        public var job: SyncJob?
        /// Whether there was no look for a record.
        public var isTakenForNew = false
        /// The binding, tombstones included; nil when there is none.
        public var binding: Binding?
        /// The source document; nil when it was not asked for.
        public var source: DocumentState?
        /// The bound target document; nil when it was not asked for or nothing is bound.
        public var target: DocumentState?
        /// The newest write of this job to an outside system that no commit has ended; nil when there is none.
        public var intent: WriteIntent?
        /// Why the job is to be canceled: that was asked before it was seen, or while it ran; nil when nobody asked.
        public var cancelReason: String?
        /// The hash of what was asked under this id, when the record of that job was pruned; nil otherwise.
        public var seenHash: Digest?
        /// What an earlier run of the job has saved for the next; nil when none did.
        public var checkpoint: JSONValue?
        /// How the job has to be parked: what it needs stands still, or an earlier job of its key is parked; nil when it may
        /// run.
        public var parking: Parking?
        /// How much was read of documents that no other job of the batch has asked for, in bytes of JSON.
        public var documentBytes = 0

        /// Collects what is known.
        public init(
            job: SyncJob? = nil, binding: Binding? = nil, source: DocumentState? = nil, target: DocumentState? = nil,
            intent: WriteIntent? = nil, cancelReason: String? = nil, seenHash: Digest? = nil,
            checkpoint: JSONValue? = nil
        ) {
            self.cancelReason = cancelReason
            self.seenHash = seenHash
            self.checkpoint = checkpoint
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
        try await read("prepare") { [types, large] db in
            let statements = StatementShelf(db)
            let rare = try RareRows.present(in: db)
            var sources = SharedSources(of: lookups, types: types, large: large)
            let standstill = rare.contains(.standstill) ? try StandstillRow.standstill(in: db) : Standstill()
            return try lookups.map { lookup in
                var found = Preparation()
                found.isTakenForNew = lookup.isTakenForNew
                if !lookup.isTakenForNew { found.job = try JobRow.job(id: lookup.jobID, in: statements) }
                found.binding = try lookup.binding.flatMap { try BindingRow.binding($0, in: statements) }
                if let source = lookup.source {
                    found.source = try sources.state(of: source, in: db, statements)
                    if !sources.isShared(source) { found.documentBytes += found.source?.document?.byteCount ?? 0 }
                }
                if lookup.loadsBoundTarget, let target = found.binding?.target {
                    found.target = try DocumentRow.state(
                        of: target, types: types, large: large, in: db, statements)
                    found.documentBytes += found.target?.document?.byteCount ?? 0
                }
                try found.addRareRows(rare, ofJob: lookup.jobID, in: db)
                found.parking = try lookup.parking(standstill, rare, in: db)
                return found
            }
        }
    }
}

/// The source documents of one batch: one that several jobs ask for is read once, for all of them.
private struct SharedSources {
    private let types: DocumentTypeIDs
    private let large: LargeDocuments
    /// The keys that are asked for more than once, with what was read.
    private var repeated: [DocumentKey: DocumentState?] = [:]

    init(of lookups: [JobStore.Lookup], types: DocumentTypeIDs, large: LargeDocuments) {
        self.types = types
        self.large = large
        // Most have a name of their own: that is told without their systems and types.
        var names = Set<ExactString>(minimumCapacity: lookups.count)
        let isRepeated = lookups.contains { lookup in
            guard let name = lookup.source?.name else { return false }
            return !names.insert(ExactString(name)).inserted
        }
        guard isRepeated else { return }
        var seen: Set<DocumentKey> = []
        for key in lookups.compactMap(\.source) where !seen.insert(key).inserted {
            repeated.updateValue(nil, forKey: key)
        }
    }

    func isShared(_ key: DocumentKey) -> Bool { !repeated.isEmpty && repeated[key] != nil }

    mutating func state(
        of key: DocumentKey, in db: Database, _ statements: StatementShelf
    ) throws -> DocumentState {
        guard !repeated.isEmpty, let known = repeated[key] else { return try read(key, in: db, statements) }
        if let known { return known }
        let state = try read(key, in: db, statements).mapDocument(\.shared)
        repeated[key] = .some(state)
        return state
    }

    private func read(
        _ key: DocumentKey, in db: Database, _ statements: StatementShelf
    ) throws -> DocumentState {
        try DocumentRow.state(of: key, types: types, large: large, in: db, statements)
    }
}

extension JobStore.Lookup {
    /// How the job has to be parked.
    fileprivate func parking(_ standstill: Standstill, _ rare: RareRows, in db: Database) throws -> Parking? {
        guard !standstill.isEmpty || rare.contains(.parked), let needs = needs() else { return nil }
        if let stop = standstill.stop(of: needs, probing: probing) {
            return Parking(needs: needs, reason: stop.waitReason)
        }
        guard rare.contains(.parked),
            let reason = try ParkedRow.reasonAhead(ofJob: jobID, orderKey: needs.orderKey, in: db)
        else { return nil }
        return Parking(needs: needs, reason: reason)
    }
}

extension JobStore.Preparation {
    /// What few jobs have, from those tables that hold anything.
    fileprivate mutating func addRareRows(_ rare: RareRows, ofJob jobID: String, in db: Database) throws {
        if rare.contains(.intents) { intent = try WriteIntentRow.newest(ofJob: jobID, in: db) }
        if rare.contains(.cancellations) { cancelReason = try CancellationRow.reason(jobID, in: db) }
        if rare.contains(.checkpoints) { checkpoint = try CheckpointRow.state(ofJob: jobID, in: db) }
        if rare.contains(.seen), job == nil { seenHash = try SeenRow.requestHash(of: jobID, in: db) }
    }
}
