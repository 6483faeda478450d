// Reading broker URLs and settings.
import Testing

@testable import AMQP

@Suite("Broker URLs") struct URLTests {
    private func read(_ urls: String..., tls: AMQPTLS? = nil) throws(AMQPError) -> AMQPConfiguration {
        try AMQPConfiguration(urls: urls, tls: tls, connectionName: "test")
    }

    @Test("are read whole, percent-encoding included")
    func whole() throws {
        let read = try read("amqp://us%65r:p%40ss%2Fw%25%C3%BC+@host.example:1234/my%2Fvhost")
        #expect(read.username == "user")
        #expect(read.password == "p@ss/w%ü+")
        #expect(read.virtualHost == "my/vhost")
        #expect(read.endpoints == [AMQPEndpoint(host: "host.example", port: 1234)])
    }

    @Test("may leave parts out")
    func defaults() throws {
        let plain = try read("amqp://localhost")
        #expect(plain.endpoints == [AMQPEndpoint(host: "localhost", port: 5672)])
        #expect(plain.virtualHost == "/")
        #expect(plain.username == "guest")
        let tls = AMQPTLS(caFile: "ca.pem")
        let encrypted = try read("AMQPS://a:b@h", tls: tls)
        #expect(encrypted.endpoints[0].port == 5671)
        #expect(encrypted.tls == tls)
    }

    @Test("may name IPv6 hosts and several nodes")
    func nodes() throws {
        let read = try read("amqp://a:b@[::1]:5/v", "amqp://a:b@two/v", "amqp://a:b@[fe80::1]/v")
        #expect(
            read.endpoints == [
                AMQPEndpoint(host: "::1", port: 5), AMQPEndpoint(host: "two", port: 5672),
                AMQPEndpoint(host: "fe80::1", port: 5672),
            ])
        #expect(read.endpoints[0].description == "[::1]:5")
    }

    @Test(
        "that cannot be understood are refused without repeating them",
        arguments: [
            "", "localhost", "http://secret@h", "amqp://", "amqp://secret@h", "amqp://a:secret@", "amqp://a:secret@h/",
            "amqp://a:secret@h/v/w", "amqp://a:secret@h:x", "amqp://a:secret@h:0", "amqp://a:secret@h:65536",
            "amqp://a:secret@h:+1", "amqp://a:secret%zz@h", "amqp://a:secret%4@h", "amqp://a:secret%ff@h",
            "amqp://a:secret@[::1", "amqp://a:secret@[::1]x", "amqp://a:secret@h/v?heartbeat=1", "amqp://a:secret@h#x",
            "amqps://a:secret@h", "amqp://a:secret%00@h", "amqp://:secret@h",
        ])
    func refused(url: String) {
        #expect {
            try read(url)
        } throws: { error in
            guard let error = error as? AMQPError else { return false }
            return error.code == .invalidConfiguration && !error.description.contains("secret")
        }
    }

    @Test("of several nodes must agree in everything but host and port")
    func disagreement() {
        #expect(throws: AMQPError.self) { try self.read("amqp://a:b@h/v", "amqp://a:b@h/w") }
        #expect(throws: AMQPError.self) { try self.read("amqp://a:b@h/v", "amqp://a:c@h/v") }
        // Equal to Swift's ==, different to the broker.
        #expect(throws: AMQPError.self) { try self.read("amqp://a:%C3%BC@h/v", "amqp://a:u%CC%88@h/v") }
        #expect(throws: AMQPError.self) { try self.read("amqp://a:b@h/v", tls: AMQPTLS(caFile: "x")) }
        #expect(throws: AMQPError.self) { try AMQPConfiguration(urls: [], connectionName: "test") }
    }

    @Test("never show their password")
    func masked() throws {
        let read = try read("amqp://user:secret@h/v")
        var dumped = ""
        dump(read, to: &dumped)
        for text in ["\(read)", String(reflecting: read), dumped] {
            #expect(!text.contains("secret"))
            #expect(text.contains("user"))
        }
    }
}

@Suite("Settings") struct SettingsTests {
    @Test("out of range are refused by name")
    func ranges() throws {
        let good = try AMQPConfiguration(urls: ["amqp://h"], connectionName: "test")
        try good.validate()
        let faults: [(String, (inout AMQPConfiguration) -> Void)] = [
            ("heartbeat", { $0.heartbeat = .zero }), ("heartbeat", { $0.heartbeat = .milliseconds(1500) }),
            ("heartbeat", { $0.heartbeat = .seconds(301) }), ("frameMax", { $0.frameMax = 4095 }),
            ("connectTimeout", { $0.connectTimeout = .zero }), ("rpcTimeout", { $0.rpcTimeout = .seconds(4000) }),
            ("backoff", { $0.backoff.initial = .zero }), ("address", { $0.endpoints = [] }),
            ("address", { $0.endpoints[0] = AMQPEndpoint(host: "", port: 1) }),
            ("connection name", { $0.connectionName = "a\0b" }), ("TLS", { $0.tls = AMQPTLS(caFile: "") }),
            ("TLS", { $0.tls = AMQPTLS(caFile: "a", certificateFile: "b") }),
        ]
        for (name, spoil) in faults {
            var bad = good
            spoil(&bad)
            #expect {
                try bad.validate()
            } throws: {
                ($0 as? AMQPError)?.code == .invalidConfiguration && "\($0)".contains(name)
            }
        }
    }

    @Test("of the backoff: waits double up to the maximum and are scattered downwards")
    func backoff() {
        let backoff = AMQPBackoff(initial: .milliseconds(200), maximum: .seconds(15), jitter: 0.5)
        #expect(backoff.delay(attempt: 1, random: 0) == .milliseconds(200))
        #expect(backoff.delay(attempt: 3, random: 0) == .milliseconds(800))
        #expect(backoff.delay(attempt: 3, random: 0.5) == .milliseconds(600))
        #expect(backoff.delay(attempt: 8, random: 0) == .seconds(15))
        #expect(backoff.delay(attempt: .max, random: 0) == .seconds(15))
        #expect(backoff.delay(attempt: 0, random: 0) == .milliseconds(200))
    }
}

@Suite("Errors") struct ErrorTests {
    private func channelClose(_ code: Int, _ text: String = "") -> AMQPError {
        AMQPError(replyCode: code, text: text, operation: "x", isConnection: false, isCausedByPublish: false)
    }

    @Test("of the channel have codes by the broker's reply")
    func channel() {
        #expect(channelClose(404).code == .resourceMissing)
        #expect(channelClose(403).code == .accessRefused)
        #expect(channelClose(403, "ACCESS_REFUSED - queue 'q' in exclusive use").code == .resourceLocked)
        #expect(channelClose(405).code == .resourceLocked)
        #expect(channelClose(406).code == .preconditionFailed)
        #expect(!channelClose(406).isTransient)
        #expect(channelClose(406, "delivery acknowledgement on channel 1 timed out").isTransient)
        #expect(channelClose(541).code == .channelClosedByBroker)
    }

    @Test("of the login tell user, virtual host and limits apart")
    func login() throws {
        let configuration = try AMQPConfiguration(urls: ["amqp://u:secret@h/v"], connectionName: "t")
        func refusal(_ code: Int, _ text: String) -> AMQPError {
            AMQPError(loginReplyCode: code, text: text, operation: "x", configuration: configuration)
        }
        #expect(refusal(403, "ACCESS_REFUSED - Login was refused using authentication").code == .loginRefused)
        #expect(refusal(530, "NOT_ALLOWED - vhost v not found").code == .virtualHostRefused)
        #expect(!refusal(530, "NOT_ALLOWED - vhost v not found").isTransient)
        #expect(refusal(403, "ACCESS_REFUSED - access to vhost 'v' refused for user 'u'").code == .virtualHostRefused)
        #expect(refusal(530, "NOT_ALLOWED - access to vhost 'v' refused: connection limit (1) is reached").isTransient)
        #expect(refusal(320, "CONNECTION_FORCED - broker forced connection closure").code == .connectionClosedByBroker)
    }

    @Test("say operation, message, remedy and code in one line")
    func text() {
        let error = AMQPError(
            .resourceMissing, operation: "consume from queue q", message: "no queue 'q'", remedy: "Create it.",
            replyCode: 404)
        #expect("\(error)" == "consume from queue q: no queue 'q'. Create it. [resource_missing, reply code 404]")
    }
}
