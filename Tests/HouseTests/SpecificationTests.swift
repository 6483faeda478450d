// The page of the specification's proofs (docs/specification.md), held to the code: what it names exists, and what the code has
// is named there.
import Foundation
import SyncJobs
import Testing

@Suite struct SpecificationTests {
    @Test func eachTestThatThePageNamesExists() throws {
        let tests = try Self.tests()
        #expect(tests.count > 500, "the reading of tests is broken")
        var named = 0
        for row in try Page().rows {
            for proof in row.proofs {
                named += 1
                #expect(tests.contains(proof), "\(row.section): \(row.what) names \(proof), which is no test")
            }
        }
        #expect(named > 100)
    }

    @Test func eachRowHasAProofOrSaysThatItIsMissing() throws {
        for row in try Page().rows {
            #expect(!row.proofs.isEmpty || row.isMissing, "\(row.section): \(row.what)")
        }
    }

    @Test func eachFieldStatusAndReasonHasARow() throws {
        let page = try Page()
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
        try Page().expect(hooks.sorted(), in: "Hook")
    }

    /// The specification's word for a function: `beforeSync` is `before_sync`.
    private static func word(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
    }

    /// All tests as `Suite/test`.
    private static func tests() throws -> Set<String> {
        var tests: Set<String> = []
        for file in try SourceFile.all(in: "Tests") {
            var suite = ""
            var isTest = false
            for line in file.lines {
                if let name = line.firstMatch(of: /^(?:\S.*)?\b(?:struct|class|actor|enum|extension) (\w+)/)?.1 {
                    suite = String(name)
                }
                if line.contains("@Test") { isTest = true }
                guard isTest, let name = line.firstMatch(of: /\bfunc (\w+)[(<]/)?.1 else { continue }
                tests.insert("\(suite)/\(name)")
                isTest = false
            }
        }
        return tests
    }
}

/// The page, as its tables say it.
private struct Page {
    struct Row {
        let section: String
        let what: String
        let proofs: [String]
        let isMissing: Bool
    }

    let rows: [Row]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/specification.md"), encoding: .utf8)
        var rows: [Row] = []
        var section = ""
        for line in text.components(separatedBy: "\n") {
            if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
            guard line.hasPrefix("| "), line != "| what | proved by |" else { continue }
            let cells = line.dropFirst(2).dropLast(2).components(separatedBy: " | ")
            guard cells.count == 2 else {
                Issue.record("a row has \(cells.count) cells: \(line)")
                continue
            }
            rows.append(
                Row(
                    section: section, what: cells[0].trimmingCharacters(in: ["`"]),
                    proofs: cells[1].matches(of: /`(\w+\/\w+)`/).map { String($0.1) },
                    isMissing: cells[1] == "*missing*"))
        }
        self.rows = rows
    }

    func expect(_ words: [String], in section: String) {
        let known = rows.filter { $0.section == section }.map(\.what)
        for word in words { #expect(known.contains(word), "\(section) has no row for \(word)") }
        for what in known {
            #expect(words.contains(what), "\(section) has a row for \(what), which is not in the code")
        }
        #expect(Set(known).count == known.count, "\(section) has a row twice")
    }
}
