// Consumes from queues for as long as it is wanted, over as many connections as that takes.
// Invariant: it never sits there alive and silent. A lost connection is made anew, a subscription that the broker
// cancelled is watched and resumed, both are events and in the log; tags of an older epoch never reach the broker.
// Longer than other files, because a consumer's private state can't be reached from several files.
public import Logging
import Synchronization

/// Consumes from one or more queues, reconnecting as needed.
///
/// ```swift
/// let consumer = AMQPConsumer(configuration: configuration, subscriptions: [.init(queue: "orders", prefetch: 100)],
///     maximumBodyBytes: 1 << 20, logger: logger)
/// async let running: Void = consumer.run()
/// for await case .deliveries(let deliveries) in consumer.events {
///     await consumer.acknowledge(deliveries.map { .init(epoch: $0.epoch, channel: $0.channel, tag: $0.tag) })
/// }
/// ```
public final class AMQPConsumer: Sendable {
    /// What happens, for a single reader; ends after ``close()``.
    public let events: AsyncStream<AMQPConsumerEvent>

    struct State {
        var subscriptions: [AMQPSubscription]
        var connection: AMQPConnection?
        var epoch: UInt64 = 0
        var isIntakeStopped = false
        /// Opens when it may connect again; nil while it may.
        var suspension: Latch?
        var paused: Set<String> = []
        var isRunning = false
    }

    private let configuration: AMQPConfiguration
    private let maximumBodyBytes: Int
    private let logger: Logger
    private let mailbox = ConsumerMailbox()
    let state: Mutex<State>
    private let closing = Latch()
    private let finished = Latch()

    /// Creates a consumer; nothing happens before ``run()``.
    ///
    /// Bodies above `maximumBodyBytes` are not kept: see ``AMQPDelivery/isBodyOmitted``.
    public init(
        configuration: AMQPConfiguration, subscriptions: [AMQPSubscription], maximumBodyBytes: Int, logger: Logger
    ) {
        self.configuration = configuration
        self.maximumBodyBytes = maximumBodyBytes
        self.logger = logger
        state = Mutex(State(subscriptions: subscriptions))
        let mailbox = mailbox
        events = AsyncStream { await mailbox.next() }
    }

    // MARK: - Running

    /// Connects, consumes and reconnects until ``close()`` or until its task is cancelled.
    ///
    /// - Throws: ``AMQPError`` that no repetition mends, such as `login_refused`, `access_refused` or
    ///   `invalid_configuration`.
    public func run() async throws(AMQPError) {
        defer {
            mailbox.finish()
            finished.open()
        }
        try start()
        let failure = await withTaskCancellationHandler {
            await cycle()
        } onCancel: {
            closing.open()
        }
        if let failure { throw failure }
    }

    private func start() throws(AMQPError) {
        let (isFirst, subscriptions) = state.withLock { state in
            defer { state.isRunning = true }
            return (!state.isRunning, state.subscriptions)
        }
        func refuse(_ message: String, _ remedy: String) -> AMQPError {
            AMQPError(.invalidConfiguration, operation: "run a consumer", message: message, remedy: remedy)
        }
        guard isFirst else { throw refuse("it has been run before", "Create another consumer.") }
        guard subscriptions.allSatisfy({ $0.prefetch > 0 }) else {
            throw refuse("a prefetch of 0 has no bound", "Give a prefetch of 1 or more.")
        }
        guard !subscriptions.isEmpty, Set(subscriptions.map { Array($0.queue.utf8) }).count == subscriptions.count
        else { throw refuse("there is no queue, or one is there twice", "Name each queue once.") }
    }

    private func cycle() async -> AMQPError? {
        var attempt = 0
        while await isToConnect() {
            let start = ContinuousClock.now
            let failure: AMQPError
            do throws(AMQPError) {
                try await session()
                continue
            } catch {
                failure = error
            }
            // A connection that ends as soon as it is open (by what it is delivered, say) must not be made in a rush.
            if ContinuousClock.now - start > configuration.backoff.maximum { attempt = 0 }
            guard !closing.isOpen else { return nil }
            if !failure.isTransient { return failure }
            attempt += 1
            let delay = configuration.backoff.delay(attempt: attempt, random: .random(in: 0..<1))
            logger.warning(
                "consumer is not connected",
                metadata: ["error": "\(failure)", "attempt": "\(attempt)", "next_attempt_in": "\(delay)"])
            await closing.wait(atMost: delay)
        }
        return nil
    }

    /// Whether to make a connection now; waits for the end of a suspension.
    private func isToConnect() async -> Bool {
        if let suspension = state.withLock({ $0.suspension }) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await suspension.wait() }
                group.addTask { await self.closing.wait() }
                await group.next()
                group.cancelAll()
            }
        }
        return !closing.isOpen && !isIntakeStopped
    }

    private var isIntakeStopped: Bool { state.withLock { $0.isIntakeStopped } }

    /// One connection from its opening to its end; returns when it was ended on purpose.
    private func session() async throws(AMQPError) {
        let (connection, sink, absent) = try await subscribe()
        for queue in absent { sink.cancelled(queue: queue) }
        if state.withLock({ $0.suspension != nil }) { await connection.close() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await connection.waitUntilClosed() }
            group.addTask { await self.closing.wait() }
            group.addTask { await self.resumeCancelled(sink, on: connection) }
            await group.next()
            group.cancelAll()
        }
        if closing.isOpen { await connection.close() }
        let error = await connection.waitUntilClosed()
        state.withLock { $0.connection = nil }
        mailbox.post(.closed(epoch: connection.epoch, error: error))
        guard error.code == .stopped else {
            // A connection that was open is always made anew: what ended it need not be what opening would meet.
            throw AMQPError(
                error.code, operation: error.operation, message: error.message, remedy: error.remedy,
                replyCode: error.replyCode, isTransient: true)
        }
    }

    /// Opens a connection and subscribes to all queues that exist; gives those that do not.
    ///
    /// Each missing queue costs a connection (the broker closes the channel over it), so all are looked for before
    /// the first is consumed from: else every attempt would count as a delivery of what it had fetched.
    private func subscribe() async throws(AMQPError) -> (AMQPConnection, ConsumerSink, absent: [String]) {
        var absent: [String] = []
        while true {
            let epoch = state.withLock { state in
                state.epoch += 1
                return state.epoch
            }
            let connection = try await AMQPConnection.open(configuration, epoch: epoch, logger: logger)
            let wanted = wantedSubscriptions.filter { !absent.contains($0.queue) }
            if let missing = try await firstMissing(of: wanted, on: connection) {
                absent.append(missing)
                continue
            }
            let sink = ConsumerSink(mailbox: mailbox, epoch: epoch)
            // Known before it subscribes, so that stopIntake() reaches it at any moment.
            let isStopped = state.withLock { state in
                state.connection = connection
                return state.isIntakeStopped
            }
            do throws(AMQPError) {
                if isStopped { try await connection.cancelConsumers() }
                try await connection.subscribe(
                    wanted, listener: sink, maximumBodyBytes: maximumBodyBytes)
            } catch {
                await connection.close()
                state.withLock { $0.connection = nil }
                // Voids what the first subscriptions may have brought before a later one failed.
                mailbox.post(.closed(epoch: epoch, error: error))
                throw error
            }
            return (connection, sink, absent)
        }
    }

    private func firstMissing(
        of subscriptions: [AMQPSubscription], on connection: AMQPConnection
    ) async throws(AMQPError) -> String? {
        for subscription in subscriptions {
            do throws(AMQPError) {
                try await connection.declareQueue(subscription.queue, passive: true)
            } catch {
                await connection.close()
                if error.code == .resourceMissing { return subscription.queue }
                // An exclusive queue of another connection cannot be looked at either; that passes with its owner.
                throw error
            }
        }
        return nil
    }

    /// Looks for queues whose subscription was cancelled, on connections of its own, and resumes when they are back.
    private func resumeCancelled(_ sink: ConsumerSink, on connection: AMQPConnection) async {
        var attempt = 0
        while !Task.isCancelled {
            await sink.waitForCancelled()
            attempt += 1
            let delay = configuration.backoff.delay(attempt: attempt, random: .random(in: 0..<1))
            await closing.wait(atMost: delay)
            guard !Task.isCancelled, !isIntakeStopped else { return }
            for queue in sink.cancelledQueues where !isPaused(queue) {
                logger.error(
                    "consumer is without its queue", metadata: ["queue": "\(queue)", "attempt": "\(attempt)"])
                guard await exists(queue) else { continue }
                guard let subscription = state.withLock({ $0.subscriptions.first { $0.queue == queue } }) else {
                    continue
                }
                sink.resumed(queue)
                attempt = 0
                do throws(AMQPError) {
                    try await connection.consume(subscription)
                    logger.notice("consumer has its queue again", metadata: ["queue": "\(queue)"])
                } catch {
                    logger.error(
                        "consumer could not resume", metadata: ["queue": "\(queue)", "error": "\(error)"])
                }
            }
        }
    }

    private func exists(_ queue: String) async -> Bool {
        var configuration = configuration
        configuration.connectionName += " (looks for \(queue))"
        do throws(AMQPError) {
            let probe = try await AMQPConnection.open(configuration, logger: logger)
            try await probe.declareQueue(queue, passive: true)
            await probe.close()
            return true
        } catch {
            logger.debug("queue is not there", metadata: ["queue": "\(queue)", "error": "\(error)"])
            return false
        }
    }

    // MARK: - What its user does

    /// Answers deliveries, with one hop for the whole list; those of an older epoch are dropped.
    public func acknowledge(_ list: [AMQPAcknowledgement]) async {
        guard !list.isEmpty, let connection = state.withLock({ $0.connection }) else { return }
        await connection.acknowledge(list)
    }

    /// Changes the prefetch of one queue, by ending its subscription and making it again.
    ///
    /// What is unacknowledged stays valid. Without a connection it counts from the next one on.
    public func setPrefetch(_ prefetch: UInt16, queue: String) async {
        let (connection, subscription) = state.withLock { state -> (AMQPConnection?, AMQPSubscription?) in
            guard prefetch > 0, !state.isIntakeStopped,
                let index = state.subscriptions.firstIndex(where: { $0.queue == queue }),
                state.subscriptions[index].prefetch != prefetch
            else { return (nil, nil) }
            state.subscriptions[index].prefetch = prefetch
            return (state.connection, state.subscriptions[index])
        }
        guard let connection, let subscription else { return }
        await connection.renew(subscription)
    }

    /// Gives one queue's subscription its full prefetch, where it began with less.
    ///
    /// What is unacknowledged stays valid. Without effect on the subscriptions of any other epoch.
    public func widen(queue: String, epoch: UInt64) async {
        let (connection, subscription) = state.withLock { state in
            (state.connection, state.subscriptions.first { $0.queue == queue && $0.firstPrefetch != nil })
        }
        guard let connection, connection.epoch == epoch, let subscription, !isIntakeStopped else { return }
        await connection.widen(subscription.queue)
        await connection.renew(subscription)
    }

    /// Ends one queue's subscription and makes it again: the new one has its whole prefetch, whatever is unacknowledged.
    ///
    /// What is unacknowledged stays valid. Without effect on the subscriptions of any other epoch.
    public func renew(queue: String, epoch: UInt64) async {
        let (connection, subscription) = state.withLock { state in
            (state.connection, state.subscriptions.first { $0.queue == queue })
        }
        guard let connection, connection.epoch == epoch, let subscription, !isIntakeStopped else { return }
        await connection.renew(subscription)
    }

    /// Whether deliveries of a queue should be coming: not while it is away, or nothing is connected.
    public func isConsuming(_ queue: String) async -> Bool {
        await state.withLock { $0.connection }?.isConsuming(queue) ?? false
    }

    /// Closes the connection and makes no other before ``resume()``; unacknowledged deliveries go back to their queues.
    public func suspend() async {
        let connection = state.withLock { state in
            if state.suspension == nil { state.suspension = Latch() }
            return state.connection
        }
        await connection?.close()
    }

    /// Ends a suspension: the next connection is made at once.
    public func resume() {
        let suspension = state.withLock { state in
            defer { state.suspension = nil }
            return state.suspension
        }
        suspension?.open()
    }

    /// Closes the connection and makes another; unacknowledged deliveries go back to their queues.
    public func reopen() async { await state.withLock { $0.connection }?.close() }

    /// Ends the intake: when it returns, no more deliveries follow; what is unacknowledged can still be answered.
    public func stopIntake() async {
        let connection = state.withLock { state in
            state.isIntakeStopped = true
            return state.connection
        }
        guard let connection else { return }
        do throws(AMQPError) {
            try await connection.cancelConsumers()
        } catch {
            logger.debug("intake ended with its connection", metadata: ["error": "\(error)"])
        }
    }

    /// Closes the connection and waits until ``run()`` has returned; unacknowledged deliveries go back to their queues.
    public func close() async {
        closing.open()
        if state.withLock({ $0.isRunning }) { await finished.wait() } else { mailbox.finish() }
    }
}

extension AMQPConnection {
    /// Subscribes to all of `subscriptions` and tells the listener, in one go on the loop: no delivery comes earlier.
    fileprivate func subscribe(
        _ subscriptions: [AMQPSubscription], listener: ConsumerSink, maximumBodyBytes: Int
    ) throws(AMQPError) {
        listen(listener, maximumBodyBytes: maximumBodyBytes)
        for subscription in subscriptions { try consume(subscription) }
        listener.opened()
    }

    fileprivate func renew(_ subscription: AMQPSubscription) {
        do throws(AMQPError) {
            guard isConsuming(subscription.queue) else { return }
            try cancelConsumers(queue: subscription.queue)
            try consume(subscription)
        } catch {
            logger.debug(
                "subscription could not be renewed", metadata: ["queue": "\(subscription.queue)", "error": "\(error)"])
        }
    }
}
