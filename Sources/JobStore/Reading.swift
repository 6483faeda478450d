// The ways to read: what a job needs, which is short by construction, what people ask for, which may be long and then gives
// way to a checkpoint, and what has to see the whole file. Invariant: a read is one transaction on a snapshot, and `body` may
// run more than once.
internal import GRDB

extension JobStore {
    /// How often a read that gave way is begun again.
    private static let maximumCuts = 5

    /// Reads in one short transaction, on a snapshot.
    ///
    /// On the caller's thread, since to change threads takes longer than it does; so nothing interrupts it.
    func read<Value: Sendable>(
        _ operation: String, _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(JobStoreError) -> Value {
        if writer.isClosed { throw .closed(operation) }
        do {
            try await log.gate.pass(within: limits.gateTime)
            return try readHere(body)
        } catch { throw JobStoreError(error, operation: operation) }
    }

    /// Not asynchronous, and so neither is the pool's `read`.
    private func readHere<Value>(_ body: (Database) throws -> Value) throws -> Value { try pool.read(body) }

    /// Reads in one transaction that may be long: one that has taken a second and is in the way of a checkpoint is cut off,
    /// and begun again behind it.
    func longRead<Value: Sendable>(
        _ operation: String, _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(JobStoreError) -> Value {
        if writer.isClosed { throw .closed(operation) }
        do {
            for _ in 0...Self.maximumCuts {
                try await log.gate.pass(within: limits.gateTime)
                if let value = try await untilInTheWay(body) { return value.value }
            }
        } catch { throw JobStoreError(error, operation: operation) }
        throw JobStoreError(
            .busy, operation: operation,
            message: "the read gave way to the writers \(Self.maximumCuts + 1) times, a second each",
            remedy: "ask for less, or again when fewer jobs are running")
    }

    /// Reads in one transaction that takes as long as it takes, on a thread of the store's; cancelling its task interrupts it.
    func uncutRead<Value: Sendable>(
        _ operation: String, _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(JobStoreError) -> Value {
        if writer.isClosed { throw .closed(operation) }
        do {
            try await log.gate.pass(within: limits.gateTime)
            return try await pool.read(body)
        } catch { throw JobStoreError(error, operation: operation) }
    }

    /// What a read answers, which may be nil itself.
    private struct Answer<Value: Sendable>: Sendable {
        let value: Value
    }

    /// Nil when the read was cut off.
    private func untilInTheWay<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Answer<Value>? {
        try await withThrowingTaskGroup(of: Answer<Value>?.self) { group in
            // Cancelling its task interrupts SQLite in the middle of a statement.
            group.addTask { Answer(value: try await self.pool.read(body)) }
            group.addTask {
                try await self.log.gate.untilShut(after: self.limits.readTime)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
