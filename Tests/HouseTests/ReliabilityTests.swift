// docs/reliability.md, held to the code: the tests it names exist, and each boundary at which a test can end a process stands in
// the crash table, is killed by the harness, and is passed by the program.
import Foundation
import JobStore
import Testing

@Suite struct ReliabilityTests {
    @Test func eachTestThatThePageNamesExists() throws {
        let tests = try ProofPage.tests()
        var named = 0
        for row in try ProofPage("reliability").rows {
            #expect(!row.proofs.isEmpty || row.isMissing, "\(row.section): \(row.what)")
            for proof in row.proofs {
                named += 1
                #expect(tests.contains(proof), "\(row.section): \(row.what) names \(proof), which is no test")
            }
        }
        #expect(named > 30)
    }

    @Test func eachRowOfTheCrashTableHasItsPointsAndEachPointARow() throws {
        let rows = try ProofPage("reliability").rows.filter { $0.section == "Crash table" }
        let named = rows.flatMap { row in row.what.matches(of: /`(\w+)`/).map { String($0.1) } }
        #expect(Set(named) == Set(Failpoint.allCases.map(\.rawValue)))
        #expect(Set(named).count == named.count, "a point stands in two rows")
        for row in rows { #expect(row.what.contains("`"), "\(row.what) has no point") }
    }

    /// Boundaries that a job passes on either of two ways: run by itself, or together with others.
    private static let onBothWays: Set<Failpoint> = [.prepared, .beforeCommit, .afterCommit]

    @Test func eachPointIsPassedOnceOnEachWayAndKilledByTheHarness() throws {
        let sources = try SourceFile.all(in: "Sources")
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let harness = try String(contentsOf: root.appending(path: "chaos/boundaries.py"), encoding: .utf8)
        for point in Failpoint.allCases {
            let passes = sources.flatMap(\.lines).count { $0.contains("Failpoint.\(point).pass()") }
            #expect(passes == (Self.onBothWays.contains(point) ? 2 : 1), "\(point) is passed at \(passes) places")
            #expect(harness.contains("\"\(point.rawValue)\": "), "\(point) is not killed")
        }
    }
}
