// Expressions: what holds, what does not, and what is said when the text is none.
import SyncJobs
import Testing

@Suite("An expression")
struct ExpressionTests {
    private var scope: Scope {
        var scope = Scope()
        scope.source = [
            "kind": "Billing", "disabled": false, "one": 1, "zero": 0, "amount": .number(amount), "nothing": nil,
            "text": "",
            "list": ["a", 2], "empty_list": [], "empty_object": [:], "name": "O'Neil",
        ]
        scope.context = ["force": true]
        return scope
    }
    private let amount = JSONNumber("0.10") ?? 0

    @Test(
        "holds",
        arguments: [
            "source.kind == \"Billing\"", "source.kind == 'Billing'", "source.kind != \"Shipping\"",
            "not source.disabled", "not source.disabled or context.force", "source.one", "not source.zero",
            "source.amount == 0.1", "source.amount < 0.11", "source.amount >= 0.1", "source.amount <= 1e-1",
            "source.one > 0 and source.one <= 1", "source.kind in [\"Billing\", \"Shipping\"]",
            "source.kind not in ['x']", "2 in source.list", "source.nothing is empty", "source.missing is empty",
            "source.text is empty", "source.empty_list is empty", "source.empty_object is empty",
            "source.kind is not empty", "source.zero is not empty", "source.missing == null", "source.nothing == null",
            "true", "not false", "not null", "(source.zero or source.one) and true", "source.kind < \"C\"",
            "source.name == 'O\\'Neil'", "not (source.zero and source.one)", "source.one == 1.0", "-1 < source.zero",
            "source.list == ['a', 2]", "not not true", "false or true and true", "true or false and false",
        ])
    func holds(text: String) throws {
        #expect(try Expression(text).isTrue(in: scope))
    }

    @Test(
        "does not hold",
        arguments: [
            "source.missing", "source.nothing", "source.text", "source.zero", "source.empty_list", "source.disabled",
            "source.missing < 5", "source.missing > 5", "null < 1", "source.kind < 5", "source.kind >= 5",
            "source.one == \"1\"", "source.zero == false", "source.kind in []", "1 in source.kind",
            "source.kind in source.missing", "false and true or false", "(true or true) and false",
            "source.text == null",
        ])
    func doesNotHold(text: String) throws {
        #expect(try !Expression(text).isTrue(in: scope))
    }

    @Test("compares numbers that a Double would round by their exact value")
    func exact() throws {
        var scope = Scope()
        scope.source = ["id": .number(9_007_199_254_740_993)]
        #expect(try Expression("source.id == 9007199254740993").isTrue(in: scope))
        #expect(try !Expression("source.id == 9007199254740992").isTrue(in: scope))
        #expect(try Expression("source.id > 9007199254740992").isTrue(in: scope))
    }

    @Test(
        "that is none says where, what and what to write",
        arguments: [
            ("", "unexpected the end at character 1 (a path, a literal or ( is due here)"),
            ("source.a =", "a single = is not known here at character 10 (write == to compare)"),
            ("source.a && source.b", "\"&&\" is not known here at character 10 (write and)"),
            ("!source.a", "\"!\" is not known here at character 1 (write not)"),
            (
                "source.kind == Billing",
                "\"Billing\" is neither a path nor a literal at character 16 (a text stands in quotes: \"Billing\")"
            ),
            ("source.a AND source.b", "unexpected \"AND\" at character 10 (join two conditions with and or or)"),
            ("source.a source.b", "unexpected \"source.b\" at character 10 (join two conditions with and or or)"),
            ("1 < 2 < 3", "unexpected \"<\" at character 7 (compare two values at a time, joined with and)"),
            ("(source.a", "unexpected the end at character 10 (close the parenthesis with ))"),
            ("source.a is", "unexpected the end at character 12 (write is empty or is not empty; compare with ==)"),
            ("source.a not 5", "unexpected the number 5 at character 14 (behind a value, not is followed by in)"),
            ("[1 2]", "unexpected the number 2 at character 4 (separate elements with , and close the list with ])"),
            (
                "source.a == 00",
                "\"00\" is no number at character 13 (write a number such as 5 or 0.25, or a text in quotes)"
            ),
            (
                "\"é\" ; 1",
                "unexpected \";\" at character 5 (a field name with it stands in quotes: source.\"a field\")"
            ),
            (
                "source.a == \"\\q\"",
                "an unknown escape at character 15 (in quotes, \\n \\t \\r \\\\ \\\" and \\' are known)"
            ),
            ("source", "\"source\" names no field at character 1 (write source.field)"),
            (
                "sources.a",
                "\"sources\" is no root of a path at character 1 (a path begins with source.…, row.…, context.…, job.…, document.…)"
            ),
            ("True", "\"True\" is neither a path nor a literal at character 1 (write true)"),
        ])
    func refused(text: String, message: String) {
        let error = #expect(throws: ExpressionError.self) { try Expression(text) }
        #expect(error?.description == message)
    }

    @Test("is bounded in length and depth")
    func bounded() {
        let long = #expect(throws: ExpressionError.self) {
            try Expression(String(repeating: "true or ", count: 1_000) + "true")
        }
        #expect(long?.code == .tooLong)
        for opening in ["(", "not ", "["] {
            let deep = #expect(throws: ExpressionError.self) {
                try Expression(String(repeating: opening, count: 1_000) + "true")
            }
            #expect(deep?.code == .tooDeep)
        }
    }

    @Test("says which paths it reads, and reads back as it is written")
    func paths() throws {
        let text = "source.a in [row.b, 1] and not (context.c == job.id or document.d is empty)"
        let expression = try Expression(text)
        #expect(expression.paths.map(\.description) == ["source.a", "row.b", "context.c", "job.id", "document.d"])
        #expect(expression.description == text)
    }

    @Test("of random tokens is parsed or refused, and never crashes")
    func random() {
        var generator = SeededGenerator(seed: 11)
        let tokens = [
            "source.a", "row.\"b c\"", "and", "or", "not", "in", "is", "empty", "==", "<", ">=", "(", ")", "[", "]",
            ",",
            "5", "-1.5e3", "'x'", "\"", "null", "true", ".", "é", "Billing", "=",
        ]
        var parsed = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...7, using: &generator)
            let text = (0..<count).compactMap { _ in tokens.randomElement(using: &generator) }.joined(separator: " ")
            do {
                _ = try Expression(text).isTrue(in: scope)
                parsed += 1
            } catch { #expect((1...text.count + 1).contains(error.position), "\(text): \(error)") }
        }
        #expect(parsed > 500)
    }
}
