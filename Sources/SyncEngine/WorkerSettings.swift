// How a worker works, with the defaults of a small machine.

public import JobStore
internal import SyncBroker
public import SyncJobs

extension Worker {
    /// How a worker works.
    public struct Settings: Sendable {
        /// The queues to take jobs from, by short name.
        public var queues: [String]
        /// Whether to turn change events into requests.
        public var takesChanges = true
        /// How many jobs run at once that may wait for something outside the store.
        public var concurrency = 64
        /// Unacknowledged deliveries per queue that `prefetchByQueue` does not name, and of change events.
        ///
        /// For a queue of long jobs, make it the concurrency.
        public var prefetch = 768
        /// Unacknowledged deliveries of single queues, by short name.
        public var prefetchByQueue: [String: Int] = [:]
        /// How long running jobs may go on after a stop was asked for.
        public var grace: Duration = .seconds(30)
        /// Whether to stop once all queues are empty and nothing is under way.
        public var stopsWhenEmpty = false
        /// The largest message body in bytes.
        public var maximumBodyBytes = 1_048_576
        /// How deep the JSON of a message may nest.
        public var maximumDepth = 100
        /// The largest source document in bytes of JSON.
        public var maximumDocumentBytes = 8_388_608
        /// Whether dead letters are moved from the broker's queue into the store.
        public var keepsDeadLetters = true
        /// How long ended records are kept.
        public var retention = JobStore.Retention()
        /// From so many parked jobs on nothing is taken of the queues that they came from.
        public var maximumParked = 100_000
        /// When the circuits of systems open, by the systems' names; others have the defaults.
        public var circuits: [String: CircuitSettings] = [:]
        /// How many threads run users' controllers; one that never yields takes one of them with it.
        public var controllerThreads = 8
        /// How long a store may be busy or full before the worker gives its messages back to the broker, and takes none
        /// until the store answers.
        public var storePatience: Duration = .seconds(60)
        /// How often the broker is asked whether it still knows that this worker consumes its queues.
        public var queueWatchInterval: Duration = .seconds(15)

        /// How many unacknowledged deliveries may be held of each queue.
        var prefetches: [String: Int] {
            Dictionary(queues.map { ($0, prefetchByQueue[$0] ?? prefetch) }) { first, _ in first }
        }

        /// How many unacknowledged deliveries of an origin may be held.
        func prefetch(of origin: Delivery.Origin) -> Int {
            switch origin {
            case .work(let queue): prefetchByQueue[queue] ?? prefetch
            case .changes: prefetch
            }
        }

        /// The defaults, for `queues`.
        public init(queues: [String]) { self.queues = queues }
    }
}
