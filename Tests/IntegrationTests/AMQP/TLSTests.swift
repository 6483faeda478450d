// Encrypted connections, against a node with certificates made for the test.
import AMQP
import Foundation
import Testing

@Suite("amqps") struct TLSTests {
    @Test("works with the right authority and client certificate, and is refused with anything wrong")
    func verification() async throws {
        let node = try await TLSNode()
        #expect(try await node.failure(node.configuration()) == nil)

        let wrongAuthority = try #require(try await node.failure(node.configuration(authority: "other")))
        #expect(wrongAuthority.code == .tlsFailed)
        #expect(!wrongAuthority.isTransient)
        #expect(wrongAuthority.message.contains("trusted"))

        // The certificate is for localhost only.
        let wrongHost = try #require(try await node.failure(node.configuration(host: "127.0.0.1")))
        #expect(wrongHost.code == .tlsFailed)
        #expect(!wrongHost.isTransient)
        #expect(wrongHost.message.contains("another host"))

        #expect(try await node.failure(node.configuration(client: nil))?.code == .tlsFailed)
        #expect(try await node.failure(node.configuration(client: "locked"))?.code == .tlsFailed)
        #expect(try await node.failure(node.configuration(authority: "missing"))?.code == .tlsFailed)

        var configuration = try node.configuration()
        configuration.endpoints = [AMQPEndpoint(host: "localhost", port: node.broker.port)]
        #expect(try await node.failure(configuration)?.code == .tlsFailed)
        configuration = try node.configuration()
        configuration.tls = nil
        #expect([.cannotConnect, .protocolViolation].contains(try await node.failure(configuration)?.code))
        try await node.remove()
    }

    @Test("carries thousands of messages of all sizes both ways")
    func traffic() async throws {
        let node = try await TLSNode()
        let queue = TestQueue(configuration: try node.configuration(), name: "test-\(randomName())")
        let connection = try await queue.connect()
        try await connection.declareQueue(queue.name, arguments: ["x-queue-type": .string("quorum")])
        await connection.close()
        let bodies = (0..<3000).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $0 * 7 % 20_011) }
        try await ConsumerLog.with(queue.consumer(prefetch: 300), acknowledging: true) { log in
            try await queue.send(bodies.map { queue.message($0) })
            try await eventually("all arrive") { await log.deliveries.count == bodies.count }
            #expect(await log.deliveries.map(\.body) == bodies)
        }
        try await node.remove()
    }
}

/// A node with a TLS listener that asks for client certificates.
private struct TLSNode {
    let broker: PrivateBroker
    private let files: Certificates
    private let port: Int

    init() async throws {
        files = try await Certificates()
        port = try TestProxy.freePort()
        broker = try await PrivateBroker.own(
            configuration: """
                listeners.ssl.local = 127.0.0.1:\(port)
                ssl_options.cacertfile = \(files.path("ca.pem"))
                ssl_options.certfile = \(files.path("server.pem"))
                ssl_options.keyfile = \(files.path("server.key"))
                ssl_options.verify = verify_peer
                ssl_options.fail_if_no_peer_cert = true
                """)
    }

    func remove() async throws {
        try await broker.remove()
        files.remove()
    }

    func configuration(
        host: String = "localhost", authority: String = "ca", client: String? = "client"
    ) throws -> AMQPConfiguration {
        var configuration = try AMQPConfiguration(urls: [broker.operatorURL], connectionName: "test")
        configuration.endpoints = [AMQPEndpoint(host: host, port: port)]
        configuration.connectTimeout = .seconds(5)
        configuration.tls = AMQPTLS(
            caFile: files.path("\(authority).pem"), certificateFile: client.map { files.path("\($0).pem") },
            keyFile: client.map { files.path("\($0).key") })
        return configuration
    }

    /// What goes wrong when a connection is opened and used, if anything does.
    func failure(_ configuration: AMQPConfiguration) async throws -> AMQPError? {
        do throws(AMQPError) {
            let connection = try await AMQPConnection.open(configuration, logger: quietLogger)
            try await connection.declareQueue("test-\(randomName())")
            await connection.close()
            return nil
        } catch {
            return error
        }
    }
}

/// Certificates made by `openssl` for one test.
struct Certificates {
    private let folder: URL

    init() async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "ferry-certificates-\(randomName())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let script = """
            set -e
            authority() {
                openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.pem" -days 2 -subj "/CN=$1 authority"
            }
            certificate() {
                openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
                printf 'subjectAltName=DNS:%s\\n' "$2" >"$1.ext"
                openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" \
                    -out "$1.pem"
            }
            authority ca
            authority other
            certificate server localhost
            certificate client client
            cp client.pem locked.pem
            openssl rsa -in client.key -aes128 -passout pass:secret -out locked.key
            """
        try await Program("/bin/sh", ["-c", script], folder: folder.path).run()
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    func remove() {
        // What is left over in the temporary folder are certificates for nothing.
        try? FileManager.default.removeItem(at: folder)
    }
}
