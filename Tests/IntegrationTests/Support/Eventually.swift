// Waiting in tests: for a condition, with a bound, never for a time.
// Invariant: a wait that fails says what it waited for.

/// A wait whose bound has passed.
struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Waits until `condition` holds; looks about every 10 ms.
func eventually(
    _ what: String, within limit: Duration = .seconds(30), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverHappened(description: "never happened: \(what)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// Waits until `value` is there; looks about every 10 ms.
func eventually<T>(
    _ what: String, within limit: Duration = .seconds(30), value: () async throws -> T?
) async throws -> T {
    let deadline = ContinuousClock.now + limit
    while true {
        if let value = try await value() { return value }
        guard ContinuousClock.now < deadline else { throw NeverHappened(description: "never happened: \(what)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
