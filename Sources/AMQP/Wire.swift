// The only file of this target with C calls and pointers: one librabbitmq connection with its channels, the socket
// under it, and the two system primitives its loop needs (a wakeup descriptor, a thread).
// Longer than other files, because this rule keeps all of that in one place.
// Invariant: a Wire is used by one thread at a time. Whatever librabbitmq hands out is copied into Swift values before
// its buffers are released; no pointer leaves this file.
import CRabbitMQ

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What one frame from the broker amounts to.
enum WireEvent {
    case content(Content, channel: UInt16)
    case confirm(tag: UInt64, multiple: Bool, acknowledged: Bool)
    case cancelled(consumerTag: String)
    case blocked(reason: String)
    case unblocked
    /// Part of a content, or a frame that says nothing to us.
    case nothing
}

/// One connection to one node: socket, login, channel 1 for all requests, and as many more as queues are consumed.
final class Wire {
    private static let channel: amqp_channel_t = Channel.first

    private let state: amqp_connection_state_t
    private let arena: UnsafeMutablePointer<amqp_pool_t>
    private let isEncrypted: Bool
    /// The socket, for the watchdog; valid for as long as it is held, whatever the library closes.
    private(set) var socket: SocketHandle?
    /// The largest frame agreed with the broker, in bytes.
    private(set) var frameMax = 4096
    /// The heartbeat agreed with the broker, in seconds.
    private(set) var heartbeatSeconds = 0
    /// Whether the broker or the network ended it: then nothing polite can be sent any more.
    private(set) var isBroken = false

    private init(isEncrypted: Bool) throws(AMQPError) {
        guard let state = amqp_new_connection() else {
            throw AMQPError(
                .outOfResources, operation: "connect", message: "librabbitmq got no memory for a connection",
                remedy: "Give the process more memory.")
        }
        self.state = state
        self.isEncrypted = isEncrypted
        arena = .allocate(capacity: 1)
        arena.initialize(to: amqp_pool_t())
        init_amqp_pool(arena, 4096)
    }

    deinit {
        amqp_destroy_connection(state)
        empty_amqp_pool(arena)
        arena.deallocate()
    }

    // MARK: - Connecting

    /// Connects, encrypts, logs in and opens the channel; blocks for at most about three connect timeouts.
    ///
    /// `onSocket` gets the socket as soon as there is one, so that a watchdog covers the login too.
    static func open(
        _ configuration: AMQPConfiguration, endpoint: AMQPEndpoint, onSocket: (SocketHandle) -> Void
    ) throws(AMQPError) -> Wire {
        let wire = try Wire(isEncrypted: configuration.tls != nil)
        try wire.connect(configuration, endpoint: endpoint)
        if let socket = wire.socket { onSocket(socket) }
        try wire.login(configuration, endpoint: endpoint)
        return wire
    }

    private func connect(_ configuration: AMQPConfiguration, endpoint: AMQPEndpoint) throws(AMQPError) {
        let operation = "connect to \(endpoint)"
        guard let socket = isEncrypted ? amqp_ssl_socket_new(state) : amqp_tcp_socket_new(state) else {
            throw AMQPError(
                .outOfResources, operation: operation, message: "librabbitmq made no socket",
                remedy: "Raise the limit of open files or memory.")
        }
        if let tls = configuration.tls { try Wire.prepare(socket, tls: tls, operation: operation) }
        var timeout = timeval(configuration.connectTimeout)
        try check(
            endpoint.host.withCString { amqp_socket_open_noblock(socket, $0, CInt(endpoint.port), &timeout) },
            operation: operation, phase: .connect(endpoint))
        // The library closes its descriptor by itself on some errors; the number may then belong to somebody else's
        // file. The watchdog therefore gets a duplicate of its own, which means the same connection until closed.
        self.socket = SocketHandle(duplicating: amqp_get_sockfd(state))
        guard self.socket != nil else {
            throw AMQPError(
                .outOfResources, operation: operation, message: "no file descriptor is left",
                remedy: "Raise the limit of open files.")
        }
        var handshake = timeval(configuration.connectTimeout)
        var rpc = timeval(configuration.rpcTimeout)
        try check(amqp_set_handshake_timeout(state, &handshake), operation: operation)
        try check(amqp_set_rpc_timeout(state, &rpc), operation: operation)
    }

    private static func prepare(_ socket: OpaquePointer, tls: AMQPTLS, operation: String) throws(AMQPError) {
        amqp_ssl_socket_set_verify_peer(socket, tls.verifyPeer ? 1 : 0)
        amqp_ssl_socket_set_verify_hostname(socket, tls.verifyHost ? 1 : 0)
        guard amqp_ssl_socket_set_cacert(socket, tls.caFile) == AMQP_STATUS_OK.rawValue else {
            throw AMQPError(
                .tlsFailed, operation: operation, message: "the CA bundle \(tls.caFile) cannot be read",
                remedy: "Name a readable PEM file.")
        }
        guard
            amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) == AMQP_STATUS_OK.rawValue
        else {
            throw AMQPError(
                .tlsFailed, operation: operation, message: "this OpenSSL does not speak TLS 1.2",
                remedy: "Install a newer OpenSSL.")
        }
        guard let certificate = tls.certificateFile, let key = tls.keyFile else { return }
        // Without a passphrase set, OpenSSL asks for one on the terminal and waits. The empty one lives as long as
        // the program, as the library keeps the pointer.
        emptyPassphrase.withUTF8Buffer { text in
            text.withMemoryRebound(to: CChar.self) { amqp_ssl_socket_set_key_passwd(socket, $0.baseAddress) }
        }
        guard amqp_ssl_socket_set_key(socket, certificate, key) == AMQP_STATUS_OK.rawValue else {
            throw AMQPError(
                .tlsFailed, operation: operation,
                message: "the client certificate \(certificate) or its key \(key) cannot be used",
                remedy: "Name readable PEM files that belong together; the key must have no passphrase.")
        }
    }

    private static let emptyPassphrase: StaticString = "\0"

    private func login(_ configuration: AMQPConfiguration, endpoint: AMQPEndpoint) throws(AMQPError) {
        // Without these capabilities a deleted queue, a blocked connection and a wrong password are silent.
        let capabilities: AMQPTable = [
            "consumer_cancel_notify": .bool(true), "connection.blocked": .bool(true),
            "publisher_confirms": .bool(true), "basic.nack": .bool(true),
            "exchange_exchange_bindings": .bool(true), "authentication_failure_close": .bool(true),
        ]
        var properties = table([
            "product": .string("ferry"), "connection_name": .string(configuration.connectionName),
            "capabilities": .table(capabilities),
        ])
        let reply = ferry_login_plain(
            state, configuration.virtualHost, CInt(configuration.frameMax), CInt(configuration.heartbeatSeconds),
            &properties, configuration.username, configuration.password)
        recycle_amqp_pool(arena)
        let operation = "log in to \(endpoint)"
        if reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION {
            isBroken = true
            throw BrokerReply(reply.reply).loginError(operation: operation, configuration: configuration)
        }
        try check(reply, operation: operation, phase: .login(endpoint))
        frameMax = Int(amqp_get_frame_max(state))
        heartbeatSeconds = Int(amqp_get_heartbeat(state))
        try openChannel(Wire.channel)
    }

    /// Opens one more channel.
    func openChannel(_ channel: UInt16) throws(AMQPError) {
        _ = amqp_channel_open(state, channel)
        try checkReply(on: channel, operation: "open a channel")
    }

    // MARK: - Reading

    /// Whether frames wait inside the library, where poll(2) cannot see them.
    var hasBufferedInput: Bool { amqp_frames_enqueued(state) != 0 || amqp_data_in_buffer(state) != 0 }

    /// Whether frames wait that an RPC put aside.
    var hasQueuedFrames: Bool { amqp_frames_enqueued(state) != 0 }

    /// Takes the next frame, or nothing when none has arrived; sends a heartbeat when one is due.
    ///
    /// - Throws: ``AMQPError`` when the broker closes the channel or the connection, or the connection is lost.
    func next(_ channels: inout [Channel]) throws(AMQPError) -> WireEvent? {
        var frame = amqp_frame_t()
        var immediately = timeval(tv_sec: 0, tv_usec: 0)
        let status = amqp_simple_wait_frame_noblock(state, &frame, &immediately)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        try check(status, operation: "read from the broker")
        let place = Int(frame.channel) - Int(Channel.first)
        // Everything of this frame is copied below; what comes before a body is let go with the body. The plain release
        // function aborts the process in mid-frame.
        defer {
            let isBody = CInt(frame.frame_type) == AMQP_FRAME_BODY
            if isBody || !channels.indices.contains(place) || !channels[place].assembler.isInside {
                amqp_maybe_release_buffers(state)
            }
        }
        switch CInt(frame.frame_type) {
        case AMQP_FRAME_METHOD: return try method(frame.payload.method, on: frame.channel, &channels)
        case AMQP_FRAME_HEADER:
            guard channels.indices.contains(place), let decoded = frame.payload.properties.decoded else {
                return .nothing
            }
            let content = try channels[place].assembler.header(
                bodyBytes: frame.payload.properties.body_size,
                properties: AMQPProperties(
                    decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee,
                    contentTypeBefore: &channels[place].recurring.contentType))
            return content.map { .content($0, channel: frame.channel) } ?? .nothing
        case AMQP_FRAME_BODY:
            guard channels.indices.contains(place) else { return .nothing }
            let fragment = UnsafeRawBufferPointer(frame.payload.body_fragment)
            let content = try channels[place].assembler.body(count: fragment.count) { $0.append(contentsOf: fragment) }
            return content.map { .content($0, channel: frame.channel) } ?? .nothing
        default: return .nothing
        }
    }

    private func method(
        _ method: amqp_method_t, on channel: UInt16, _ channels: inout [Channel]
    ) throws(AMQPError) -> WireEvent {
        guard let decoded = method.decoded else { return .nothing }
        let place = Int(channel) - Int(Channel.first)
        switch Int(method.id) {
        case FERRY_BASIC_DELIVER where channels.indices.contains(place):
            let deliver = decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            try channels[place].begin(deliver)
            return .nothing
        case FERRY_BASIC_RETURN where channels.indices.contains(place):
            let returned = decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            try channels[place].assembler.begin(
                .returned(
                    replyCode: Int(returned.reply_code), text: String(returned.reply_text),
                    exchange: String(returned.exchange), routingKey: String(returned.routing_key)))
            return .nothing
        case FERRY_BASIC_ACK:
            let ack = decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            return .confirm(tag: ack.delivery_tag, multiple: ack.multiple != 0, acknowledged: true)
        case FERRY_BASIC_NACK:
            let nack = decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            return .confirm(tag: nack.delivery_tag, multiple: nack.multiple != 0, acknowledged: false)
        case FERRY_BASIC_CANCEL:
            let cancel = decoded.assumingMemoryBound(to: amqp_basic_cancel_t.self).pointee
            return .cancelled(consumerTag: String(cancel.consumer_tag))
        case FERRY_CONNECTION_BLOCKED:
            let blocked = decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
            return .blocked(reason: String(blocked.reason))
        case FERRY_CONNECTION_UNBLOCKED: return .unblocked
        case FERRY_CHANNEL_CLOSE, FERRY_CONNECTION_CLOSE:
            throw closed(BrokerReply(method), on: channel, operation: "use the connection")
        default: return .nothing
        }
    }

    /// Answers a close of the broker, as the protocol asks for, and says what it was.
    private func closed(_ reply: BrokerReply, on channel: UInt16, operation: String) -> AMQPError {
        if reply.isConnection {
            isBroken = true
            var ok = amqp_connection_close_ok_t()
            if isWritable { amqp_send_method(state, 0, amqp_method_number_t(FERRY_CONNECTION_CLOSE_OK), &ok) }
        } else {
            var ok = amqp_channel_close_ok_t()
            if isWritable {
                amqp_send_method(state, channel, amqp_method_number_t(FERRY_CHANNEL_CLOSE_OK), &ok)
            }
        }
        return reply.error(operation: operation)
    }

    // MARK: - Writing

    /// Whether the socket takes more without blocking (it reports so while at least a third of its buffer is free).
    var isWritable: Bool { Wire.poll(amqp_get_sockfd(state), events: POLLOUT, timeout: .zero) }

    /// Waits until there is something to read, for at most `timeout`.
    func waitReadable(_ timeout: Duration) -> Bool {
        hasBufferedInput || Wire.poll(amqp_get_sockfd(state), events: POLLIN, timeout: timeout)
    }

    /// Waits until something can be written, for at most `timeout`.
    func waitWritable(_ timeout: Duration) -> Bool {
        Wire.poll(amqp_get_sockfd(state), events: POLLOUT, timeout: timeout)
    }

    private static func poll(_ descriptor: CInt, events: CInt, timeout: Duration) -> Bool {
        guard descriptor >= 0 else { return true }
        var entry = pollfd(fd: descriptor, events: CShort(events), revents: 0)
        return CRabbitMQ.poll(&entry, 1, timeout.pollMilliseconds) > 0
    }

    /// Publishes a message that ``AMQPMessage/objection(frameMax:username:)`` lets pass; `number` goes into our header.
    func publish(_ message: AMQPMessage, number: UInt64?) throws(AMQPError) {
        recycle_amqp_pool(arena)
        var properties = cProperties(message.properties, number: number)
        let exchange = bytes(message.exchange)
        let routingKey = bytes(message.routingKey)
        let status = message.body.withUnsafeBytes { body in
            amqp_basic_publish(
                state, Wire.channel, exchange, routingKey, message.mandatory ? 1 : 0, 0, &properties,
                amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
        }
        try check(status, operation: "publish")
        // The library sends a last frame that is full with MSG_MORE, as if another followed; the kernel then holds
        // it back for 200 ms.
        if !isEncrypted, !message.body.isEmpty, message.body.count % (frameMax - 8) == 0 {
            ferry_push(amqp_get_sockfd(state))
        }
    }

    /// Lets what `body` sends go in as few packets as it needs; it must not wait for an answer.
    func together(_ body: () throws(AMQPError) -> Void) throws(AMQPError) {
        ferry_cork(amqp_get_sockfd(state), 1)
        defer { ferry_cork(amqp_get_sockfd(state), 0) }
        try body()
    }

    /// Acknowledges one delivery or all up to it.
    func acknowledge(_ tag: UInt64, multiple: Bool, on channel: UInt16) throws(AMQPError) {
        try check(amqp_basic_ack(state, channel, tag, multiple ? 1 : 0), operation: "acknowledge")
    }

    /// Rejects one delivery or all up to it.
    func reject(_ tag: UInt64, multiple: Bool, requeue: Bool, on channel: UInt16) throws(AMQPError) {
        let status =
            multiple
            ? amqp_basic_nack(state, channel, tag, 1, requeue ? 1 : 0)
            : amqp_basic_reject(state, channel, tag, requeue ? 1 : 0)
        try check(status, operation: "reject")
    }

    // MARK: - Requests that wait for their answer (at most the rpc timeout)

    func selectConfirms() throws(AMQPError) {
        _ = amqp_confirm_select(state, Wire.channel)
        try checkReply(operation: "switch on publisher confirms")
    }

    func setPrefetch(_ count: UInt16, on channel: UInt16) throws(AMQPError) {
        _ = amqp_basic_qos(state, channel, 0, count, 0)
        try checkReply(on: channel, operation: "set the prefetch")
    }

    func consume(
        queue: String, consumerTag: String, exclusive: Bool, arguments: AMQPTable, on channel: UInt16
    ) throws(AMQPError) {
        let operation = "consume from queue \(queue)"
        try validate(names: [queue, consumerTag], arguments: arguments, operation: operation)
        _ = amqp_basic_consume(
            state, channel, bytes(queue), bytes(consumerTag), 0, 0, exclusive ? 1 : 0, table(arguments))
        try checkReply(on: channel, operation: operation)
    }

    func cancel(consumerTag: String, on channel: UInt16) throws(AMQPError) {
        _ = amqp_basic_cancel(state, channel, bytes(consumerTag))
        try checkReply(on: channel, operation: "cancel consumer \(consumerTag)")
    }

    func declareExchange(
        _ name: String, kind: String, durable: Bool, autoDelete: Bool, isInternal: Bool, passive: Bool,
        arguments: AMQPTable
    ) throws(AMQPError) {
        let operation = "\(passive ? "look for" : "declare") exchange \(name)"
        try validate(names: [name, kind], arguments: arguments, operation: operation)
        _ = amqp_exchange_declare(
            state, Wire.channel, bytes(name), bytes(kind), passive ? 1 : 0, durable ? 1 : 0, autoDelete ? 1 : 0,
            isInternal ? 1 : 0, table(arguments))
        try checkReply(operation: operation)
    }

    func declareQueue(
        _ name: String, durable: Bool, exclusive: Bool, autoDelete: Bool, passive: Bool, arguments: AMQPTable
    ) throws(AMQPError) -> AMQPQueueState {
        let operation = "\(passive ? "look for" : "declare") queue \(name)"
        try validate(names: [name], arguments: arguments, operation: operation)
        let ok = amqp_queue_declare(
            state, Wire.channel, bytes(name), passive ? 1 : 0, durable ? 1 : 0, exclusive ? 1 : 0,
            autoDelete ? 1 : 0, table(arguments))
        // Copied before the check, which releases the answer.
        let answer = ok.map {
            AMQPQueueState(
                name: String($0.pointee.queue), messages: Int($0.pointee.message_count),
                consumers: Int($0.pointee.consumer_count))
        }
        try checkReply(operation: operation)
        return answer ?? AMQPQueueState(name: name, messages: 0, consumers: 0)
    }

    /// What is bound to an exchange.
    enum Destination {
        case queue(String)
        case exchange(String)
    }

    func bind(
        _ destination: Destination, to exchange: String, routingKey: String, arguments: AMQPTable, undo: Bool
    ) throws(AMQPError) {
        let verb = undo ? "unbind" : "bind"
        switch destination {
        case .queue(let name):
            let operation = "\(verb) queue \(name) and exchange \(exchange)"
            try validate(names: [name, exchange, routingKey], arguments: arguments, operation: operation)
            let (queue, source, key, extra) = (bytes(name), bytes(exchange), bytes(routingKey), table(arguments))
            if undo {
                _ = amqp_queue_unbind(state, Wire.channel, queue, source, key, extra)
            } else {
                _ = amqp_queue_bind(state, Wire.channel, queue, source, key, extra)
            }
            try checkReply(operation: operation)
        case .exchange(let name):
            let operation = "\(verb) exchange \(name) and exchange \(exchange)"
            try validate(names: [name, exchange, routingKey], arguments: arguments, operation: operation)
            let (target, source, key, extra) = (bytes(name), bytes(exchange), bytes(routingKey), table(arguments))
            if undo {
                _ = amqp_exchange_unbind(state, Wire.channel, target, source, key, extra)
            } else {
                _ = amqp_exchange_bind(state, Wire.channel, target, source, key, extra)
            }
            try checkReply(operation: operation)
        }
    }

    func deleteQueue(_ name: String, onlyIfUnused: Bool, onlyIfEmpty: Bool) throws(AMQPError) -> Int {
        let operation = "delete queue \(name)"
        try validate(names: [name], arguments: [:], operation: operation)
        let ok = amqp_queue_delete(
            state, Wire.channel, bytes(name), onlyIfUnused ? 1 : 0, onlyIfEmpty ? 1 : 0)
        let messages = ok.map { Int($0.pointee.message_count) }
        try checkReply(operation: operation)
        return messages ?? 0
    }

    func deleteExchange(_ name: String, onlyIfUnused: Bool) throws(AMQPError) {
        let operation = "delete exchange \(name)"
        try validate(names: [name], arguments: [:], operation: operation)
        _ = amqp_exchange_delete(state, Wire.channel, bytes(name), onlyIfUnused ? 1 : 0)
        try checkReply(operation: operation)
    }

    func purgeQueue(_ name: String) throws(AMQPError) -> Int {
        let operation = "purge queue \(name)"
        try validate(names: [name], arguments: [:], operation: operation)
        let ok = amqp_queue_purge(state, Wire.channel, bytes(name))
        let messages = ok.map { Int($0.pointee.message_count) }
        try checkReply(operation: operation)
        return messages ?? 0
    }

    /// Asks for one message; gives its method, header and body follow as frames.
    ///
    /// Nothing when the queue is empty.
    func get(queue: String) throws(AMQPError) -> ContentMethod? {
        let operation = "get from queue \(queue)"
        try validate(names: [queue], arguments: [:], operation: operation)
        let reply = amqp_basic_get(state, Wire.channel, bytes(queue), 0)
        recycle_amqp_pool(arena)
        try check(reply, operation: operation)
        defer { amqp_maybe_release_buffers(state) }
        guard Int(reply.reply.id) == FERRY_BASIC_GET_OK, let decoded = reply.reply.decoded else { return nil }
        let ok = decoded.assumingMemoryBound(to: amqp_basic_get_ok_t.self).pointee
        return .getOk(
            tag: ok.delivery_tag, redelivered: ok.redelivered != 0, exchange: String(ok.exchange),
            routingKey: String(ok.routing_key))
    }

    /// Says goodbye, waiting for the answer for at most `timeout`.
    ///
    /// Without it the broker logs a broken client.
    func closePolitely(timeout: Duration) {
        guard !isBroken, isWritable else { return }
        var limit = timeval(timeout)
        guard amqp_set_rpc_timeout(state, &limit) == AMQP_STATUS_OK.rawValue else { return }
        isBroken = true
        _ = amqp_connection_close(state, AMQP_REPLY_SUCCESS)
    }

    // MARK: - Results of the library

    private func validate(names: [String], arguments: AMQPTable, operation: String) throws(AMQPError) {
        recycle_amqp_pool(arena)
        func refuse(_ message: String) -> AMQPError {
            AMQPError(.invalidMessage, operation: operation, message: message, remedy: "Use shorter names.")
        }
        for name in names where name.utf8.count > 255 {
            throw refuse("a name or key of \(name.utf8.count) bytes cannot be sent; at most 255 are possible")
        }
        if let objection = AMQPValue.objection(to: arguments) { throw refuse("its arguments: \(objection)") }
        // A method is one frame; 1,100 bytes are more than all names and flags of the largest one.
        let argumentBytes = AMQPValue.encodedBytes(of: arguments)
        if argumentBytes > frameMax - 1100 { throw refuse("its arguments need \(argumentBytes) bytes") }
    }

    private func checkReply(on channel: UInt16 = Wire.channel, operation: String) throws(AMQPError) {
        recycle_amqp_pool(arena)
        try check(amqp_get_rpc_reply(state), on: channel, operation: operation)
        amqp_maybe_release_buffers(state)
    }

    private func check(
        _ reply: amqp_rpc_reply_t, on channel: UInt16 = Wire.channel, operation: String, phase: ConnectionPhase = .use
    ) throws(AMQPError) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION: throw closed(BrokerReply(reply.reply), on: channel, operation: operation)
        case AMQP_RESPONSE_LIBRARY_EXCEPTION:
            try check(reply.library_error, operation: operation, phase: phase)
        default: try check(AMQP_STATUS_CONNECTION_CLOSED.rawValue, operation: operation, phase: phase)
        }
    }

    private func check(_ status: CInt, operation: String, phase: ConnectionPhase = .use) throws(AMQPError) {
        guard status < 0 else { return }
        isBroken = true
        let text = String(cString: amqp_error_string2(status))
        throw AMQPError(
            status: amqp_status_enum(rawValue: status), text: text, operation: operation, phase: phase,
            heartbeatSeconds: heartbeatSeconds)
    }

    // MARK: - Swift values as C values, in an arena that lives until the next request

    private func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    private func bytes(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard let start = source.baseAddress, !source.isEmpty else { return amqp_bytes_t(len: 0, bytes: nil) }
        guard let copy = amqp_pool_alloc(arena, source.count) else { fatalError("out of memory") }
        copy.copyMemory(from: start, byteCount: source.count)
        return amqp_bytes_t(len: source.count, bytes: copy)
    }

    private func entries<T>(_ count: Int, of type: T.Type) -> UnsafeMutablePointer<T>? {
        guard count > 0 else { return nil }
        guard let memory = amqp_pool_alloc(arena, count * MemoryLayout<T>.stride) else { fatalError("out of memory") }
        return memory.bindMemory(to: T.self, capacity: count)
    }

    private func table(_ table: AMQPTable, publishNumber: UInt64? = nil) -> amqp_table_t {
        let list = entries(table.count + (publishNumber == nil ? 0 : 1), of: amqp_table_entry_t.self)
        var count = 0
        for (name, value) in table where publishNumber == nil || name != PublishHeader.name {
            list?[count] = amqp_table_entry_t(key: bytes(name), value: cValue(value))
            count += 1
        }
        if let publishNumber {
            list?[count] = amqp_table_entry_t(
                key: bytes(PublishHeader.name), value: cValue(.int(Int64(clamping: publishNumber))))
            count += 1
        }
        return amqp_table_t(num_entries: CInt(count), entries: list)
    }

    private func cValue(_ value: AMQPValue) -> amqp_field_value_t {
        var field = amqp_field_value_t()
        func kind(_ kind: amqp_field_value_kind_t) { field.kind = UInt8(truncatingIfNeeded: kind.rawValue) }
        switch value {
        case .string(let text):
            kind(AMQP_FIELD_KIND_UTF8)
            field.value.bytes = bytes(text)
        case .int(let number):
            kind(AMQP_FIELD_KIND_I64)
            field.value.i64 = number
        case .double(let number):
            kind(AMQP_FIELD_KIND_F64)
            field.value.f64 = number
        case .bool(let truth):
            kind(AMQP_FIELD_KIND_BOOLEAN)
            field.value.boolean = truth ? 1 : 0
        case .bytes(let content):
            kind(AMQP_FIELD_KIND_BYTES)
            field.value.bytes = content.withUnsafeBytes { bytes($0) }
        case .timestamp(let seconds):
            kind(AMQP_FIELD_KIND_TIMESTAMP)
            field.value.u64 = UInt64(bitPattern: seconds)
        case .table(let nested):
            kind(AMQP_FIELD_KIND_TABLE)
            field.value.table = table(nested)
        case .array(let values):
            kind(AMQP_FIELD_KIND_ARRAY)
            let list = entries(values.count, of: amqp_field_value_t.self)
            for (index, element) in values.enumerated() { list?[index] = cValue(element) }
            field.value.array = amqp_array_t(num_entries: CInt(values.count), entries: list)
        case .null: kind(AMQP_FIELD_KIND_VOID)
        }
        return field
    }

    private func cProperties(_ properties: AMQPProperties, number: UInt64?) -> amqp_basic_properties_t {
        var result = amqp_basic_properties_t()
        func set(_ value: String?, _ flag: CInt, _ field: WritableKeyPath<amqp_basic_properties_t, amqp_bytes_t>) {
            guard let value else { return }
            result._flags |= amqp_flags_t(flag)
            result[keyPath: field] = bytes(value)
        }
        set(properties.contentType, AMQP_BASIC_CONTENT_TYPE_FLAG, \.content_type)
        set(properties.contentEncoding, AMQP_BASIC_CONTENT_ENCODING_FLAG, \.content_encoding)
        set(properties.correlationID, AMQP_BASIC_CORRELATION_ID_FLAG, \.correlation_id)
        set(properties.replyTo, AMQP_BASIC_REPLY_TO_FLAG, \.reply_to)
        set(properties.expiration, AMQP_BASIC_EXPIRATION_FLAG, \.expiration)
        set(properties.messageID, AMQP_BASIC_MESSAGE_ID_FLAG, \.message_id)
        set(properties.type, AMQP_BASIC_TYPE_FLAG, \.type)
        set(properties.userID, AMQP_BASIC_USER_ID_FLAG, \.user_id)
        set(properties.appID, AMQP_BASIC_APP_ID_FLAG, \.app_id)
        result._flags |= amqp_flags_t(AMQP_BASIC_DELIVERY_MODE_FLAG)
        result.delivery_mode = properties.persistent ? 2 : 1
        if let timestamp = properties.timestamp {
            result._flags |= amqp_flags_t(AMQP_BASIC_TIMESTAMP_FLAG)
            result.timestamp = UInt64(bitPattern: timestamp)
        }
        if let priority = properties.priority {
            result._flags |= amqp_flags_t(AMQP_BASIC_PRIORITY_FLAG)
            result.priority = priority
        }
        if number != nil || !properties.headers.isEmpty {
            result._flags |= amqp_flags_t(AMQP_BASIC_HEADERS_FLAG)
            result.headers = table(properties.headers, publishNumber: number)
        }
        return result
    }

    /// Encodes a table and decodes it again, through the library's own codec.
    static func roundTrip(_ value: AMQPTable) throws(AMQPError) -> (decoded: AMQPTable, encodedBytes: Int) {
        let wire = try Wire(isEncrypted: false)
        var input = wire.table(value)
        let capacity = AMQPValue.encodedBytes(of: value)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 8)
        defer { buffer.deallocate() }
        let encoded = amqp_bytes_t(len: capacity, bytes: buffer.baseAddress)
        var end = 0
        try wire.check(amqp_encode_table(encoded, &input, &end), operation: "encode a table")
        var output = amqp_table_t()
        var start = 0
        try wire.check(amqp_decode_table(encoded, wire.arena, &output, &start), operation: "decode a table")
        return (AMQPTable(output, depth: 0), end)
    }
}

// MARK: - C values as Swift values

/// The reason that came with a channel.close or a connection.close.
private struct BrokerReply {
    let isConnection: Bool
    let code: Int
    let text: String
    let isCausedByPublish: Bool

    init(_ method: amqp_method_t) {
        isConnection = Int(method.id) == FERRY_CONNECTION_CLOSE
        guard let decoded = method.decoded else {
            (code, text, isCausedByPublish) = (0, "without a reason", false)
            return
        }
        // channel.close and connection.close have the same fields, but each its own struct.
        if isConnection {
            let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            (code, text) = (Int(close.reply_code), String(close.reply_text))
            isCausedByPublish = false
        } else {
            let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            (code, text) = (Int(close.reply_code), String(close.reply_text))
            isCausedByPublish = close.class_id == 60 && close.method_id == 40
        }
    }

    func error(operation: String) -> AMQPError {
        AMQPError(
            replyCode: code, text: text, operation: operation, isConnection: isConnection,
            isCausedByPublish: isCausedByPublish)
    }

    func loginError(operation: String, configuration: AMQPConfiguration) -> AMQPError {
        AMQPError(loginReplyCode: code, text: text, operation: operation, configuration: configuration)
    }
}

/// The text that the bytes are; nil where they are no UTF-8.
///
/// ASCII, the common case, needs no second look.
private func utf8Text(_ bytes: UnsafeRawBufferPointer) -> String? {
    bytes.allSatisfy { $0 < 0x80 } ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
}

extension Channel {
    /// Takes in the method that announces a delivery.
    fileprivate mutating func begin(_ deliver: amqp_basic_deliver_t) throws(AMQPError) {
        try assembler.begin(
            .deliver(
                consumerTag: String(deliver.consumer_tag, before: &recurring.consumerTag), tag: deliver.delivery_tag,
                redelivered: deliver.redelivered != 0, exchange: String(deliver.exchange, before: &recurring.exchange),
                routingKey: String(deliver.routing_key, before: &recurring.routingKey)))
    }
}

extension String {
    /// The text `before` where it is the same, else a new one in its place.
    fileprivate init(_ bytes: amqp_bytes_t, before: inout String) {
        let isSame = before.utf8.withContiguousStorageIfAvailable { text in
            guard text.count == bytes.len, let old = text.baseAddress, let new = bytes.bytes else { return false }
            return memcmp(old, new, bytes.len) == 0
        }
        if isSame != true { before = String(bytes) }
        self = before
    }

    /// UTF-8, or else the bytes with the odd ones escaped, so that different names stay different.
    fileprivate init(_ bytes: amqp_bytes_t) {
        let buffer = UnsafeRawBufferPointer(bytes)
        if let text = utf8Text(buffer) {
            self = text
        } else {
            self = escapedText(Array(buffer))
        }
    }
}

/// Printable ASCII as it is, everything else as `\xNN`.
func escapedText(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "\\") {
            text.append(byte)
        } else {
            text += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: text, as: UTF8.self)
}

extension UnsafeRawBufferPointer {
    fileprivate init(_ bytes: amqp_bytes_t) { self.init(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.len) }
}

extension AMQPProperties {
    fileprivate init(_ source: amqp_basic_properties_t, contentTypeBefore: inout String) {
        func has(_ flag: CInt) -> Bool { source._flags & amqp_flags_t(flag) != 0 }
        contentType =
            has(AMQP_BASIC_CONTENT_TYPE_FLAG) ? String(source.content_type, before: &contentTypeBefore) : nil
        contentEncoding = has(AMQP_BASIC_CONTENT_ENCODING_FLAG) ? String(source.content_encoding) : nil
        messageID = has(AMQP_BASIC_MESSAGE_ID_FLAG) ? String(source.message_id) : nil
        correlationID = has(AMQP_BASIC_CORRELATION_ID_FLAG) ? String(source.correlation_id) : nil
        type = has(AMQP_BASIC_TYPE_FLAG) ? String(source.type) : nil
        appID = has(AMQP_BASIC_APP_ID_FLAG) ? String(source.app_id) : nil
        userID = has(AMQP_BASIC_USER_ID_FLAG) ? String(source.user_id) : nil
        replyTo = has(AMQP_BASIC_REPLY_TO_FLAG) ? String(source.reply_to) : nil
        expiration = has(AMQP_BASIC_EXPIRATION_FLAG) ? String(source.expiration) : nil
        timestamp = has(AMQP_BASIC_TIMESTAMP_FLAG) ? Int64(bitPattern: source.timestamp) : nil
        priority = has(AMQP_BASIC_PRIORITY_FLAG) ? source.priority : nil
        persistent = has(AMQP_BASIC_DELIVERY_MODE_FLAG) && source.delivery_mode == 2
        headers = has(AMQP_BASIC_HEADERS_FLAG) ? AMQPTable(source.headers, depth: 0) : [:]
    }
}

extension AMQPTable {
    fileprivate init(_ source: amqp_table_t, depth: Int) {
        self.init(minimumCapacity: Int(source.num_entries))
        for entry in UnsafeBufferPointer(start: source.entries, count: Int(source.num_entries)) {
            self[String(entry.key)] = AMQPValue(entry.value, depth: depth + 1)
        }
    }
}

extension AMQPValue {
    fileprivate init(_ field: amqp_field_value_t, depth: Int) {
        switch amqp_field_value_kind_t(rawValue: UInt32(field.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: self = .bool(field.value.boolean != 0)
        case AMQP_FIELD_KIND_I8: self = .int(Int64(field.value.i8))
        case AMQP_FIELD_KIND_U8: self = .int(Int64(field.value.u8))
        case AMQP_FIELD_KIND_I16: self = .int(Int64(field.value.i16))
        case AMQP_FIELD_KIND_U16: self = .int(Int64(field.value.u16))
        case AMQP_FIELD_KIND_I32: self = .int(Int64(field.value.i32))
        case AMQP_FIELD_KIND_U32: self = .int(Int64(field.value.u32))
        case AMQP_FIELD_KIND_I64: self = .int(field.value.i64)
        case AMQP_FIELD_KIND_U64:
            self = Int64(exactly: field.value.u64).map { .int($0) } ?? .string(String(field.value.u64))
        case AMQP_FIELD_KIND_F32: self = .double(Double(field.value.f32))
        case AMQP_FIELD_KIND_F64: self = .double(field.value.f64)
        case AMQP_FIELD_KIND_DECIMAL:
            self = .string(
                decimalText(
                    Int32(bitPattern: field.value.decimal.value), scale: Int(field.value.decimal.decimals)))
        case AMQP_FIELD_KIND_UTF8:
            let buffer = UnsafeRawBufferPointer(field.value.bytes)
            self = utf8Text(buffer).map { .string($0) } ?? .bytes(Array(buffer))
        case AMQP_FIELD_KIND_BYTES: self = .bytes(Array(UnsafeRawBufferPointer(field.value.bytes)))
        case AMQP_FIELD_KIND_TIMESTAMP: self = .timestamp(Int64(bitPattern: field.value.u64))
        case AMQP_FIELD_KIND_TABLE where depth <= AMQPValue.maximumDepth:
            self = .table(AMQPTable(field.value.table, depth: depth))
        case AMQP_FIELD_KIND_ARRAY where depth <= AMQPValue.maximumDepth:
            let array = field.value.array
            self = .array(
                UnsafeBufferPointer(start: array.entries, count: Int(array.num_entries)).map {
                    AMQPValue($0, depth: depth + 1)
                })
        default: self = .null
        }
    }
}

/// The digits of an AMQP decimal: `value` over ten to the power of `scale`.
func decimalText(_ value: Int32, scale: Int) -> String {
    guard scale > 0 else { return String(value) }
    let digits = String(value.magnitude)
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    return (value < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
}

// MARK: - System primitives

/// A socket that can be shut down from any thread, whatever its reader is stuck in.
final class SocketHandle: Sendable {
    private let descriptor: CInt

    /// Duplicates `descriptor`, so that the number stays ours until the end; nothing when none is left.
    init?(duplicating descriptor: CInt) {
        self.descriptor = ferry_duplicate(descriptor)
        if self.descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Ends both directions: reads and writes of the socket fail at once, on every thread.
    func shutDown() { _ = CRabbitMQ.shutdown(descriptor, CInt(SHUT_RDWR)) }

    fileprivate var number: CInt { descriptor }
}

/// Something a loop can sleep on until another thread or its socket wakes it.
final class Wakeup: Sendable {
    private let readEnd: CInt
    private let writeEnd: CInt

    init() throws(AMQPError) {
        var (readEnd, writeEnd): (CInt, CInt) = (-1, -1)
        let error = ferry_wakeup_open(&readEnd, &writeEnd)
        guard error == 0 else {
            throw AMQPError(
                .outOfResources, operation: "start a connection's loop",
                message: "no wakeup descriptor: \(String(cString: strerror(error)))",
                remedy: "Raise the limit of open files.")
        }
        (self.readEnd, self.writeEnd) = (readEnd, writeEnd)
    }

    deinit {
        close(readEnd)
        if writeEnd != readEnd { close(writeEnd) }
    }

    /// Ends the present or the next `sleep`.
    func signal() { ferry_wakeup_signal(writeEnd) }

    /// Sleeps until signalled, until `socket` can be read (or written, if asked for), or until `timeout` has passed.
    func sleep(socket: SocketHandle?, wantsWrite: Bool, timeout: Duration?) {
        let events = CShort(POLLIN) | (wantsWrite ? CShort(POLLOUT) : 0)
        var entries = (
            pollfd(fd: readEnd, events: CShort(POLLIN), revents: 0),
            pollfd(fd: socket?.number ?? -1, events: events, revents: 0)
        )
        withUnsafeMutableBytes(of: &entries) { bytes in
            let list = bytes.bindMemory(to: pollfd.self)
            _ = CRabbitMQ.poll(list.baseAddress, nfds_t(list.count), timeout?.pollMilliseconds ?? -1)
        }
        ferry_wakeup_drain(readEnd)
    }
}

/// A thread of the operating system, for work that blocks.
enum SystemThread {
    /// What tells one running thread from another.
    static var current: UInt {
        #if canImport(Darwin)
            UInt(bitPattern: pthread_self())
        #else
            UInt(pthread_self())
        #endif
    }

    private final class Body {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a detached thread.
    ///
    /// - Throws: ``AMQPError`` with code `out_of_resources`.
    static func start(stackBytes: Int, _ run: @escaping @Sendable () -> Void) throws(AMQPError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        let body = Unmanaged.passRetained(Body(run: run))
        #if canImport(Darwin)
            var thread: pthread_t?
            let error = pthread_create(&thread, &attributes, { SystemThread.enter($0) }, body.toOpaque())
        #else
            var thread = pthread_t()
            let error = pthread_create(&thread, &attributes, { SystemThread.enter($0) }, body.toOpaque())
        #endif
        guard error == 0 else {
            body.release()
            throw AMQPError(
                .outOfResources, operation: "start a connection's loop",
                message: "no thread: \(String(cString: strerror(error)))", remedy: "Raise the limit of threads.")
        }
    }

    private static func enter(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
    }
}

/// Two connected sockets, for tests of what watches over a socket.
struct SocketPair {
    let near: SocketHandle
    private let far: SocketHandle

    init?() {
        var descriptors: (CInt, CInt) = (-1, -1)
        let result = withUnsafeMutableBytes(of: &descriptors) {
            socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, $0.bindMemory(to: CInt.self).baseAddress)
        }
        guard result == 0 else { return nil }
        defer {
            close(descriptors.0)
            close(descriptors.1)
        }
        guard let near = SocketHandle(duplicating: descriptors.0),
            let far = SocketHandle(duplicating: descriptors.1)
        else { return nil }
        self.near = near
        self.far = far
    }

    /// Whether the other side sees the end of the connection.
    var isEnded: Bool {
        var byte: UInt8 = 0
        return recv(far.number, &byte, 1, CInt(MSG_DONTWAIT)) == 0
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init()
        tv_sec = .init(seconds)
        tv_usec = .init(attoseconds / 1_000_000_000_000)
    }
}

extension Duration {
    /// Rounded up, so that a poll does not spin through the last millisecond; at most an hour.
    fileprivate var pollMilliseconds: CInt {
        let (seconds, attoseconds) = components
        if seconds >= 3600 { return 3_600_000 }
        let fraction = CInt((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
        return max(0, CInt(seconds) * 1000 + fraction)
    }
}
