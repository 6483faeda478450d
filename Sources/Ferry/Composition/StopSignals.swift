// SIGINT and SIGTERM as a stream of events, so that the first can be graceful and the second immediate.
// Invariant: one owner per process; without it the signals end the process at once, as they do by default.

internal import Dispatch
internal import Foundation

/// The signals by which people and supervisors stop a process.
struct StopSignals {
    /// The signals, as they come.
    let events: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    /// Takes the signals over.
    init() {
        let (events, sink) = AsyncStream<Int32>.makeStream(bufferingPolicy: .bufferingOldest(4))
        self.events = events
        sources = [SIGINT, SIGTERM].map { number in
            // The default action would end the process before the source hears of it.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { sink.yield(number) }
            source.resume()
            return source
        }
    }

    /// Listens no more; the signals stay without effect.
    func cancel() { for source in sources { source.cancel() } }
}
