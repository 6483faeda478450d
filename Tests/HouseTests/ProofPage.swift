// A page of docs/ whose tables say what is promised and which tests prove it, and the tests that there are.
import Foundation
import Testing

/// The page, as its tables say it.
struct ProofPage {
    struct Row {
        let section: String
        let what: String
        let proofs: [String]
        let isMissing: Bool
    }

    let rows: [Row]

    /// Reads `docs/NAME.md`.
    init(_ name: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/\(name).md"), encoding: .utf8)
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

    /// All tests as `Suite/test`.
    static func tests() throws -> Set<String> {
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
