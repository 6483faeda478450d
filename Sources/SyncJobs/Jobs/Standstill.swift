// What stands still, and whether a job is among it: types, queues and systems that an operator has paused, and systems whose
// circuit is open. Pure; the store keeps it, so that every process and every restart knows the same.

/// A type, a queue or a system that an operator has paused.
public struct Pause: Sendable, Hashable {
    /// What can be paused.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The jobs of a type, named by its slug.
        case type
        /// The jobs of a queue, named by its short name.
        case queue
        /// The jobs that read or write a system.
        case system
    }

    /// What is paused.
    public var kind: Kind
    /// The type's slug, the queue's short name or the system's name.
    public var name: String
    /// Why, as the operator wrote it.
    public var reason: String?
    /// Who paused it.
    public var actor: String
    /// Since when.
    public var since: Timestamp
    /// When it ends by itself; nil for never.
    public var until: Timestamp?

    /// Describes a pause.
    public init(
        kind: Kind, name: String, reason: String? = nil, actor: String, since: Timestamp, until: Timestamp? = nil
    ) {
        self.kind = kind
        self.name = name
        self.reason = reason
        self.actor = actor
        self.since = since
        self.until = until
    }

    /// `type country_sync`, as the audit names it.
    public var subject: String { "\(kind.rawValue) \(name)" }

    /// Whether it means a job with these needs.
    public func stops(_ needs: JobNeeds) -> Bool {
        switch kind {
        case .type: name.hasSameBytes(as: needs.typeSlug)
        case .queue: name.hasSameBytes(as: needs.queue)
        case .system: needs.systems.contains { $0.hasSameBytes(as: name) }
        }
    }
}

/// Why a job stands still.
public enum Stop: Sendable, Hashable {
    /// An operator paused what it needs.
    case paused(Pause)
    /// A system that it needs is taken for down.
    case outage(OpenCircuit)

    /// What its record says that it waits for.
    public var waitReason: WaitReason {
        switch self {
        case .paused: .paused
        case .outage: .outage
        }
    }
}

/// Everything that stands still.
public struct Standstill: Sendable, Hashable {
    /// What operators have paused.
    public var pauses: [Pause]
    /// The systems that are taken for down.
    public var circuits: [OpenCircuit]

    /// Collects what stands still; nothing, unless told otherwise.
    public init(pauses: [Pause] = [], circuits: [OpenCircuit] = []) {
        self.pauses = pauses
        self.circuits = circuits
    }

    /// Whether nothing stands still.
    public var isEmpty: Bool { pauses.isEmpty && circuits.isEmpty }

    /// Why a job with these needs must not run now; nil when it may.
    ///
    /// What an operator has done says more than what a circuit knows, and is named first.
    ///
    /// - Parameter probing: the system whose open circuit the job is to probe, which does not stop it.
    public func stop(of needs: JobNeeds, probing: String? = nil) -> Stop? {
        if let pause = pauses.first(where: { $0.stops(needs) }) { return .paused(pause) }
        let open = circuits.first { circuit in
            guard needs.systems.contains(where: { $0.hasSameBytes(as: circuit.system) }) else { return false }
            return probing?.hasSameBytes(as: circuit.system) != true
        }
        return open.map { .outage($0) }
    }

    /// The queues of which nothing is to be taken, because an operator has paused them or each of their types.
    ///
    /// - Parameter types: those that are not disabled count.
    public func pausedQueues(among queues: [String], types: [SyncJobType]) -> Set<String> {
        let hands = Standstill(pauses: pauses)
        return Set(
            queues.filter { queue in
                if pauses.contains(where: { $0.kind == .queue && $0.name.hasSameBytes(as: queue) }) { return true }
                let own = types.filter { !$0.isDisabled && $0.queue.hasSameBytes(as: queue) }
                return !own.isEmpty
                    && own.allSatisfy { type in
                        let needs = JobNeeds(
                            typeSlug: type.slug, queue: queue, orderKey: "", systems: type.systems)
                        return hands.stop(of: needs) != nil
                    }
            })
    }
}
