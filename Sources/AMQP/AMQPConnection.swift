// One connection, one epoch, a channel for each queue, as an actor on a loop thread of its own.
// Invariant: it lives once. Any error, also a refused declare, ends it for good with one reason that every later call
// gets; whoever wants another opens another, with a higher epoch. What users get is handed over, never run here.
// Longer than other files, because an actor's isolated state can't be reached from several files' private parts.
public import Logging

/// One connection to the broker; it ends at the first error, on whichever channel, and never reconnects.
///
/// For long-lived work use ``AMQPConsumer`` and ``AMQPPublisher``, which open one after the other of these.
public actor AMQPConnection {
    /// The number of this connection in its owner's life; deliveries carry it.
    public nonisolated let epoch: UInt64
    /// The node that it is connected to.
    public private(set) var endpoint: AMQPEndpoint?

    nonisolated let loop: LoopThread
    nonisolated let configuration: AMQPConfiguration
    nonisolated let logger: Logger
    private nonisolated let pulse: Pulse
    private nonisolated let closed = Latch()

    private var wire: Wire?
    private var end: AMQPError?
    private var listener: (any ConnectionListener)?
    private var maximumBodyBytes = 128 << 20
    /// Those that are open, by their numbers from 1 on.
    private var channels: [Channel]
    private var queues: [String: String] = [:]
    /// Queues whose subscriptions begin with their whole prefetch by now.
    private var wideQueues: Set<String> = []
    private var consumerCount = 0
    private var isIntakeOver = false
    private var batch: [AMQPDelivery] = []
    private var awaitedContent: AwaitedContent?

    private enum AwaitedContent {
        case awaited(queue: String)
        case arrived(AMQPDelivery)
    }

    /// The executor is the connection's own thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private init(_ configuration: AMQPConfiguration, epoch: UInt64, logger: Logger) throws(AMQPError) {
        self.configuration = configuration
        self.epoch = epoch
        self.logger = logger
        channels = [Channel(maximumBodyBytes: maximumBodyBytes)]
        loop = try LoopThread()
        pulse = Pulse(limit: AMQPConnection.patience(configuration, heartbeatSeconds: configuration.heartbeatSeconds))
    }

    deinit { loop.poke() }

    // MARK: - Life

    /// Connects to one of the nodes, tried in random order.
    ///
    /// - Throws: ``AMQPError``: the most telling of the failures (a refused login says more than a dead node).
    public static func open(
        _ configuration: AMQPConfiguration, epoch: UInt64 = 1, logger: Logger
    ) async throws(AMQPError) -> AMQPConnection {
        try configuration.validate()
        let connection = try AMQPConnection(configuration, epoch: epoch, logger: logger)
        try connection.loop.start { [weak connection] in
            guard let connection else { return .end }
            return connection.assumeIsolated { $0.turn() }
        }
        try await connection.connect()
        return connection
    }

    private func connect() throws(AMQPError) {
        try Watchdog.shared.watch(pulse)
        var failure: AMQPError?
        for endpoint in configuration.endpoints.shuffled() {
            guard !Task.isCancelled else { break }
            do throws(AMQPError) {
                let patience = configuration.connectTimeout * 3 + configuration.rpcTimeout
                let wire = try Wire.open(configuration, endpoint: endpoint) { socket in
                    pulse.guardSocket(socket, limit: patience)
                }
                self.wire = wire
                self.endpoint = endpoint
                pulse.guardSocket(
                    wire.socket,
                    limit: AMQPConnection.patience(configuration, heartbeatSeconds: wire.heartbeatSeconds))
                return
            } catch {
                logger.debug(
                    "broker node does not take the connection",
                    metadata: ["endpoint": "\(endpoint)", "error": "\(error)"])
                if failure.map({ $0.isTransient || !error.isTransient }) ?? true { failure = error }
            }
        }
        let error = failure ?? AMQPConnection.stopped
        die(error)
        throw error
    }

    /// How long the loop may be away before the watchdog ends the connection: one wait for an answer, and the two
    /// heartbeats after which the broker would end it.
    private static func patience(_ configuration: AMQPConfiguration, heartbeatSeconds: Int) -> Duration {
        configuration.rpcTimeout + .seconds(2 * max(heartbeatSeconds, 1))
    }

    private static let stopped = AMQPError(
        .stopped, operation: "use the connection", message: "it was closed by its owner",
        remedy: "Open another one.")

    /// Says goodbye to the broker and ends; deliveries that were not acknowledged go back to their queues.
    public func close() {
        guard let wire, end == nil else { return }
        flush()
        wire.closePolitely(timeout: min(configuration.rpcTimeout, .seconds(3)))
        die(AMQPConnection.stopped)
    }

    /// Waits until the connection has ended; gives the reason.
    public func waitUntilClosed() async -> AMQPError {
        await closed.wait()
        return end ?? AMQPConnection.stopped
    }

    /// Whether it can still be used.
    public var isOpen: Bool { wire != nil && end == nil }

    private func die(_ error: AMQPError) {
        guard end == nil else { return }
        flush()
        end =
            pulse.hasTripped && error.code != .stopped
            ? AMQPError(
                .connectionLost, operation: error.operation,
                message: "the connection hung and the watchdog ended it (\(error.message))",
                remedy: "Check the network and whether the broker takes messages at all.")
            : error
        Watchdog.shared.forget(pulse)
        pulse.guardSocket(nil, limit: .seconds(3600))
        wire = nil
        listener?.ended()
        listener = nil
        closed.open()
    }

    /// Runs a request on the wire; an error of anything but its own arguments ends the connection.
    func request<R>(_ body: (Wire) throws(AMQPError) -> R) throws(AMQPError) -> R {
        guard let wire, end == nil else {
            throw end
                ?? AMQPError(
                    .notConnected, operation: "use the connection", message: "it is not open", remedy: "Open it first.")
        }
        do {
            pulse.beat()
            return try body(wire)
        } catch {
            if error.code != .invalidMessage { die(postMortem(error, wire)) }
            throw error
        }
    }

    /// A failed write often means that the broker has said goodbye already: its reason may be waiting to be read.
    private func postMortem(_ error: AMQPError, _ wire: Wire) -> AMQPError {
        guard error.code == .connectionLost, !pulse.hasTripped else { return error }
        do throws(AMQPError) {
            for _ in 0..<10_000 { guard try step(wire) else { return error } }
        } catch let last {
            return last.replyCode == nil ? error : last
        }
        return error
    }

    // MARK: - The loop

    private func turn() -> LoopThread.Next {
        guard let wire, end == nil else { return .sleep(socket: nil, wantsWrite: false, timeout: nil) }
        pulse.beat()
        do throws(AMQPError) {
            let hasMore = try drain(wire, atMost: 1024)
            let isHeldUp = try send(wire)
            if hasMore { return .again }
            // Heartbeats are sent only inside library calls: at a quarter none is ever late.
            let interval = Duration.milliseconds(max(wire.heartbeatSeconds, 1) * 250)
            return wire.hasBufferedInput
                ? .again : .sleep(socket: wire.socket, wantsWrite: isHeldUp, timeout: interval)
        } catch {
            die(postMortem(error, wire))
            return .again
        }
    }

    /// Takes in what has arrived, and hands it over; whether there may be more.
    private func drain(_ wire: Wire, atMost limit: Int) throws(AMQPError) -> Bool {
        for _ in 0..<limit {
            guard try step(wire) else {
                flush()
                return false
            }
        }
        flush()
        return true
    }

    /// Takes in one frame; whether there was one.
    private func step(_ wire: Wire) throws(AMQPError) -> Bool {
        guard let event = try wire.next(&channels) else { return false }
        switch event {
        case .nothing: break
        case .content(let content, let channel): receive(content, on: channel)
        case .confirm(let tag, let multiple, let acknowledged):
            listener?.confirmed(tag, multiple: multiple, acknowledged: acknowledged)
        case .cancelled(let consumerTag):
            flush()
            if let queue = queues.removeValue(forKey: consumerTag) {
                wideQueues.remove(queue)
                listener?.cancelled(queue: queue)
            }
        case .blocked(let reason):
            logger.warning("broker blocks this connection", metadata: ["reason": "\(reason)"])
            listener?.blocked(reason: reason)
        case .unblocked:
            logger.notice("broker unblocked this connection")
            listener?.unblocked()
        }
        return true
    }

    private func receive(_ content: Content, on channel: UInt16) {
        let place = Int(channel - Channel.first)
        switch content.head.method {
        case .deliver(let consumerTag, let tag, let redelivered, _, _):
            channels[place].window.deliver(tag)
            batch.append(
                AMQPDelivery(
                    epoch: epoch, channel: channel, tag: tag, queue: channels[place].queue ?? consumerTag,
                    redelivered: redelivered, content: content))
            if batch.count >= 256 { flush() }
        case .getOk(let tag, let redelivered, _, _):
            channels[place].window.deliver(tag)
            guard case .awaited(let queue) = awaitedContent else { return }
            awaitedContent = .arrived(
                AMQPDelivery(
                    epoch: epoch, channel: channel, tag: tag, queue: queue, redelivered: redelivered,
                    content: content))
        case .returned(let replyCode, let text, _, _):
            let headers = content.head.properties.headers
            guard case .int(let number) = headers[PublishHeader.name], number > 0 else { return }
            listener?.returned(UInt64(number), replyCode: replyCode, text: text)
        }
    }

    private func flush() {
        guard !batch.isEmpty else { return }
        let deliveries = batch
        batch = []
        batch.reserveCapacity(256)
        listener?.received(deliveries)
    }

    /// Sends what the listener has, as long as the socket takes it; whether something is left that it did not take.
    private func send(_ wire: Wire) throws(AMQPError) -> Bool {
        guard let listener else { return false }
        while listener.hasOutgoing {
            // What the broker has to say comes first: see the watchdog for what happens otherwise.
            if try drain(wire, atMost: 64) { return true }
            guard wire.isWritable else { return true }
            let list = listener.takeOutgoing(atMost: 32)
            try wire.together { () throws(AMQPError) in try publish(list, wire) }
        }
        return false
    }

    private func publish(_ list: [Outgoing], _ wire: Wire) throws(AMQPError) {
        var bytes = 0
        for outgoing in list {
            // 32 small messages fit; after a large one the socket is asked again.
            if bytes > 64 << 10 {
                _ = wire.waitWritable(.seconds(max(wire.heartbeatSeconds, 1)))
                bytes = 0
            }
            try wire.publish(outgoing.message, number: outgoing.number)
            bytes += outgoing.message.body.count
            pulse.beat()
        }
    }

    // MARK: - For consumers and publishers

    func listen(_ listener: any ConnectionListener, maximumBodyBytes: Int) {
        self.listener = listener
        self.maximumBodyBytes = maximumBodyBytes
        for place in channels.indices { channels[place].assembler.maximumBodyBytes = maximumBodyBytes }
    }

    /// Switches on publisher confirms; publishes count from here on.
    func selectConfirms() throws(AMQPError) {
        try request { wire throws(AMQPError) in try wire.selectConfirms() }
    }

    /// The largest frame agreed with the broker, in bytes.
    var frameMax: Int { wire?.frameMax ?? configuration.frameMax }

    /// Whether there is a subscription to this queue.
    func isConsuming(_ queue: String) -> Bool { queues.values.contains(queue) }

    /// Ends intake of a queue, or of all; what arrived before is handed over before this returns.
    func cancelConsumers(queue: String? = nil) throws(AMQPError) {
        if queue == nil { isIntakeOver = true }
        let ended = queues.filter { queue == nil || $0.value == queue }
        try request { wire throws(AMQPError) in
            for (tag, queue) in ended {
                try wire.cancel(consumerTag: tag, on: ownChannel(of: queue, wire))
            }
            while wire.hasQueuedFrames { guard try step(wire) else { break } }
        }
        flush()
        for tag in ended.keys { queues[tag] = nil }
    }

    /// Lets the subscriptions of a queue on this connection begin with their whole prefetch from now on.
    func widen(_ queue: String) { wideQueues.insert(queue) }

    // MARK: - Consuming and answering

    /// Subscribes; deliveries go to the listener.
    ///
    /// Without effect once the intake of all queues was ended.
    func consume(_ subscription: AMQPSubscription) throws(AMQPError) {
        guard !isIntakeOver else { return }
        consumerCount += 1
        let tag = "ferry-\(consumerCount)"
        let isWide = wideQueues.contains(subscription.queue)
        let prefetch = isWide ? subscription.prefetch : subscription.firstPrefetch ?? subscription.prefetch
        queues[tag] = subscription.queue
        do throws(AMQPError) {
            try request { wire throws(AMQPError) in
                let channel = try ownChannel(of: subscription.queue, wire)
                try wire.setPrefetch(min(prefetch, subscription.prefetch), on: channel)
                try wire.consume(
                    queue: subscription.queue, consumerTag: tag, exclusive: subscription.exclusive,
                    arguments: subscription.arguments, on: channel)
            }
        } catch {
            queues[tag] = nil
            throw error
        }
    }

    /// The channel of a queue's deliveries; it stays the queue's, as they may be answered after its subscription has ended.
    private func ownChannel(of queue: String, _ wire: Wire) throws(AMQPError) -> UInt16 {
        if let place = channels.firstIndex(where: { $0.queue == queue }) { return Channel.first + UInt16(place) }
        if channels[0].queue != nil {
            try wire.openChannel(Channel.first + UInt16(channels.count))
            channels.append(Channel(maximumBodyBytes: maximumBodyBytes))
        }
        channels[channels.count - 1].queue = queue
        return Channel.first + UInt16(channels.count - 1)
    }

    /// Answers deliveries, in the order given, with one hop for the whole list and in as few packets as it needs.
    ///
    /// What belongs to another epoch or is answered already is dropped: the broker would close the channel over it.
    /// Errors end the connection, they are not thrown: unanswered deliveries come again.
    public func acknowledge(_ list: [AMQPAcknowledgement]) {
        var answers: [AMQPAcknowledgement] = []
        for answer in list where answer.epoch == epoch {
            let place = Int(answer.channel) - Int(Channel.first)
            guard channels.indices.contains(place),
                let tag = channels[place].window.answer(answer.tag, multiple: answer.multiple)
            else {
                logger.debug(
                    "delivery was answered before",
                    metadata: [
                        "epoch": "\(epoch)", "channel": "\(answer.channel)", "tag": "\(answer.tag)",
                        "multiple": "\(answer.multiple)",
                    ])
                continue
            }
            answers.append(
                AMQPAcknowledgement(
                    epoch: epoch, channel: answer.channel, tag: tag, multiple: answer.multiple, kind: answer.kind))
        }
        guard !answers.isEmpty, end == nil else { return }
        do throws(AMQPError) {
            try request { wire throws(AMQPError) in
                guard answers.count > 1 else { return try Self.send(answers, on: wire) }
                try wire.together { () throws(AMQPError) in try Self.send(answers, on: wire) }
            }
        } catch {
            logger.debug("answers could not be sent", metadata: ["error": "\(error)"])
        }
    }

    private static func send(_ answers: [AMQPAcknowledgement], on wire: Wire) throws(AMQPError) {
        for answer in answers {
            switch answer.kind {
            case .acknowledge: try wire.acknowledge(answer.tag, multiple: answer.multiple, on: answer.channel)
            case .reject(let requeue):
                try wire.reject(answer.tag, multiple: answer.multiple, requeue: requeue, on: answer.channel)
            }
        }
    }

    /// Acknowledges one delivery of the first channel, or all up to it.
    public func acknowledge(_ tag: UInt64, multiple: Bool = false) {
        acknowledge([AMQPAcknowledgement(epoch: epoch, tag: tag, multiple: multiple)])
    }

    /// Rejects one delivery of the first channel: back to its queue, or (without `requeue`) dead-lettered or dropped.
    public func reject(_ tag: UInt64, requeue: Bool) {
        acknowledge([AMQPAcknowledgement(epoch: epoch, tag: tag, kind: .reject(requeue: requeue))])
    }

    /// Takes one message out of a queue, or nothing if it is empty; it waits for its acknowledgement like any other.
    ///
    /// - Throws: ``AMQPError``; `resource_missing` for an unknown queue.
    public func get(_ queue: String) throws(AMQPError) -> AMQPDelivery? {
        let deadline = ContinuousClock.now + configuration.rpcTimeout
        return try request { wire throws(AMQPError) in
            guard let method = try wire.get(queue: queue) else { return nil }
            // Frames that came before the answer were put aside by the library; they are complete contents.
            while wire.hasQueuedFrames { guard try step(wire) else { break } }
            try channels[0].assembler.begin(method)
            awaitedContent = .awaited(queue: queue)
            defer { awaitedContent = nil }
            while true {
                if case .arrived(let delivery) = awaitedContent {
                    flush()
                    return delivery
                }
                if try step(wire) { continue }
                let left = ContinuousClock.now.duration(to: deadline)
                guard left > .zero, wire.waitReadable(left) else {
                    throw AMQPError(
                        .timedOut, operation: "get from queue \(queue)", message: "the message did not arrive whole",
                        remedy: "Check the network to the broker.")
                }
            }
        }
    }

    /// Publishes without a confirm: nothing tells whether the broker took it.
    ///
    /// ``AMQPPublisher`` does.
    ///
    /// - Throws: ``AMQPError``: `invalid_message`, or what ended the connection.
    public func publish(_ message: AMQPMessage) throws(AMQPError) {
        try request { wire throws(AMQPError) in
            if let objection = message.objection(frameMax: wire.frameMax, username: configuration.username) {
                throw AMQPError(
                    .invalidMessage, operation: "publish", message: objection, remedy: "Correct the message.")
            }
            while try drain(wire, atMost: 1024) {}
            guard wire.waitWritable(configuration.rpcTimeout) else {
                throw AMQPError(
                    .timedOut, operation: "publish", message: "the broker takes no data",
                    remedy: "Check the broker for a memory or disk alarm.")
            }
            try wire.publish(message, number: nil)
        }
    }
}
