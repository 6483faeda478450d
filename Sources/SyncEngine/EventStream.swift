// What happens, told to whoever listens on the topic of events. Best effort: bounded, and never in the way of a commit or
// an acknowledgement; what nobody could be told is dropped.

internal import SyncBroker
internal import SyncJobs

/// Events on their way out.
struct EventStream: Sendable {
    /// How many wait to be published; beyond it the oldest are dropped.
    static let maximumWaiting = 1_000

    private let events: AsyncStream<OutgoingMessage>
    private let sink: AsyncStream<OutgoingMessage>.Continuation

    init() { (events, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.maximumWaiting)) }

    /// Tells that something happened; `name` is the routing key.
    func send(_ name: String, _ content: JSONValue) { sink.yield(.event(name: name, content)) }

    /// Publishes what comes until it is cancelled.
    func run(into publisher: any MessageSink) async {
        for await event in events { _ = await publisher.publish([event]) }
    }
}
