// The gate in front of every read, shared by all processes on one file: closed while a checkpoint is due, so that the
// readers that are there run out and no new ones come. Invariant: it is an operating system's lock, which a process that
// dies gives back; and nobody waits at it without a bound, because a process that is stopped does not.
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A lock on a file beside the store: `jobs.sqlite-gate`.
final class CheckpointGate: Sendable {
    /// What is behind the store's path.
    static let suffix = "-gate"

    /// Two descriptors, because locks are of a descriptor: one that closes the gate, one that looks whether it is closed.
    private let closer: Int32
    private let lookout: Int32

    init(storePath: String) throws(JobStoreError) {
        let path = storePath + Self.suffix
        closer = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        lookout = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard closer >= 0, lookout >= 0 else {
            throw JobStoreError(
                .cannotOpen, operation: "open", message: "\(path) can't be opened: \(String(cString: strerror(errno)))",
                remedy: "make the folder and this file writable for this user, and look at the limit of open files")
        }
    }

    deinit {
        // The destructor of an object whose initialiser threw closes what was opened.
        for descriptor in [closer, lookout] where descriptor >= 0 { Foundation.close(descriptor) }
    }

    /// Closes the gate for the readers of all processes; false when another checkpoint has closed it.
    func shut() -> Bool {
        for _ in 0..<20 {
            if flock(closer, LOCK_EX | LOCK_NB) == 0 { return true }
            // A reader's look holds the lock for a microsecond, another checkpoint for much longer.
            usleep(100)
        }
        return false
    }

    /// Opens it again.
    func reopen() { _ = flock(closer, LOCK_UN) }

    /// Whether a checkpoint is due or under way, in this process or another.
    var isShut: Bool {
        guard flock(lookout, LOCK_SH | LOCK_NB) != 0 else {
            // The look of another thread may end with this one: it was over as well.
            _ = flock(lookout, LOCK_UN)
            return false
        }
        return errno == EWOULDBLOCK
    }

    /// Waits until it is open, at most so long.
    ///
    /// - Throws: `CancellationError`.
    func pass(within limit: Duration) async throws {
        guard isShut else { return }
        let deadline = ContinuousClock.now + limit
        while isShut, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(2)) }
    }

    /// Waits until it is shut, beginning to look after `delay`.
    ///
    /// - Throws: `CancellationError`.
    func untilShut(after delay: Duration) async throws {
        try await Task.sleep(for: delay)
        while !isShut { try await Task.sleep(for: .milliseconds(20)) }
    }
}
