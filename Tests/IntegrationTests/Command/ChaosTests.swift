// The chaos harness in its short form: the whole of it runs for ten minutes by `make chaos`. It reads stores, targets and queues
// past Ferry, in another language, so what it finds is not what Ferry believes.
import Foundation
import Testing

@testable import Ferry

@Suite struct ChaosTests {
    /// Runs a program of `chaos/` with the `ferry` of this test run.
    ///
    /// What it says on standard error, seed and faults, is shown when it fails.
    private func expectGood(_ name: String, _ arguments: String...) async throws {
        let python = ProcessInfo.processInfo.environment["FERRY_TEST_PYTHON"]
        var program = Program(
            PrivateBroker.repository.appending(path: "chaos/\(name)").path, ["--ferry", ferryProgram] + arguments,
            folder: PrivateBroker.repository.path)
        program.environment = python.map { ["FERRY_TEST_PYTHON": $0] } ?? [:]
        let result = try await program.result(within: .seconds(420))
        #expect(result.status == 0, "\(result.errors)\(result.output)")
    }

    @Test func aWorkerKilledAtEachBoundaryLosesNothingAndDoesNothingTwice() async throws {
        let broker = try await PrivateBroker.shared()
        try await expectGood("boundaries", "--repeats", "1", "--check-once", "--broker", broker.data.path)
    }

    @Test func nothingIsLostStaleOrDoneTwiceInChaos() async throws {
        try await expectGood("run", "--seconds", "15", "--rate", "40", "--kill-every", "2", "--workers", "4")
    }
}
