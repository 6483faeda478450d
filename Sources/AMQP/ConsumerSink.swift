// The consumer's end of one connection: what the loop thread says becomes events, and cancelled queues are noted.
// Invariant: it belongs to one epoch and never runs a user's code; the mailbox stands in between.
import Synchronization

/// The consumer's end of one connection.
final class ConsumerSink: ConnectionListener {
    private struct State {
        var cancelled: [String] = []
        var signal: Latch = Latch()
    }

    private let mailbox: ConsumerMailbox
    private let epoch: UInt64
    private let state = Mutex(State())

    init(mailbox: ConsumerMailbox, epoch: UInt64) {
        self.mailbox = mailbox
        self.epoch = epoch
    }

    func opened() { mailbox.post(.opened(epoch: epoch)) }
    func received(_ deliveries: [AMQPDelivery]) { mailbox.post(.deliveries(deliveries)) }
    func blocked(reason: String) { mailbox.post(.blocked(reason: reason)) }
    func unblocked() { mailbox.post(.unblocked) }

    func cancelled(queue: String) {
        mailbox.post(.cancelled(queue: queue, epoch: epoch))
        let signal = state.withLock { state in
            if !state.cancelled.contains(queue) { state.cancelled.append(queue) }
            return state.signal
        }
        signal.open()
    }

    var cancelledQueues: [String] { state.withLock { $0.cancelled } }

    func resumed(_ queue: String) {
        state.withLock { state in
            state.cancelled.removeAll { $0 == queue }
            if state.cancelled.isEmpty { state.signal = Latch() }
        }
    }

    /// Waits until a subscription is cancelled, or the task.
    func waitForCancelled() async { await state.withLock { $0.signal }.wait() }
}
