// A worker whose store was busy or full for so long that it ended begins anew once the store takes writes; any other error
// ends it.

import GRDB
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct WorkPatienceTests {
    private static func outage(_ code: JobStoreError.Code) -> JobStoreError {
        JobStoreError(code, operation: "commit", message: "no", remedy: "free space")
    }

    @Test func aFullStoreIsWaitedForAndWorkBeginsAnew() async throws {
        try await CommandWorld.with { world in
            // Another program keeps the lock; the store waits for it, and so does the worker.
            let lock = try DatabaseQueue(path: world.folder + "/jobs.sqlite", configuration: .unsafe)
            try await lock.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            var runs = 0
            let answer = try await world.capture { context in
                let patience = WorkPatience(
                    store: world.store, screen: context.screen, interval: .milliseconds(5))
                async let released: Void = lock.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
                let status = try await patience.run {
                    runs += 1
                    if runs < 3 { throw Self.outage(.diskFull) }
                    return .failed
                }
                try await released
                #expect(status == .failed, "the last run says how it ends")
            }
            #expect(runs == 3)
            #expect(answer.errors.contains("the job store (commit): no. Free space. The messages are with the broker"))
            #expect(answer.errors.contains("the store takes writes again; going on."))
        }
    }

    @Test(arguments: [JobStoreError.Code.corrupt, .canceled, .readOnly])
    func whatWaitingDoesNotMendEndsIt(code: JobStoreError.Code) async throws {
        try await CommandWorld.with { world in
            _ = try await world.capture { context in
                let patience = WorkPatience(store: world.store, screen: context.screen)
                var runs = 0
                await #expect(throws: JobStoreError.self) {
                    try await patience.run {
                        runs += 1
                        throw Self.outage(code)
                    }
                }
                #expect(runs == 1)
            }
        }
    }
}

extension Configuration {
    /// A connection that keeps a transaction open over several calls.
    fileprivate static var unsafe: Configuration {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        return configuration
    }
}
