// The page of the specification's proofs (docs/specification.md), held to the code: what it names exists, and what the code has
// is named there.
import SyncJobs
import Testing

@Suite struct SpecificationTests {
    @Test func eachTestThatThePageNamesExists() throws {
        let tests = try ProofPage.tests()
        #expect(tests.count > 500, "the reading of tests is broken")
        var named = 0
        for row in try ProofPage("specification").rows {
            for proof in row.proofs {
                named += 1
                #expect(tests.contains(proof), "\(row.section): \(row.what) names \(proof), which is no test")
            }
        }
        #expect(named > 100)
    }

    @Test func eachRowHasAProofOrSaysThatItIsMissing() throws {
        for row in try ProofPage("specification").rows {
            #expect(!row.proofs.isEmpty || row.isMissing, "\(row.section): \(row.what)")
        }
    }

    @Test func eachFieldStatusAndReasonHasARow() throws {
        let page = try ProofPage("specification")
        page.expect(SyncRequestField.allCases.map(\.rawValue), in: "Sync request")
        page.expect(JobStatus.allCases.map(\.rawValue), in: "Status")
        page.expect(SkipReason.allCases.map(\.rawValue), in: "Skip reason")
        page.expect(NoTargetReason.allCases.map(\.rawValue), in: "No Target reason")
        page.expect(["name"] + SyncJobTypeDefinition.keys, in: "Sync job type")
    }

    @Test func eachHookHasARow() throws {
        var hooks: Set<String> = []
        for file in try SourceFile.all(in: "Sources/SyncJobs/Controllers") where file.path.hasSuffix("Controller.swift")
        {
            var isInProtocol = false
            for line in file.lines {
                if line.hasPrefix("public protocol") { isInProtocol = true }
                if line == "}" { isInProtocol = false }
                guard isInProtocol, let name = line.firstMatch(of: /^ +func (\w+)\(/)?.1 else { continue }
                hooks.insert(Self.word(String(name)))
            }
        }
        #expect(hooks.isSuperset(of: ["after_start", "before_sync", "relay_finished", "execute"]))
        try ProofPage("specification").expect(hooks.sorted(), in: "Hook")
    }

    /// The specification's word for a function: `beforeSync` is `before_sync`.
    private static func word(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
    }
}
