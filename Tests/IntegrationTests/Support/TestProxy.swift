// A TCP proxy inside the test process that can cut, refuse or swallow what passes through it.
// Invariant: in silence (`swallow`) no byte moves in either direction and no connection ends, like a network that has
// gone away; after `pass` everything goes on.
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Forwards 127.0.0.1:``port`` to a port of this machine.
final class TestProxy: Sendable {
    /// What it does with traffic.
    enum Mode: Sendable {
        case pass, swallow, refuse
    }

    private struct State {
        var mode = Mode.pass
        var sockets: [Int32] = []
        var accepted = 0
        var isStopped = false
    }

    /// The port it listens on.
    let port: Int
    private let target: Int
    private let listener: Int32
    private let state = Mutex(State())

    /// Starts a proxy to `target` on a free port.
    init(to target: Int) throws {
        self.target = target
        let listener = TestProxy.streamSocket()
        var address = TestProxy.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound else { throw NeverHappened(description: "the proxy found no port") }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { self.accept() }
    }

    /// How many connections have come so far.
    var accepted: Int { state.withLock { $0.accepted } }

    /// Changes what happens to traffic, also that of existing connections.
    func set(_ mode: Mode) { state.withLock { $0.mode = mode } }

    /// Ends all present connections.
    func cut() {
        for descriptor in state.withLock({ $0.sockets }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    /// Ends everything.
    func stop() {
        state.withLock { $0.isStopped = true }
        shutdown(listener, Int32(SHUT_RDWR))
        cut()
    }

    private var mode: Mode { state.withLock { $0.mode } }
    private var isStopped: Bool { state.withLock { $0.isStopped } }

    private func accept() {
        while !isStopped {
            #if canImport(Glibc)
                let near = Glibc.accept(listener, nil, nil)
            #else
                let near = Darwin.accept(listener, nil, nil)
            #endif
            guard near >= 0 else { break }
            state.withLock { $0.accepted += 1 }
            let far = TestProxy.streamSocket()
            var address = TestProxy.loopback(port: target)
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard mode != .refuse, connected else {
                close(near)
                close(far)
                continue
            }
            let tunnel = Tunnel()
            state.withLock { $0.sockets += [near, far] }
            for (from, to) in [(near, far), (far, near)] {
                Thread.detachNewThread { self.pump(from, to, of: tunnel) }
            }
        }
        close(listener)
    }

    private func pump(_ from: Int32, _ to: Int32, of tunnel: Tunnel) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        loop: while !isStopped {
            if mode == .swallow {
                usleep(5_000)
                continue
            }
            var entry = pollfd(fd: from, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 20) > 0 else { continue }
            let count = recv(from, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            var sent = 0
            while sent < count {
                let now = buffer[sent..<count].withUnsafeBytes {
                    send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard now > 0 else { break loop }
                sent += now
            }
        }
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
        // Whoever is last closes, so that no number is used again while the other still reads from it.
        if tunnel.leave() {
            state.withLock { $0.sockets.removeAll { $0 == from || $0 == to } }
            close(from)
            close(to)
        }
    }

    private final class Tunnel: Sendable {
        private let users = Mutex(2)
        func leave() -> Bool {
            users.withLock { count in
                count -= 1
                return count == 0
            }
        }
    }

    /// A port of this machine that nobody listens on at the moment.
    static func freePort() throws -> Int {
        let proxy = try TestProxy(to: 1)
        defer { proxy.stop() }
        return proxy.port
    }

    private static func streamSocket() -> Int32 {
        #if canImport(Glibc)
            socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        #else
            socket(AF_INET, SOCK_STREAM, 0)
        #endif
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }
}
