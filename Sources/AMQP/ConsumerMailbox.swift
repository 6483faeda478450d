// Where events wait for their one reader, between the loop thread and the reader's task.
// Invariant: bounded. Deliveries are bounded by the prefetch, because those of an epoch that has ended are thrown away
// (they come again); of events about epochs only those of the latest are kept. A slow reader gets fuller batches.
import Synchronization

final class ConsumerMailbox: Sendable {
    /// The largest batch handed out.
    static let largestBatch = 256

    fileprivate struct State {
        var events = FIFO<AMQPConsumerEvent>()
        var reader: CheckedContinuation<AMQPConsumerEvent?, Never>?
        var isFinished = false
    }

    private let state = Mutex(State())

    /// Adds an event; after ``finish()`` without effect.
    func post(_ event: AMQPConsumerEvent) {
        let waiting = state.withLock { state -> (CheckedContinuation<AMQPConsumerEvent?, Never>, AMQPConsumerEvent)? in
            guard !state.isFinished else { return nil }
            state.forgetWhatIsOvertaken(by: event)
            state.append(event)
            guard let reader = state.reader, let first = state.events.popFirst() else { return nil }
            state.reader = nil
            return (reader, first)
        }
        if let (reader, first) = waiting { reader.resume(returning: first) }
    }

    /// Ends the stream once what waits has been read.
    func finish() {
        let reader = state.withLock { state in
            state.isFinished = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// The next event, waiting for it; nothing when it is all over or the reader's task is cancelled.
    func next() async -> AMQPConsumerEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> AMQPConsumerEvent?? in
                    if let first = state.events.popFirst() { return .some(first) }
                    if state.isFinished || Task.isCancelled || state.reader != nil { return .some(nil) }
                    state.reader = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let reader = state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: nil)
        }
    }
}

extension ConsumerMailbox.State {
    /// Deliveries of an epoch are void once it is closed; so is older news about epochs.
    fileprivate mutating func forgetWhatIsOvertaken(by event: AMQPConsumerEvent) {
        switch event {
        case .closed(let ended, _):
            events.removeAll { old in
                switch old {
                case .deliveries: true
                case .opened(let epoch): epoch < ended
                case .closed(let epoch, _): epoch < ended
                case .cancelled(_, let epoch): epoch < ended
                case .blocked, .unblocked: true
                }
            }
        case .blocked, .unblocked:
            events.removeAll { old in
                switch old {
                case .blocked, .unblocked: true
                default: false
                }
            }
        case .cancelled(let queue, let epoch):
            events.removeAll { old in
                if case .cancelled(queue, epoch) = old { true } else { false }
            }
        case .opened, .deliveries: break
        }
    }

    fileprivate mutating func append(_ event: AMQPConsumerEvent) {
        if case .deliveries(let new) = event, !events.isEmpty,
            case .deliveries(var last) = events[events.count - 1],
            last.count + new.count <= ConsumerMailbox.largestBatch
        {
            last += new
            events[events.count - 1] = .deliveries(last)
        } else {
            events.append(event)
        }
    }
}
