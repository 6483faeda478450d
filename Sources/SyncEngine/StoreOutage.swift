// Whether the store has not answered for too long. Invariant: it is out as long as any call waits overdue, so that a store
// which still reads but can't write does not look well to those who only read.

internal import JobStore
internal import Synchronization

/// An outage of the store, as its overdue calls see it.
final class StoreOutage: Sendable {
    /// Why the store is out, and nil when it is back; for a single reader, the latest only.
    let changes: AsyncStream<JobStoreError?>
    private let sink: AsyncStream<JobStoreError?>.Continuation
    private let overdue = Mutex(0)

    init() { (changes, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// A call waits for longer than it should.
    func enter(_ failure: JobStoreError) {
        overdue.withLock { count in
            count += 1
            if count == 1 { sink.yield(failure) }
        }
    }

    /// It waits no more.
    func leave() {
        overdue.withLock { count in
            count -= 1
            if count == 0 { sink.yield(nil) }
        }
    }
}
