// A worker that can't finish anything takes nothing: while the store does not answer, or the broker takes no messages for
// which deliveries wait, it gives back what it has, so that no delivery grows old in its hands, and begins again by itself.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Closes a worker's intake for as long as there is a reason to.
actor StandBy {
    /// What a worker stands by for.
    enum Reason: String, Hashable, CaseIterable {
        case store = "the store does not answer"
        case broker = "the broker takes no messages"
    }

    /// How long the broker may take nothing before its deliveries go back.
    static let alarmPatience = Duration.seconds(60)

    private let consumer: WorkConsumer
    private let pipeline: Pipeline
    private let logger: Logger
    private var reasons: Set<Reason> = []

    init(consumer: WorkConsumer, pipeline: Pipeline, logger: Logger) {
        self.consumer = consumer
        self.pipeline = pipeline
        self.logger = logger
    }

    /// Follows the store until it is cancelled.
    func watch(_ outage: StoreOutage) async {
        for await failure in outage.changes {
            if let failure { await begin(.store, because: "\(failure)") } else { await end(.store) }
        }
    }

    /// Follows the broker's alarms until it is cancelled.
    func watch(_ publisher: MessagePublisher) async {
        var begin: ContinuousClock.Instant?
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            let reason = publisher.blockedReason
            await pipeline.noteAlarm(reason)
            guard let reason else {
                begin = nil
                await end(.broker)
                continue
            }
            let since = begin ?? .now
            begin = since
            if ContinuousClock.now - since >= Self.alarmPatience, await pipeline.waitsForPublishing {
                await self.begin(.broker, because: reason)
            }
        }
    }

    private func begin(_ reason: Reason, because text: String) async {
        guard reasons.insert(reason).inserted else { return }
        logger.error(
            "The worker gives its messages back and takes none for now",
            metadata: ["why": .string(reason.rawValue), "reason": .string(text)])
        await tell()
        await consumer.suspend()
    }

    private func end(_ reason: Reason) async {
        guard reasons.remove(reason) != nil else { return }
        await tell()
        guard reasons.isEmpty else { return }
        logger.notice("The worker takes messages again")
        consumer.resume()
    }

    private func tell() async {
        await pipeline.noteStandBy(Reason.allCases.filter(reasons.contains).map(\.rawValue))
    }
}
