// What waits where: the broker's queues and delay levels beside the store's open jobs, at one look. Invariant: what could
// not be asked is unknown and says why; it is never shown as nothing.

internal import AMQP
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// One look at everything that waits.
struct QueueOverview: Sendable {
    /// What a queue is for.
    enum Role: Sendable, Hashable { case work, changes, dead, delay(level: Int) }

    /// One queue on the broker.
    struct Queue: Sendable {
        var role: Role
        /// Its short name: `short`, `changes`, `dead`, `delay.03`.
        var name: String
        /// Nil when there is no such queue.
        var state: AMQPQueueState?
        /// Nil when the management API does not tell.
        var figures: QueueFigures?

        var ready: Int { state?.messages ?? 0 }
        var stuck: Int { figures?.stuck ?? 0 }
    }

    var queues: [Queue] = []
    var openJobs: [JobStore.OpenJobs] = []
    /// Why the broker could not be asked; nil when it was.
    var brokerProblem: CommandFailure?
    /// Why rates, unacknowledged and stuck messages are not known; nil when they are.
    var managementProblem: String?
    /// Why the open jobs are not known; nil when they are.
    var storeProblem: String?
    var now: Timestamp

    /// The levels of the delay ladder.
    var levels: [Queue] { queues.filter { if case .delay = $0.role { true } else { false } } }
    /// All others.
    var named: [Queue] { queues.filter { if case .delay = $0.role { false } else { true } } }
    /// How many messages wait on the ladder for their time.
    var delayed: Int { levels.reduce(0) { $0 + $1.ready + ($1.figures?.unacknowledged ?? 0) } }
    /// The instants at which records that wait for a time are due next and last.
    var due: (next: Timestamp, last: Timestamp, count: Int)? {
        let waiting = openJobs.filter { $0.nextDue != nil }
        guard let next = waiting.compactMap(\.nextDue).min(), let last = waiting.compactMap(\.lastDue).max() else {
            return nil
        }
        return (next, last, waiting.reduce(0) { $0 + $1.count })
    }

    /// What needs somebody, each with what to do.
    var warnings: [String] {
        var warnings: [String] = []
        for queue in queues {
            guard let state = queue.state else {
                if brokerProblem == nil {
                    warnings.append(
                        "there is no queue \(queue.name); ferry topology apply makes what is missing")
                }
                continue
            }
            if queue.stuck > 0 {
                let of = "\(Quantity.count(queue.stuck, "message")) of \(queue.name)"
                warnings.append(
                    "\(of) cannot leave: a queue they are for is gone, full or unbound; ferry topology check names it")
            }
            switch queue.role {
            case .work where state.consumers == 0 && state.messages > 0:
                warnings.append("nobody takes from \(queue.name); ferry work --queue \(queue.name)")
            case .changes where state.consumers == 0 && state.messages > 0:
                warnings.append("nobody takes change events; ferry work, without --no-changes")
            default: break
            }
        }
        let overdue = openJobs.reduce(0) { $0 + $1.overdue }
        if overdue > 0 {
            warnings.append(
                "\(Quantity.count(overdue, "job")) past their time; they wait for a worker, or ferry store check says more"
            )
        }
        return warnings
    }
}

extension QueueOverview {
    /// Looks; `depths` keeps its connection for the next look.
    ///
    /// - Throws: `CancellationError`, `JobStoreError`.
    static func look(
        _ composition: Composition, depths: QueueDepths, store: JobStore?, virtualHost: String
    ) async throws -> QueueOverview {
        let topology = composition.topology
        var overview = QueueOverview(now: Composition.now())
        overview.queues =
            topology.queueNames.map { Queue(role: .work, name: $0) }
            + [Queue(role: .changes, name: "changes"), Queue(role: .dead, name: "dead")]
            + (0..<Topology.delayLevelCount).map { Queue(role: .delay(level: $0), name: Self.levelName($0)) }
        await overview.askBroker(composition, depths, virtualHost: virtualHost)
        try Task.checkCancellation()
        if let store {
            overview.openJobs = try await store.openJobs(now: overview.now)
        } else {
            overview.storeProblem = "there is no job store at \(composition.configuration.store.path)"
        }
        return overview
    }

    private static func levelName(_ level: Int) -> String { "delay.\(level < 10 ? "0" : "")\(level)" }

    private mutating func askBroker(_ composition: Composition, _ depths: QueueDepths, virtualHost: String) async {
        let topology = composition.topology
        func fullName(_ queue: Queue) -> String {
            switch queue.role {
            case .work: topology.workQueue(queue.name)
            case .changes: topology.changes
            case .dead: topology.dead
            case .delay(let level): topology.delay(level)
            }
        }
        do {
            let states = try await depths.statesOfExisting(queues.map(fullName))
            for index in queues.indices { queues[index].state = states[fullName(queues[index])] }
        } catch {
            brokerProblem = CommandFailure(error)
            return
        }
        do {
            guard let management = try composition.management() else {
                managementProblem = "broker.management_url is not configured"
                return
            }
            let figures = try await management.queueFigures(virtualHost: virtualHost)
            for index in queues.indices { queues[index].figures = figures[fullName(queues[index])] }
        } catch {
            managementProblem = CommandFailure(error).message
        }
    }
}
