// Work that goes on until it ends or somebody presses Ctrl-C: then it is cancelled, awaited, and the command ends in order.

/// Runs work that a signal ends.
enum UntilStopped {
    /// How it ended.
    enum Ending<Value: Sendable>: Sendable {
        /// The work ended by itself.
        case done(Value)
        /// A signal of this number ended it.
        case signal(Int32)
    }

    /// Runs `work` until it ends or `signals` has one.
    ///
    /// - Throws: what `work` throws, unless it was stopped.
    static func run<Value: Sendable>(
        signals: AsyncStream<Int32>, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Ending<Value> {
        try await withThrowingTaskGroup(of: Ending<Value>?.self) { tasks in
            tasks.addTask { .done(try await work()) }
            tasks.addTask {
                for await number in signals { return .signal(number) }
                return nil
            }
            defer { tasks.cancelAll() }
            while let ending = try await tasks.next() {
                if let ending { return ending }
            }
            throw CancellationError()
        }
    }

    /// Runs `work` until it ends, or the process is told to stop.
    ///
    /// - Throws: what `work` throws, unless it was stopped.
    static func run<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Ending<Value>
    {
        let signals = StopSignals()
        defer { signals.cancel() }
        return try await run(signals: signals.events, work)
    }
}
