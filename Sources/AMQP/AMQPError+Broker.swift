// How failures of librabbitmq and closes of the broker become errors with a code and a remedy.
// Invariant: the texts of the broker are passed on; they name queues, exchanges and users, never passwords or bodies.
import CRabbitMQ

/// When a failure happened; the same status of the library means different things then.
enum ConnectionPhase {
    case connect(AMQPEndpoint)
    case login(AMQPEndpoint)
    case use

    fileprivate var isUse: Bool {
        if case .use = self { true } else { false }
    }

    /// What a broken connection means at this time.
    fileprivate func meaning(of text: String) -> (AMQPError.Code, String) {
        switch self {
        case .connect(let endpoint): (.cannotConnect, "nobody accepts connections at \(endpoint) (\(text))")
        case .login: (.cannotConnect, "the connection ended during the login (\(text))")
        case .use: (.connectionLost, text)
        }
    }
}

extension AMQPError {
    /// From a status of librabbitmq.
    init(
        status: amqp_status_enum, text: String, operation: String, phase: ConnectionPhase, heartbeatSeconds: Int
    ) {
        switch status {
        case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED:
            self.init(
                .cannotConnect, operation: operation, message: "the host name cannot be resolved",
                remedy: "Correct the host in the broker URL, or the name service.")
        case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
            self.init(
                .tlsFailed, operation: operation,
                message: "the broker's certificate is not signed by a trusted authority, or has expired",
                remedy: "Name the CA bundle that signed it, or renew the certificate.")
        case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
            self.init(
                .tlsFailed, operation: operation, message: "the broker's certificate is for another host",
                remedy: "Connect by a DNS name that the certificate lists.")
        case AMQP_STATUS_SSL_CONNECTION_FAILED where !phase.isUse:
            self.init(
                .tlsFailed, operation: operation, message: "no TLS connection came about (\(text))",
                remedy: "Check that the port is the broker's TLS port and accepts TLS 1.2 or newer.",
                isTransient: true)
        case AMQP_STATUS_SSL_ERROR where !phase.isUse:
            self.init(
                .tlsFailed, operation: operation, message: "the broker broke the TLS connection off (\(text))",
                remedy: "Check whether it asks for a client certificate, and from which authority.",
                isTransient: true)
        case AMQP_STATUS_TIMEOUT where !phase.isUse:
            self.init(
                .cannotConnect, operation: operation, message: "no answer within the connect timeout",
                remedy: "Check host, port and firewall, and that the broker runs.")
        case AMQP_STATUS_TIMEOUT:
            self.init(
                .timedOut, operation: operation, message: "the broker did not answer in time",
                remedy: "Check the broker's load and the network.")
        case AMQP_STATUS_HEARTBEAT_TIMEOUT:
            self.init(
                .connectionLost, operation: operation,
                message: "no sign of life from the broker for \(2 * heartbeatSeconds) s",
                remedy: "Check the network between here and the broker.")
        case AMQP_STATUS_NO_MEMORY:
            self.init(
                .outOfResources, operation: operation, message: "librabbitmq got no memory",
                remedy: "Give the process more memory.")
        case AMQP_STATUS_BAD_AMQP_DATA, AMQP_STATUS_UNKNOWN_CLASS, AMQP_STATUS_UNKNOWN_METHOD,
            AMQP_STATUS_WRONG_METHOD, AMQP_STATUS_UNEXPECTED_STATE, AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION,
            AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD:
            self.init(
                .protocolViolation, operation: operation, message: "the other side does not speak AMQP 0-9-1: \(text)",
                remedy: "Check that host and port are a RabbitMQ broker's AMQP listener.")
        default:
            let (code, message) = phase.meaning(of: text)
            self.init(
                code, operation: operation, message: message, remedy: "Check that the broker runs and is reachable.")
        }
    }

    /// From a channel.close or a connection.close.
    init(replyCode: Int, text: String, operation: String, isConnection: Bool, isCausedByPublish: Bool) {
        let (code, remedy, isTransient) = AMQPError.meaning(
            of: replyCode, text: text, isConnection: isConnection)
        self.init(
            code, operation: operation, message: "the broker says: \(text)", remedy: remedy, replyCode: replyCode,
            isTransient: isTransient, isCausedByPublish: isCausedByPublish)
    }

    /// From the connection.close that answers a login.
    init(loginReplyCode: Int, text: String, operation: String, configuration: AMQPConfiguration) {
        // RabbitMQ: 403 for credentials and for a vhost closed to the user, 530 for an unknown one and for limits.
        let isVirtualHost = text.contains("vhost")
        if loginReplyCode == 403 && !isVirtualHost {
            self.init(
                .loginRefused, operation: operation,
                message: "the broker refuses user \(configuration.username): \(text)",
                remedy: "Correct user and password in the broker URL.", replyCode: loginReplyCode)
        } else if isVirtualHost || loginReplyCode == 530 {
            let isTransient = text.contains("limit") || text.contains("is down")
            self.init(
                .virtualHostRefused, operation: operation,
                message: "the broker refuses virtual host \(configuration.virtualHost): \(text)",
                remedy: "Correct the virtual host in the broker URL, or give the user permissions in it.",
                replyCode: loginReplyCode, isTransient: isTransient)
        } else {
            self.init(
                replyCode: loginReplyCode, text: text, operation: operation, isConnection: true,
                isCausedByPublish: false)
        }
    }

    private static func meaning(
        of replyCode: Int, text: String, isConnection: Bool
    ) -> (code: Code, remedy: String, isTransient: Bool?) {
        if isConnection {
            return (
                .connectionClosedByBroker,
                replyCode == 320
                    ? "An operator or a stopping broker closed it; the connection is made anew."
                    : "See the broker's log; the connection is made anew.", nil
            )
        }
        switch replyCode {
        case 404: return (.resourceMissing, "Create what is missing, or correct its name.", nil)
        // An exclusive consumer elsewhere is a 403 by number, but it goes away when that consumer does.
        case 403 where text.contains("exclusive"):
            return (.resourceLocked, "Wait for its present user, or stop that one.", nil)
        case 403: return (.accessRefused, "Give the user the permission that the text names.", nil)
        case 405: return (.resourceLocked, "Wait for its present user, or stop that one.", nil)
        case 406 where text.contains("timed out"):
            return (
                .preconditionFailed, "Raise the broker's consumer_timeout, or lower prefetch or job timeouts.", true
            )
        case 406: return (.preconditionFailed, "Make the request agree with what exists.", nil)
        default: return (.channelClosedByBroker, "See the broker's log.", nil)
        }
    }
}
