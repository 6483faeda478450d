// The boundaries between what is on the disk, what the broker has and what neither knows yet, as places where a test can end
// this process. They are named after the rows of the crash table in docs/reliability.md. Invariant: nothing happens at any of
// them unless one was armed, which a process does once, at its start, and only when two variables of its environment ask for it
// (Ferry/Composition/FailpointSetting). They stand here because this is the lowest of the rooms that commit and publish.
internal import Foundation
internal import Synchronization

/// A boundary of a job's way at which a process may be ended for a test.
public enum Failpoint: String, Sendable, Hashable, CaseIterable {
    /// A delivery is here; nothing has been done for it.
    case received
    /// What the store knows about the job was read; its run begins.
    case prepared
    /// The intent of a write to an outside system is on the disk, the write is not made.
    case intentRecorded = "intent_recorded"
    /// An outside system has the write, the store knows of its intent alone.
    case targetWritten = "target_written"
    /// The run has ended, nothing of it is stored.
    case beforeCommit = "before_commit"
    /// Rows are written, and their transaction is not committed.
    case inCommit = "in_commit"
    /// The commit is on the disk, nothing that it owes is published.
    case afterCommit = "after_commit"
    /// What is owed was read and is about to be published.
    case beforePublish = "before_publish"
    /// The broker has confirmed what was owed, the store has not heard of it.
    case afterPublish = "after_publish"
    /// A page of a relay's children is published, more are owed.
    case relayPage = "relay_page"
    /// Everything is settled, the broker is not answered.
    case beforeAck = "before_ack"
    /// The answer was handed to the connection.
    case afterAck = "after_ack"
    /// The keeper has a dead letter, the store does not.
    case letterReceived = "letter_received"
    /// The dead letter is in the store, the broker is not answered.
    case letterStored = "letter_stored"
    /// What an operator asked for is committed, nothing that it owes is published.
    case operatorCommitted = "operator_committed"

    /// What happens when an armed point is reached.
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// The process ends as by `kill -9`.
        case kill
        /// The process stops as by `kill -STOP`, until it gets a SIGCONT.
        case pause
        /// The process ends with status 86; nothing is closed.
        case exit
    }

    /// A point to which something shall happen.
    public struct Plan: Sendable, Hashable {
        /// The point.
        public var point: Failpoint
        /// At which pass it happens, counted from 1 over the whole process.
        public var pass: Int
        /// What happens.
        public var action: Action

        /// Makes a plan.
        public init(_ point: Failpoint, pass: Int = 1, action: Action = .kill) {
            self.point = point
            self.pass = pass
            self.action = action
        }
    }

    private static let isArmed = Atomic<Bool>(false)
    private static let plan = Mutex<Plan?>(nil)
    private static let passes = Atomic<Int>(0)

    /// Arms a point for the rest of this process's life; nil disarms.
    public static func arm(_ plan: Plan?) {
        Self.plan.withLock { $0 = plan }
        passes.store(0, ordering: .sequentiallyConsistent)
        isArmed.store(plan != nil, ordering: .sequentiallyConsistent)
    }

    /// Passes the point: one load, unless a point is armed.
    @inline(__always)
    public func pass() {
        if Self.isArmed.load(ordering: .relaxed) { passArmed() }
    }

    private func passArmed() {
        guard let plan = Self.plan.withLock({ $0 }), plan.point == self,
            Self.passes.add(1, ordering: .sequentiallyConsistent).newValue == plan.pass
        else { return }
        switch plan.action {
        case .kill: kill(getpid(), SIGKILL)
        case .pause: kill(getpid(), SIGSTOP)
        case .exit: _exit(86)
        }
    }
}
