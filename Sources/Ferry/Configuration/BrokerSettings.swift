// How to reach the broker, as the configuration says it. Plain values: nothing here connects.
// Invariant: a password never shows in a description, a mirror or a problem.

public import AMQP

/// The `broker:` section.
public struct BrokerSettings: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// What stands for `url` when it is left out: RabbitMQ's own user on this machine, and the
    /// virtual host `/`.
    public static let defaultURL = "amqp://guest:guest@127.0.0.1:5672"

    /// `url` or `urls`: the nodes of the broker, `amqp[s]://user:password@host:port/vhost`.
    ///
    /// Default ``defaultURL``.
    public var urls: [String] = [defaultURL]
    /// `prefix`: what the names of all exchanges and queues begin with.
    ///
    /// Default `ferry`.
    public var prefix = "ferry"
    /// `tls`: what an encrypted connection is verified with; required by `amqps`.
    ///
    /// Default none.
    public var tls: AMQPTLS?
    /// `heartbeat`: the longest silence on a connection, whole seconds, 1s–5m.
    ///
    /// Default 20s.
    public var heartbeat: Duration = .seconds(20)
    /// `management_url`: `http[s]://user:password@host:port` of the management API, by which the topology is verified.
    ///
    /// Default none: the topology is verified as far as AMQP can.
    public var managementURL: String?
    /// `consumer_timeout`: how long the broker waits for an acknowledgement before it closes the channel.
    ///
    /// AMQP does not tell it, so the operator vouches for it, 1m–30d. Default 30m, RabbitMQ's own.
    public var consumerTimeout: Duration = .seconds(1800)

    /// The defaults.
    public init() {}

    /// What a connection is opened with.
    ///
    /// - Throws: ``AMQPError`` with code `invalid_configuration`; never for settings that were read from a file, which
    ///   were checked.
    public func connection(named name: String) throws(AMQPError) -> AMQPConfiguration {
        var configuration = try AMQPConfiguration(urls: urls, tls: tls, connectionName: name)
        configuration.heartbeat = heartbeat
        return configuration
    }

    /// The settings without passwords.
    public var description: String {
        let shown = urls.map(Self.masked).joined(separator: ", ")
        let management = managementURL.map { ", management \(Self.masked($0))" } ?? ""
        return "\(shown), prefix \(prefix)\(management)"
    }

    /// The same without passwords, for debuggers and dumps.
    public var customMirror: Mirror { Mirror(self, children: ["settings": description]) }

    /// `url` with `***` for the password; a text that is no such URL is masked whole.
    static func masked(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return "***" }
        guard let at = url.lastIndex(of: "@"), at >= scheme.upperBound else { return url }
        let user = url[scheme.upperBound..<at].prefix { $0 != ":" }
        return "\(url[..<scheme.upperBound])\(user):***\(url[at...])"
    }
}
