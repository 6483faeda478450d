// The repository's own sources, read as text, for the rules that a machine can check.
import Foundation

/// One source file.
struct SourceFile: CustomStringConvertible {
    /// The path below the repository's root.
    let path: String
    /// Its lines.
    let lines: [String]

    var description: String { path }
    /// The target it belongs to: the folder below Sources or Tests.
    var target: String { String(path.split(separator: "/")[1]) }

    /// The modules it imports.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position <= 2, !line.hasPrefix(" "),
                !line.hasPrefix("//"),
                words.count > position + 1
            else { return nil }
            // `import struct Foundation.Data` names the module behind the kind.
            let name = words.count > position + 2 ? words[position + 2] : words[position + 1]
            return String(name.split(separator: ".")[0])
        }
    }

    /// The line's code, without what stands in a comment behind it; empty for a comment line.
    func code(_ index: Int) -> String {
        let line = lines[index]
        if line.trimmingCharacters(in: .whitespaces).hasPrefix("//") { return "" }
        return line.components(separatedBy: " // ")[0]
    }

    /// Whether a comment stands on the line or right above the statement it belongs to.
    func hasReason(above index: Int) -> Bool {
        if lines[index].contains("// ") { return true }
        return lines[max(0, index - 3)..<index].contains { $0.trimmingCharacters(in: .whitespaces).hasPrefix("//") }
    }

    /// All Swift files below `folder` of the repository.
    static func all(in folder: String) throws -> [SourceFile] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let base = root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
        return try walker.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map { url in
            let text = try String(contentsOf: url, encoding: .utf8)
            let path = String(url.path.dropFirst(root.path.count + 1))
            return SourceFile(path: path, lines: text.components(separatedBy: "\n"))
        }.sorted { $0.path < $1.path }
    }
}

extension String {
    /// Whether `token` stands here and is not the end of a longer word (`addTask {` is no `Task {`).
    func hasToken(_ token: String) -> Bool {
        var rest = self[...]
        while let range = rest.range(of: token) {
            let before = range.lowerBound == startIndex ? nil : self[index(before: range.lowerBound)]
            if before?.isLetter != true { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }
}
