// Reads broker URLs: amqp[s]://user:password@host:port/vhost, after the RabbitMQ URI specification.
// Invariant: nothing is guessed. What is ambiguous or not understood is refused by name, and a URL is never repeated
// in an error, because it holds the password.

extension AMQPConfiguration {
    /// Creates a configuration from one URL for each node of the broker.
    ///
    /// Percent-encoding is honoured everywhere. Left-out parts mean: port 5672 (`amqps`: 5671), user and password
    /// `guest`, virtual host `/`. All URLs must agree on everything but host and port.
    ///
    /// - Throws: ``AMQPError`` with code `invalid_configuration`.
    public init(urls: [String], tls: AMQPTLS? = nil, connectionName: String) throws(AMQPError) {
        var parsed: [AMQPURL] = []
        for url in urls { parsed.append(try AMQPURL(url)) }
        guard let first = parsed.first else {
            throw AMQPURL.refusal("there is no broker URL", "Give at least one, amqp://user:password@host/vhost.")
        }
        guard parsed.allSatisfy({ $0.agrees(with: first) }) else {
            throw AMQPURL.refusal(
                "the broker URLs differ in more than host and port",
                "Use the same scheme, user, password and virtual host in all of them.")
        }
        guard first.isEncrypted == (tls != nil) else {
            throw first.isEncrypted
                ? AMQPURL.refusal("an amqps URL needs TLS settings", "Name the CA bundle to trust.")
                : AMQPURL.refusal("there are TLS settings, but the URL is amqp", "Write amqps, or drop them.")
        }
        self.init(
            endpoints: parsed.map(\.endpoint), virtualHost: first.virtualHost, username: first.username,
            password: first.password, tls: tls, connectionName: connectionName)
        try validate()
    }
}

/// The parts of one broker URL.
struct AMQPURL {
    let isEncrypted: Bool
    let username: String
    let password: String
    let endpoint: AMQPEndpoint
    let virtualHost: String

    init(_ url: String) throws(AMQPError) {
        var rest = Substring(url)
        if let scheme = AMQPURL.cut("amqps://", from: rest) {
            isEncrypted = true
            rest = scheme
        } else if let scheme = AMQPURL.cut("amqp://", from: rest) {
            isEncrypted = false
            rest = scheme
        } else {
            throw AMQPURL.refusal("a broker URL starts neither with amqp:// nor with amqps://", AMQPURL.example)
        }
        guard !rest.utf8.contains(UInt8(ascii: "?")), !rest.utf8.contains(UInt8(ascii: "#")) else {
            throw AMQPURL.refusal(
                "a broker URL has a ? or # part, which is not understood",
                "Put such settings into the configuration; write ? as %3F and # as %23 where they are meant.")
        }

        let slash = rest.firstIndex(of: "/")
        let authority = rest[..<(slash ?? rest.endIndex)]
        let path = slash.map { rest[rest.index(after: $0)...] }
        // A literal @ in a password is a common slip: the last one separates, the rest belongs to the password.
        let at = authority.lastIndex(of: "@")
        (username, password) = try AMQPURL.credentials(at.map { authority[..<$0] })
        endpoint = try AMQPURL.endpoint(
            at.map { authority[authority.index(after: $0)...] } ?? authority, defaultPort: isEncrypted ? 5671 : 5672)

        switch path {
        case nil: virtualHost = "/"
        case "":
            throw AMQPURL.refusal(
                "a broker URL ends with a slash, which names a virtual host without a name",
                "Leave the slash out or write %2F for the default virtual host, or name another one.")
        case let path? where path.contains("/"):
            throw AMQPURL.refusal("a broker URL has more than one slash after the host", "Write %2F for a slash.")
        case let path?: virtualHost = try AMQPURL.decoded(path, part: "virtual host")
        }
    }

    func agrees(with other: AMQPURL) -> Bool {
        isEncrypted == other.isEncrypted && username.utf8.elementsEqual(other.username.utf8)
            && password.utf8.elementsEqual(other.password.utf8)
            && virtualHost.utf8.elementsEqual(other.virtualHost.utf8)
    }

    private static let example = "Write amqp://user:password@host:port/vhost."

    static func refusal(_ message: String, _ remedy: String) -> AMQPError {
        AMQPError(.invalidConfiguration, operation: "read a broker URL", message: message, remedy: remedy)
    }

    private static func cut(_ prefix: String, from text: Substring) -> Substring? {
        text.prefix(prefix.count).lowercased() == prefix ? text.dropFirst(prefix.count) : nil
    }

    private static func credentials(_ text: Substring?) throws(AMQPError) -> (String, String) {
        guard let text else { return ("guest", "guest") }
        guard let colon = text.firstIndex(of: ":") else {
            throw refusal("a broker URL names a user without a password", example)
        }
        return (
            try decoded(text[..<colon], part: "user"),
            try decoded(text[text.index(after: colon)...], part: "password")
        )
    }

    private static func endpoint(_ text: Substring, defaultPort: Int) throws(AMQPError) -> AMQPEndpoint {
        let host: Substring
        let portText: Substring?
        if text.first == "[" {
            guard let bracket = text.firstIndex(of: "]") else {
                throw refusal("a broker URL opens a bracket and does not close it", "Write an IPv6 host as [::1].")
            }
            host = text[text.index(after: text.startIndex)..<bracket]
            let after = text[text.index(after: bracket)...]
            guard after.isEmpty || after.first == ":" else {
                throw refusal("a broker URL has text between an IPv6 host and its port", example)
            }
            portText = after.isEmpty ? nil : after.dropFirst()
        } else {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = parts[0]
            portText = parts.count > 1 ? parts[1] : nil
        }
        let name = try decoded(host, part: "host")
        guard !name.isEmpty else { throw refusal("a broker URL has no host", example) }
        guard let portText else { return AMQPEndpoint(host: name, port: defaultPort) }
        guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(portText),
            (1...65535).contains(port)
        else { throw refusal("a broker URL has a port that is no number from 1 to 65535", example) }
        return AMQPEndpoint(host: name, port: port)
    }

    /// Undoes percent-encoding; `+` stays `+`.
    private static func decoded(_ text: Substring, part: String) throws(AMQPError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
                throw refusal("the \(part) in a broker URL has a % without two hex digits", "Write % as %25.")
            }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw refusal("the \(part) in a broker URL is not UTF-8 once decoded", "Percent-encode its UTF-8 bytes.")
        }
        return decoded
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
