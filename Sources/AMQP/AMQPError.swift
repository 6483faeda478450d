// The one error of this target: what failed, at what, why, and what mends it.
// Invariant: no password, no header and no body ever gets into an error's text.

/// A failure of the broker, the way to it, or the way it was used.
public struct AMQPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure; a closed list, the raw value is stable and fit for machines.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// A URL or a setting that cannot be used.
        case invalidConfiguration = "invalid_configuration"
        /// A name, an argument or a message that cannot be sent.
        case invalidMessage = "invalid_message"
        /// No broker answered at the address.
        case cannotConnect = "cannot_connect"
        /// The broker refuses this user or password.
        case loginRefused = "login_refused"
        /// The virtual host is unknown or closed to this user.
        case virtualHostRefused = "virtual_host_refused"
        /// The encrypted connection could not be made or verified.
        case tlsFailed = "tls_failed"
        /// The connection broke or fell silent.
        case connectionLost = "connection_lost"
        /// The broker closed the connection and said why.
        case connectionClosedByBroker = "connection_closed_by_broker"
        /// The broker closed the channel and said why.
        case channelClosedByBroker = "channel_closed_by_broker"
        /// No answer within the time limit.
        case timedOut = "timed_out"
        /// A queue or an exchange that does not exist (404).
        case resourceMissing = "resource_missing"
        /// Something exists with other properties, or a request breaks a rule (406).
        case preconditionFailed = "precondition_failed"
        /// The user lacks a permission (403).
        case accessRefused = "access_refused"
        /// Somebody else uses it exclusively (405).
        case resourceLocked = "resource_locked"
        /// Used before it was open or after it was closed.
        case notConnected = "not_connected"
        /// Closed by its owner.
        case stopped = "stopped"
        /// What arrived is not AMQP 0-9-1 as agreed.
        case protocolViolation = "protocol_violation"
        /// Memory, threads or descriptors ran out.
        case outOfResources = "out_of_resources"
    }

    /// What kind of failure.
    public let code: Code
    /// What was being done, in a few words.
    public let operation: String
    /// What went wrong.
    public let message: String
    /// What mends it.
    public let remedy: String
    /// The broker's reply code, if it gave one (AMQP 0-9-1, 1.2).
    public let replyCode: Int?
    /// Whether trying again later can succeed without anybody changing anything.
    public let isTransient: Bool
    /// Whether a `basic.publish` provoked it: then one of the unconfirmed messages is to blame.
    let isCausedByPublish: Bool

    /// Creates an error; whether it is transient follows from the code unless said otherwise.
    public init(
        _ code: Code, operation: String, message: String, remedy: String, replyCode: Int? = nil,
        isTransient: Bool? = nil
    ) {
        self.init(
            code, operation: operation, message: message, remedy: remedy, replyCode: replyCode,
            isTransient: isTransient, isCausedByPublish: false)
    }

    init(
        _ code: Code, operation: String, message: String, remedy: String, replyCode: Int?, isTransient: Bool?,
        isCausedByPublish: Bool
    ) {
        self.code = code
        self.operation = operation
        self.message = message
        self.remedy = remedy
        self.replyCode = replyCode
        self.isTransient = isTransient ?? code.isUsuallyTransient
        self.isCausedByPublish = isCausedByPublish
    }

    /// One line for people: operation, what went wrong, what mends it, the code.
    public var description: String {
        let reply = replyCode.map { ", reply code \($0)" } ?? ""
        return "\(operation): \(message). \(remedy) [\(code.rawValue)\(reply)]"
    }
}

extension AMQPError.Code {
    fileprivate var isUsuallyTransient: Bool {
        switch self {
        case .cannotConnect, .connectionLost, .connectionClosedByBroker, .channelClosedByBroker, .timedOut,
            .resourceMissing, .resourceLocked, .notConnected, .protocolViolation, .outOfResources:
            true
        case .invalidConfiguration, .invalidMessage, .loginRefused, .virtualHostRefused, .tlsFailed,
            .preconditionFailed, .accessRefused, .stopped:
            false
        }
    }
}
