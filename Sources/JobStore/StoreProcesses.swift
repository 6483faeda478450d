// Which processes on a store's file are alive. Each locks one byte of a file beside the store, at the offset that is its
// number; the kernel frees it whatever ends the process, and one that is only stopped keeps it. Invariant: no number is
// given twice (62 random bits), so a number whose byte is free is a process that is gone for good. Locks of the open file
// description (OFD): two stores that one process opens are two, and nothing another library closes takes a lock away.
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The processes on one store's file; this is the end of one of them.
final class StoreProcesses: Sendable {
    /// What is added to the store's path; the file is empty and stays.
    static let suffix = "-processes"
    #if os(Linux)
        // The headers show these only to programs that ask for GNU's extensions.
        private static let testLock: Int32 = 36
        private static let setLock: Int32 = 37
    #else
        private static let testLock = F_OFD_GETLK
        private static let setLock = F_OFD_SETLK
    #endif

    /// This process's number on this file, never given again.
    let own: Int64
    private let descriptor: Int32

    /// Opens the file beside the store and takes a number.
    init(storePath: String) throws(JobStoreError) {
        let path = storePath + Self.suffix
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.refusal(path, errno) }
        for _ in 0..<10 {
            let number = Int64.random(in: 1..<1 << 62)
            if Self.lock(number, F_WRLCK, by: Self.setLock, descriptor) != nil {
                own = number
                return
            }
        }
        let reason = errno
        close(descriptor)
        throw Self.refusal(path, reason)
    }

    deinit { close(descriptor) }

    /// Gives the number up: from now on this process counts as gone.
    func release() { _ = Self.lock(own, F_UNLCK, by: Self.setLock, descriptor) }

    /// Whether the process of this number may be alive: what can't be asked counts as alive.
    func isAlive(_ number: Int64) -> Bool {
        guard number != own else { return true }
        guard number > 0, let found = Self.lock(number, F_WRLCK, by: Self.testLock, descriptor) else {
            return number > 0
        }
        return found != Int16(F_UNLCK)
    }

    /// Locks or unlocks a byte, or asks who holds it; answers the kind of lock found, nil when the system refuses.
    private static func lock(
        _ number: Int64, _ kind: Int32, by command: Int32, _ descriptor: Int32
    ) -> Int16? {
        var lock = flock()
        lock.l_type = Int16(kind)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(number)
        lock.l_len = 1
        // Open file descriptions own these locks, no process does.
        lock.l_pid = 0
        guard fcntl(descriptor, command, &lock) == 0 else { return nil }
        return lock.l_type
    }

    private static func refusal(_ path: String, _ reason: Int32) -> JobStoreError {
        JobStoreError(
            .cannotOpen, operation: "open", message: "\(path) can't be locked: \(String(cString: strerror(reason)))",
            remedy: "make it and its folder writable for this user, on a file system of this machine that has locks")
    }
}
