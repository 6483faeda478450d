// Publishes with confirms, many in flight, over as many connections as it takes.
// Invariant: a result says what is known. `confirmed` comes from the broker alone; what a lost connection left open is
// published again (so a message can arrive twice), and when its time is up it has failed, never silently vanished.
public import Logging
import Synchronization

/// What became of a published message.
public enum AMQPPublishResult: Sendable, Hashable {
    /// The broker has taken responsibility: all queues it was routed to have it.
    case confirmed
    /// No queue takes it (mandatory messages only).
    case returned(replyCode: Int, text: String)
    /// The broker could not take it (basic.nack): a queue is full or failing.
    case refused
    /// It was not sent, or whether it arrived is unknown (`timed_out`).
    case failed(AMQPError)
}

/// Publishes messages and waits for the broker's confirms, reconnecting as needed.
///
/// ```swift
/// async let running: Void = publisher.run()
/// let results = await publisher.publish([AMQPMessage(exchange: "orders", routingKey: "new", body: bytes)])
/// ```
public final class AMQPPublisher: Sendable {
    private let configuration: AMQPConfiguration
    private let confirmTimeout: Duration
    private let logger: Logger
    private let core: PublisherCore
    private let closing = Latch()
    private let finished = Latch()
    private let hasRun = Atomic(false)
    private let isWatched = Atomic(false)

    /// Creates a publisher; messages wait until ``run()`` has connected.
    ///
    /// At most `maximumInFlight` messages are unconfirmed at a time; further ones wait with their callers.
    public init(
        configuration: AMQPConfiguration, maximumInFlight: Int = 1000, confirmTimeout: Duration = .seconds(30),
        logger: Logger
    ) {
        self.configuration = configuration
        self.confirmTimeout = confirmTimeout
        self.logger = logger
        core = PublisherCore(maximumInFlight: maximumInFlight, frameMax: configuration.frameMax)
    }

    // MARK: - Running

    /// Connects and reconnects until ``close()`` or until its task is cancelled.
    ///
    /// - Throws: ``AMQPError`` that no repetition mends, such as `login_refused`; what waits then fails with it.
    public func run() async throws(AMQPError) {
        guard !hasRun.exchange(true, ordering: .sequentiallyConsistent) else {
            throw AMQPError(
                .invalidConfiguration, operation: "run a publisher", message: "it has been run before",
                remedy: "Create another publisher.")
        }
        defer { finished.open() }
        let failure = await withTaskCancellationHandler {
            await cycle()
        } onCancel: {
            closing.open()
        }
        core.finish(failure ?? PublisherCore.stopped)
        if let failure { throw failure }
    }

    private func cycle() async -> AMQPError? {
        var attempt = 0
        var epoch: UInt64 = 0
        while !closing.isOpen {
            epoch += 1
            let start = ContinuousClock.now
            let failure: AMQPError
            do throws(AMQPError) {
                try await session(epoch: epoch)
                return nil
            } catch {
                failure = error
            }
            if ContinuousClock.now - start > configuration.backoff.maximum { attempt = 0 }
            core.disconnected(failure)
            guard !closing.isOpen else { return nil }
            if !failure.isTransient { return failure }
            // A message that closes the channel is found by publishing its mates one by one: that must not take long.
            guard !failure.isCausedByPublish else { continue }
            attempt += 1
            let delay = configuration.backoff.delay(attempt: attempt, random: .random(in: 0..<1))
            logger.warning(
                "publisher is not connected",
                metadata: ["error": "\(failure)", "attempt": "\(attempt)", "next_attempt_in": "\(delay)"])
            await closing.wait(atMost: delay)
        }
        return nil
    }

    /// One connection from its opening to its end; returns when it was ended on purpose.
    private func session(epoch: UInt64) async throws(AMQPError) {
        let connection = try await AMQPConnection.open(configuration, epoch: epoch, logger: logger)
        do throws(AMQPError) {
            try await connection.attach(core, username: configuration.username)
        } catch {
            await connection.close()
            throw error
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await connection.waitUntilClosed() }
            group.addTask { await self.closing.wait() }
            await group.next()
            group.cancelAll()
        }
        if closing.isOpen { await connection.close() }
        let error = await connection.waitUntilClosed()
        core.detach()
        guard error.code == .stopped else {
            throw AMQPError(
                error.code, operation: error.operation, message: error.message, remedy: error.remedy,
                replyCode: error.replyCode, isTransient: true, isCausedByPublish: error.isCausedByPublish)
        }
    }

    // MARK: - What its user does

    /// Publishes messages; gives one result for each, in the same order, at the latest after the confirm timeout.
    ///
    /// Cancelling the task does not take back what is on its way; the results still come.
    public func publish(_ messages: [AMQPMessage]) async -> [AMQPPublishResult] { await begin(messages).results() }

    /// Lets messages go behind everything that was given before, without waiting for them.
    ///
    /// So that the next can be made ready meanwhile, and the way to the broker is never empty.
    public func begin(_ messages: [AMQPMessage]) -> AMQPPendingPublish {
        let pending = AMQPPendingPublish()
        let deadline = ContinuousClock.now + confirmTimeout
        do throws(AMQPError) {
            // The watchdog times out what waits while nothing is connected.
            if !isWatched.exchange(true, ordering: .relaxed) { try Watchdog.shared.watch(core) }
        } catch {
            isWatched.store(false, ordering: .relaxed)
            pending.complete(messages.map { _ in .failed(error) })
            return pending
        }
        core.add(messages, deadline: deadline, pending: pending, username: configuration.username)
        return pending
    }

    /// Why the broker takes no messages at the moment (a memory or disk alarm), if so.
    public var blockedReason: String? { core.blockedReason }

    /// Takes no more messages, waits for what is in flight within the confirm timeout, closes the connection and waits
    /// until ``run()`` has returned.
    public func close() async {
        core.refuseMore()
        if hasRun.load(ordering: .sequentiallyConsistent) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.core.drained.wait(atMost: self.confirmTimeout) }
                group.addTask { await self.finished.wait() }
                await group.next()
                group.cancelAll()
            }
            closing.open()
            await finished.wait()
        } else {
            closing.open()
            core.finish(PublisherCore.stopped)
        }
    }
}

extension AMQPConnection {
    /// Switches on confirms and starts sending, in one go on the loop.
    fileprivate func attach(_ core: PublisherCore, username: String) throws(AMQPError) {
        try selectConfirms()
        core.attach(loop, frameMax: frameMax, username: username)
        listen(core, maximumBodyBytes: 0)
    }
}

/// The state of a publisher behind a lock, shared by its users, the loop thread and the watchdog.
final class PublisherCore: ConnectionListener, Watched {
    static let stopped = AMQPError(
        .stopped, operation: "publish", message: "the publisher was closed by its owner",
        remedy: "Publish before closing, or with another publisher.")

    private struct State {
        var publish: PublishState
        var loop: LoopThread?
        var frameMax: Int
        var takesMore = true
    }

    /// Opens once no more messages are taken and none is on its way.
    let drained = Latch()
    private let state: Mutex<State>

    init(maximumInFlight: Int, frameMax: Int) {
        state = Mutex(State(publish: PublishState(maximumInFlight: maximumInFlight), frameMax: frameMax))
    }

    /// Changes the state, then, outside the lock, hands out the results that this has brought.
    private func change(_ body: (inout sending State) -> Void) {
        let (completed, isDrained) = state.withLock { state in
            body(&state)
            return (state.publish.takeCompleted(), !state.takesMore && state.publish.isIdle)
        }
        for batch in completed { batch.pending?.complete(batch.results) }
        if isDrained { drained.open() }
    }

    func add(
        _ messages: [AMQPMessage], deadline: ContinuousClock.Instant, pending: AMQPPendingPublish, username: String
    ) {
        change { state in
            guard state.takesMore else {
                let results = messages.map { _ in AMQPPublishResult.failed(PublisherCore.stopped) }
                return pending.complete(results)
            }
            let frameMax = state.frameMax
            state.publish.add(messages, deadline: deadline, pending: pending) {
                $0.objection(frameMax: frameMax, username: username)
            }
        }
        state.withLock { $0.loop }?.poke()
    }

    var blockedReason: String? { state.withLock { $0.publish.blockedReason } }

    func refuseMore() { change { $0.takesMore = false } }
    func finish(_ error: AMQPError) { change { $0.publish.finish(error) } }
    func disconnected(_ error: AMQPError) { change { $0.publish.disconnected(error) } }
    func look(now: ContinuousClock.Instant) { change { $0.publish.expire(now: now) } }
    func detach() { change { $0.loop = nil } }

    func attach(_ loop: LoopThread, frameMax: Int, username: String) {
        change { state in
            state.loop = loop
            state.frameMax = frameMax
            // What was added before the broker named its frame size may not fit.
            state.publish.connected { $0.objection(frameMax: frameMax, username: username) }
        }
    }

    // MARK: From the loop thread

    func confirmed(_ tag: UInt64, multiple: Bool, acknowledged: Bool) {
        change { $0.publish.confirm(tag, multiple: multiple, acknowledged: acknowledged) }
    }

    func returned(_ number: UInt64, replyCode: Int, text: String) {
        change { $0.publish.markReturned(number, replyCode: replyCode, text: text) }
    }

    func blocked(reason: String) { change { $0.publish.blockedReason = reason } }
    func unblocked() { change { $0.publish.blockedReason = nil } }

    var hasOutgoing: Bool { state.withLock { $0.publish.hasOutgoing } }

    func takeOutgoing(atMost limit: Int) -> [Outgoing] {
        state.withLock { $0.publish.takeOutgoing(atMost: limit) }
    }
}
