// What tells runs apart, of one job and of all processes.

internal import Synchronization

/// The ids of runs.
enum RunID {
    /// Where this process begins to count, at random in 64 bits: a random number for each would be a system call for each.
    private static let first = UInt64.random(in: .min ... .max)
    private static let count = Atomic<UInt64>(0)

    /// An id that no other run has.
    static func next() -> String {
        String(first &+ count.wrappingAdd(1, ordering: .relaxed).oldValue, radix: 36)
    }
}
