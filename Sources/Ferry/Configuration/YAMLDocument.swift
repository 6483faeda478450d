// A configuration file's text as a tree of nodes with lines and places. Yams gives the syntax only; what a scalar
// is, is said here, because YAML's own resolution turns the country NO into false and the article 00042 into a number.
// Invariant: what cannot be understood for certain is a problem with its line, never a guess.

internal import SyncJobs
internal import Yams

/// A YAML text, read.
struct YAMLDocument {
    /// The tree; an empty map for an empty text.
    let root: ConfigNode
    /// What the references stood for, so that no message repeats it.
    let references: ReferenceExpansion
    /// What is wrong with the text itself.
    let problems: [ConfigProblem]
    private let incomplete: Set<String>

    /// The most bytes of a text.
    static let maximumBytes = 1 << 20
    /// The most nodes of a tree, each use of an alias counted anew.
    static let maximumNodes = 100_000
    /// How deep maps and lists may nest.
    static let maximumDepth = 64

    /// Reads `bytes`; what is wrong is in ``problems``, and the rest is in the tree.
    init(_ bytes: [UInt8], references: ReferenceExpansion) {
        let empty = ConfigNode(.map([]), line: 1, place: "")
        let marked = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        guard let text = String(validating: marked, as: UTF8.self) else {
            let line = 1 + bytes.prefix(Self.firstInvalidByte(in: bytes)).count { $0 == 0x0A }
            self.init(
                root: empty, references: references,
                problems: [Self.problem(line, "the text is not UTF-8", "save the file as UTF-8")])
            return
        }
        do {
            // No rules of resolution: keys are compared as text, and every scalar keeps the text it was written as.
            guard let root = try Yams.compose(yaml: text, .basic, .default, .utf8) else {
                self.init(root: empty, references: references, problems: [])
                return
            }
            var tree = YAMLTree(references: references)
            let node = tree.node(from: root, place: "", depth: 0)
            self.init(
                root: node ?? empty, references: tree.references, problems: tree.problems, incomplete: tree.incomplete)
        } catch {
            self.init(root: empty, references: references, problems: [Self.problem(error, in: text)])
        }
    }

    /// Whether `problem` may be no more than the echo of an entry that was refused here: "there is no path" where the
    /// path named a variable that is not set.
    func explains(_ problem: ConfigProblem) -> Bool { incomplete.contains(problem.place) }

    private init(
        root: ConfigNode, references: ReferenceExpansion, problems: [ConfigProblem], incomplete: Set<String> = []
    ) {
        self.incomplete = incomplete
        self.root = root
        self.references = references
        self.problems = problems
    }

    private static func firstInvalidByte(in bytes: [UInt8]) -> Int {
        var decoder = UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.parseScalar(from: &iterator) {
            case .valid(let scalar): offset += scalar.count
            case .emptyInput, .error: return offset
            }
        }
    }

    private static func problem(_ line: Int, _ message: String, _ remedy: String) -> ConfigProblem {
        ConfigProblem(line: line, place: "", message: message, remedy: remedy)
    }

    private static func problem(_ error: any Error, in text: String) -> ConfigProblem {
        let remedy = "correct the YAML there or just above"
        guard let error = error as? YamlError else {
            return problem(1, "the text is not YAML", remedy)
        }
        switch error {
        case .scanner(let context, let message, let mark, _), .parser(let context, let message, let mark, _):
            let words = context.map { "\($0.text) from line \($0.mark.line): " } ?? ""
            return problem(mark.line, "not YAML: \(words)\(message)", remedy)
        case .composer(_, let message, let mark, _) where message.contains("another document"):
            return problem(mark.line, "a second document begins", "keep one document in a file, without further ---")
        case .composer(_, let message, let mark, _): return problem(mark.line, "not YAML: \(message)", remedy)
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "\"\($0.prefix(80))\"" }.joined(separator: ", ")
            return problem(context.mark.line, "the key \(names) stands twice in the same map", "keep one of them")
        case .reader(let message, let offset, _, _):
            let line = 1 + text.utf8.prefix(offset ?? 0).count { $0 == 0x0A }
            return problem(line, "not YAML: \(message)", "remove the character, or write it as an escape in quotes")
        default: return problem(1, "the text is not YAML", remedy)
        }
    }
}
