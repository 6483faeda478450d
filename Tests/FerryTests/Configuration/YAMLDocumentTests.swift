// What a YAML text means here: scalars by our own rules, every node with its line, nothing without a bound.

import SyncJobs
import Testing

@testable import Ferry

@Suite("YAML documents")
struct YAMLDocumentTests {
    private func scalar(_ text: String) throws -> JSONValue? {
        try ConfigurationFixture.tree(
            "key: "
                + "\(text)")["key"]?.scalar
    }

    @Test(
        "A plain scalar is what JSON would make of it, else text",
        arguments: [
            ("NO", "NO"), ("yes", "yes"), ("on", "on"), ("True", "True"), ("Null", "Null"), ("00042", "00042"),
            ("0x1F", "0x1F"), ("0o17", "0o17"), ("1_000", "1_000"), ("+1", "+1"), (".5", ".5"), ("5.", "5."),
            ("12:30:45", "12:30:45"),
            ("2026-11-21", "2026-11-21"), ("2026-11-21T09:30:00Z", "2026-11-21T09:30:00Z"), (".inf", ".inf"),
            ("=", "="),
            ("'true'", "true"), ("\"12\"", "12"), ("\"\"", ""), ("'null'", "null"), ("!!str 12", "12"),
            (
                "! "
                    + "12", "12"
            ),
            ("Müller & Søn", "Müller & Søn"), ("|\n  a\n  b\n", "a\nb\n"), (">\n  12\n", "12\n"),
        ] as [(String, String)])
    func plainText(written: String, meant: String) throws {
        #expect(try scalar(written) == .string(meant))
    }

    @Test("true, false, null, ~ and nothing are what they are in JSON")
    func words() throws {
        #expect(try scalar("true") == true)
        #expect(try scalar("false") == false)
        for null in ["null", "~", ""] { #expect(try scalar(null) == .null) }
    }

    @Test("A number keeps its digits", arguments: ["0", "-0", "0.10", "9007199254740993", "1e400", "-12.50E+3"])
    func numbers(text: String) throws {
        #expect(try scalar(text)?.numberValue?.text == text)
    }

    @Test("Keys are text, whatever they look like")
    func keys() throws {
        let tree = try ConfigurationFixture.tree("{NO: a, 1: b, true: c, null: d, '<<': e}")
        #expect(tree.entries?.map(\.key) == ["NO", "1", "true", "null", "<<"])
    }

    @Test("Composed and decomposed text stay apart")
    func bytes() throws {
        let tree = try ConfigurationFixture.tree("- \u{E9}\n- e\u{301}\n")
        let texts = tree.elements?.compactMap(\.text) ?? []
        #expect(texts.map { Array($0.utf8).count } == [2, 3])
    }

    @Test("Every node knows its line and its place")
    func places() throws {
        let tree = try ConfigurationFixture.tree(
            "types:\n  Country Sync:\n    triggers:\n      - "
                + "{document: a.B}\n      - c\n")
        let triggers = try #require(tree["types"]?["Country Sync"]?["triggers"])
        #expect(triggers.place == "types.Country Sync.triggers")
        #expect(triggers.elements?.map(\.line) == [4, 5])
        #expect(triggers.elements?.first?["document"]?.place == "types.Country Sync.triggers[0].document")
        #expect(tree["types"]?.entries?.first?.line == 2)
    }

    @Test("An empty text, comments and a byte order mark are an empty map or nothing at all")
    func empty() throws {
        for text in ["", "# nothing\n", "---\n", "\u{FEFF}", "\u{FEFF}# x\n"] {
            #expect(try ConfigurationFixture.tree(text).entries?.isEmpty ?? true)
        }
        #expect(try ConfigurationFixture.tree("\u{FEFF}a: 1")["a"]?.scalar == 1)
    }

    @Test("An alias is its anchor's value, at the anchor's line")
    func aliases() throws {
        let tree = try ConfigurationFixture.tree("a: &x {b: 1}\nc: *x\n")
        #expect(tree["c"]?["b"]?.scalar == 1)
        #expect(tree["c"]?["b"]?.place == "c.b")
    }

    @Test(
        "What is not taken is a problem with its line",
        arguments: [
            ("a: 1\nb: [\n", "line 3"), ("a: 1\n\tb: 2\n", "line 2"), ("a: 'x\n", "line 2"),
            (
                "a: "
                    + "*x\n", "undefined alias"
            ),
            ("a: 1\nb: 2\na: 3\n", "line 1: : the key \"a\" stands twice in the same map (keep one of them)"),
            (
                "a: 1\n---\nb: 2\n",
                "line 2: : a second document begins (keep one document in a file, without "
                    + "further ---)"
            ),
            ("b: &x {c: 1}\na:\n  <<: *x\n", "line 3: a: merge keys (<<) are not read (write the keys out)"),
            (
                "a: !!binary aGk=\n",
                "line 1: a: the tag !!binary is not read (leave it out; quotes make text "
                    + "of anything)"
            ),
            ("a: !secret x\n", "line 1: a: the tag !secret is not read (leave it out; quotes make text of anything)"),
            (
                "a: !!set {x, y}\n",
                "line 1: a: the tag !!set is not read (leave it out; quotes make text of "
                    + "anything)"
            ),
            ("? [a, b]\n: c\n", "line 1: : a key is a map or a list (use text as key, in quotes when it has braces)"),
            (
                "a: 1e999999\n",
                "line 1: a: the number has too many digits or too large an exponent (put it "
                    + "in quotes to carry it as text)"
            ),
            ("a: \"\u{7}\"\n", "control characters are not allowed"),
        ] as [(String, String)])
    func refusals(text: String, said: String) {
        let document = YAMLDocument(Array(text.utf8), references: ReferenceExpansion(environment: [:], folder: "."))
        #expect(document.problems.map(\.description).joined(separator: "\n").contains(said), "\(document.problems)")
    }

    @Test("Text that is not UTF-8 is a problem with its line")
    func notUTF8() {
        let bytes = Array("a: 1\nb: ".utf8) + [0xE9, 0x0A]
        let document = YAMLDocument(bytes, references: ReferenceExpansion(environment: [:], folder: "."))
        #expect(document.problems.map(\.description) == ["line 2: : the text is not UTF-8 (save the file as UTF-8)"])
    }

    @Test("Nesting ends at the limit", arguments: [70, 900, 100_000])
    func depth(levels: Int) {
        for text in [String(repeating: "[", count: levels), String(repeating: "- ", count: levels) + "x"] {
            let closed = text.hasPrefix("[") ? text + String(repeating: "]", count: levels) : text
            let document = YAMLDocument(
                Array(closed.utf8), references: ReferenceExpansion(environment: [:], folder: "."))
            #expect(document.problems.count == 1)
        }
    }

    @Test("Aliases that stand for billions of nodes end at the limit")
    func bomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let uses = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(uses)]\n"
        }
        let document = YAMLDocument(Array(text.utf8), references: ReferenceExpansion(environment: [:], folder: "."))
        #expect(document.problems.map(\.message) == ["the file has more than 100000 nodes"])
    }
}
