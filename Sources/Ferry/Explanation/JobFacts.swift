// Everything an explanation is made from: what the store knows about a job, what the broker says about its queues, and whether
// the process that runs it is still there. Gathered once; the explanation itself asks nobody.

internal import AMQP
internal import Foundation
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// A job's situation and what stands around it.
struct JobFacts: Sendable {
    /// A work queue at the broker.
    struct Queue: Sendable, Hashable {
        /// Its short name.
        let name: String
        /// Ready messages.
        let waiting: Int
        /// Consumers.
        let consumers: Int
    }

    /// What the broker says.
    enum Broker: Sendable, Hashable {
        /// The queues in question: the job's own, or all of them where it has no record.
        case queues([Queue])
        /// It could not be asked, for this reason.
        case unreachable(String)
    }

    /// The job's id.
    var id: String
    /// What the store knows.
    var situation: JobStore.JobSituation
    /// What the broker says.
    var broker: Broker = .queues([])
    /// The first children that are not over, for a relay.
    var openChildren: [SyncJob] = []
    /// How many children are not over.
    var openChildCount = 0
    /// How many attempts the job may make; nil when its type is no longer configured.
    var maximumAttempts: Int?
    /// Whether the process that runs it is gone; nil when that can't be known from here.
    var isProcessGone: Bool?
    /// Its dead letters, oldest first.
    var deadLetters: [DeadLetterRecord] = []
    /// Now.
    var now: Timestamp

    init(id: String, situation: JobStore.JobSituation, now: Timestamp) {
        self.id = id
        self.situation = situation
        self.now = now
    }
}

extension JobFacts {
    /// How many open children are named.
    static let shownChildren = 3

    /// Asks the store, and the broker where it can be reached within five seconds.
    ///
    /// - Throws: `JobStoreError`.
    static func gather(id: String, composition: Composition, store: JobStore) async throws -> JobFacts {
        var facts = JobFacts(id: id, situation: try await store.situation(id: id), now: Composition.now())
        facts.deadLetters = try await store.deadLetters(ofJob: id)
        if let job = facts.situation.job {
            if let type = composition.configuration.types[job.typeSlug] {
                facts.maximumAttempts = type.retryPolicy.applying(job.request).maxRetries + 1
            }
            facts.isProcessGone = job.running.flatMap { isGone($0.node) }
            if job.status == .relayed {
                var filter = JobFilter()
                filter.parent = id
                filter.isOpen = true
                filter.limit = shownChildren
                facts.openChildren = try await store.jobs(filter)
                facts.openChildCount = try await store.countJobs(filter).values.reduce(0, +)
            }
            guard facts.isWithBroker else { return facts }
            facts.broker = await ask([job.queue], composition)
        } else if !facts.situation.isSeen {
            facts.broker = await ask(composition.configuration.queues, composition)
        }
        return facts
    }

    /// Whether the job's message should be in its queue, so that the queue's state explains anything.
    private var isWithBroker: Bool {
        guard let job = situation.job, job.status == .queued else { return false }
        return job.waitReason == nil
    }

    private static func ask(_ queues: [String], _ composition: Composition) async -> Broker {
        do {
            var broker = try composition.broker("why")
            broker.connectTimeout = min(broker.connectTimeout, OwedPublishing.patience)
            broker.rpcTimeout = min(broker.rpcTimeout, OwedPublishing.patience)
            let depths = QueueDepths(configuration: broker, logger: composition.logger)
            let names = queues.map { ($0, composition.topology.workQueue($0)) }
            let states = try await depths.states(of: names.map(\.1))
            await depths.close()
            return .queues(
                names.compactMap { short, full in
                    states[full].map { Queue(name: short, waiting: $0.messages, consumers: $0.consumers) }
                })
        } catch { return .unreachable(CommandFailure(error).message) }
    }

    /// Whether the process `host:pid` is gone, as far as this host can tell.
    private static func isGone(_ node: String) -> Bool? {
        guard let colon = node.lastIndex(of: ":"), node[..<colon] == ProcessInfo.processInfo.hostName,
            let process = Int32(node[node.index(after: colon)...]), process > 0
        else { return nil }
        return kill(process, 0) != 0 && errno == ESRCH
    }
}
