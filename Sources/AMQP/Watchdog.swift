// One thread for the whole process that looks twice a second after what no other thread can look after: loops stuck
// in a C call, and publishes whose time is up while nothing is connected.
// Invariant: it holds no lock while it calls out, runs only what is short, and ends when there is nothing to watch.
// Why it must be: in librabbitmq 0.11 a send that meets a due heartbeat can wait for ever (`amqp_try_recv` turns a
// timeout of zero into none), and only shutting the socket down gets the loop out of there.
import Synchronization

/// Something the watchdog looks at.
protocol Watched: AnyObject, Sendable {
    /// Called about twice a second on the watchdog's thread; must be short.
    func look(now: ContinuousClock.Instant)
}

final class Watchdog: Sendable {
    static let shared = Watchdog()

    private struct Entry {
        weak var watched: (any Watched)?
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var isRunning = false
    }

    private let state = Mutex(State())

    /// Starts watching; what has gone away is forgotten by itself.
    ///
    /// - Throws: ``AMQPError`` with code `out_of_resources`.
    func watch(_ watched: any Watched) throws(AMQPError) {
        let entry = Entry(watched: watched)
        let mustStart = state.withLock { state in
            state.entries[ObjectIdentifier(watched)] = entry
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustStart else { return }
        do throws(AMQPError) {
            let bell = try Wakeup()
            try SystemThread.start(stackBytes: 1 << 20) { self.run(sleepingOn: bell) }
        } catch {
            state.withLock { $0.isRunning = false }
            throw error
        }
    }

    /// Stops watching.
    func forget(_ watched: any Watched) {
        state.withLock { $0.entries[ObjectIdentifier(watched)] = nil }
    }

    private func run(sleepingOn bell: Wakeup) {
        while true {
            bell.sleep(socket: nil, wantsWrite: false, timeout: .milliseconds(500))
            let watched: [any Watched]? = state.withLock { state in
                state.entries = state.entries.filter { $0.value.watched != nil }
                guard state.entries.isEmpty else { return state.entries.values.compactMap(\.watched) }
                state.isRunning = false
                return nil
            }
            guard let watched else { return }
            let now = ContinuousClock.now
            for one in watched { one.look(now: now) }
        }
    }
}

/// The sign of life of one loop, and the socket to shut down when it fails to appear.
final class Pulse: Watched {
    private struct State {
        var lastBeat = ContinuousClock.now
        var limit: Duration
        var socket: SocketHandle?
        var hasTripped = false
    }

    private let state: Mutex<State>

    init(limit: Duration) { state = Mutex(State(limit: limit)) }

    /// Whether the watchdog has shut the socket down.
    var hasTripped: Bool { state.withLock { $0.hasTripped } }

    /// The loop has come round.
    func beat() { state.withLock { $0.lastBeat = .now } }

    /// Sets the socket to guard and the longest time the loop may need for one round.
    func guardSocket(_ socket: SocketHandle?, limit: Duration) {
        state.withLock { state in
            state.socket = socket
            state.limit = limit
            state.lastBeat = .now
        }
    }

    func look(now: ContinuousClock.Instant) {
        state.withLock { state in
            guard let socket = state.socket, now - state.lastBeat > state.limit else { return }
            state.hasTripped = true
            state.socket = nil
            socket.shutDown()
        }
    }
}
