// How to reach a broker: addresses, credentials, time limits. Where URLs are read is AMQPURL.swift.
// Invariant: whatever passed `validate` can be handed to librabbitmq as it is; a password never shows in a description.

/// The address of one broker node.
public struct AMQPEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// DNS name or IP address; TLS verifies DNS names only.
    public let host: String
    /// TCP port.
    public let port: Int

    /// Creates an address.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`, an IPv6 address in brackets.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// What an encrypted connection is verified with; TLS 1.2 is the oldest version spoken.
public struct AMQPTLS: Sendable, Hashable {
    /// Path of the PEM bundle of the certificate authorities to trust; there is no default trust.
    public let caFile: String
    /// Path of the client's PEM certificate chain, if the broker asks for one.
    public let certificateFile: String?
    /// Path of the client's PEM key, without a passphrase.
    public let keyFile: String?
    /// Whether the broker's certificate must be signed by one of ``caFile``.
    public let verifyPeer: Bool
    /// Whether the certificate must name the host that was asked for.
    public let verifyHost: Bool

    /// Creates TLS settings.
    public init(
        caFile: String, certificateFile: String? = nil, keyFile: String? = nil, verifyPeer: Bool = true,
        verifyHost: Bool = true
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.verifyPeer = verifyPeer
        self.verifyHost = verifyHost
    }
}

/// How long to wait between attempts: doubled each time, and scattered so that many clients do not return at once.
public struct AMQPBackoff: Sendable, Hashable {
    /// The first wait.
    public var initial: Duration
    /// The longest wait.
    public var maximum: Duration
    /// The share of a wait that is random, 0–1: with 0.5 a wait of 10 s takes 5–10 s.
    public var jitter: Double

    /// Creates a backoff.
    public init(initial: Duration = .milliseconds(200), maximum: Duration = .seconds(15), jitter: Double = 0.5) {
        self.initial = initial
        self.maximum = maximum
        self.jitter = jitter
    }

    /// The wait before attempt number `attempt` (1 is the first repetition); `random` is in 0..<1.
    func delay(attempt: Int, random: Double) -> Duration {
        // 2^20 initial waits are past any maximum; a higher power would overflow.
        let grown = min(initial * (1 << min(max(attempt - 1, 0), 20)), maximum)
        return grown * (1 - min(max(jitter, 0), 1) * random)
    }
}

/// Everything needed to reach a broker.
public struct AMQPConfiguration: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The nodes of the broker; they are tried in random order.
    public var endpoints: [AMQPEndpoint]
    /// The virtual host.
    public var virtualHost: String
    /// The user.
    public var username: String
    /// The user's password.
    public var password: String
    /// TLS settings; nothing means an unencrypted connection.
    public var tls: AMQPTLS?
    /// The longest silence before a sign of life is sent; twice that without one from the broker ends the connection.
    ///
    /// Whole seconds, 1–300; the broker may ask for less.
    public var heartbeat: Duration = .seconds(20)
    /// The time limit for connecting to one node, and again for TLS and login.
    public var connectTimeout: Duration = .seconds(10)
    /// The time limit for an answer of the broker.
    public var rpcTimeout: Duration = .seconds(20)
    /// The largest frame in bytes, 4096 or more; the broker may ask for less.
    public var frameMax: Int = 131_072
    /// What the broker's management pages call this connection.
    public var connectionName: String
    /// The waits between attempts to connect.
    public var backoff = AMQPBackoff()

    /// Creates a configuration.
    public init(
        endpoints: [AMQPEndpoint], virtualHost: String, username: String, password: String, tls: AMQPTLS? = nil,
        connectionName: String
    ) {
        self.endpoints = endpoints
        self.virtualHost = virtualHost
        self.username = username
        self.password = password
        self.tls = tls
        self.connectionName = connectionName
    }

    /// The configuration without its password.
    public var description: String {
        let scheme = tls == nil ? "amqp" : "amqps"
        let hosts = endpoints.map(\.description).joined(separator: ",")
        return "\(scheme)://\(username):***@\(hosts)/\(virtualHost)"
    }

    /// The same without its password, for debuggers and dumps.
    public var customMirror: Mirror { Mirror(self, children: ["url": description]) }

    /// The heartbeat in whole seconds.
    var heartbeatSeconds: Int { Int(heartbeat.components.seconds) }

    /// - Throws: ``AMQPError`` with code `invalid_configuration` naming the setting.
    func validate() throws(AMQPError) {
        func refuse(_ message: String, _ remedy: String) -> AMQPError {
            AMQPError(.invalidConfiguration, operation: "read the broker's settings", message: message, remedy: remedy)
        }
        guard !endpoints.isEmpty else {
            throw refuse("there is no broker address", "Give at least one URL such as amqp://user:password@host/vhost.")
        }
        for endpoint in endpoints {
            guard !endpoint.host.isEmpty, !endpoint.host.utf8.contains(0), (1...65535).contains(endpoint.port) else {
                throw refuse("the address \(endpoint) cannot be used", "Give a host and a port from 1 to 65535.")
            }
        }
        for (name, value) in [
            ("virtual host", virtualHost), ("user", username), ("password", password),
            ("connection name", connectionName),
        ] where value.utf8.contains(0) || value.utf8.count > 255 {
            throw refuse("the \(name) has a NUL or more than 255 bytes", "Correct the \(name).")
        }
        guard !virtualHost.isEmpty, !username.isEmpty else {
            throw refuse("the virtual host or the user is empty", "Name both; the default virtual host is %2F.")
        }
        guard (1...300).contains(heartbeatSeconds), heartbeat == .seconds(heartbeatSeconds) else {
            throw refuse("the heartbeat is \(heartbeat)", "Give whole seconds from 1 to 300; 20 is the default.")
        }
        guard (4096...16_777_216).contains(frameMax) else {
            throw refuse("frameMax is \(frameMax)", "Give 4096 to 16777216 bytes; 131072 is the default.")
        }
        for (name, limit) in [("connectTimeout", connectTimeout), ("rpcTimeout", rpcTimeout)]
        where limit < .milliseconds(10) || limit > .seconds(3600) {
            throw refuse("\(name) is \(limit)", "Give 10 milliseconds to one hour.")
        }
        guard backoff.initial > .zero, backoff.maximum >= backoff.initial else {
            throw refuse("the backoff's waits are out of order", "Give 0 < initial ≤ maximum.")
        }
        if let tls {
            guard !tls.caFile.isEmpty, (tls.certificateFile == nil) == (tls.keyFile == nil) else {
                throw refuse(
                    "TLS needs a CA file, and a client certificate needs its key",
                    "Set caFile, and certificateFile and keyFile together or not at all.")
            }
        }
    }
}
