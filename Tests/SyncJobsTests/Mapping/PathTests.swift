// Paths: what is one, where it leads, and what is said when it is none.
import SyncJobs
import Testing

@Suite("A path")
struct PathTests {
    private var scope: Scope {
        var scope = Scope()
        scope.source = [
            "name": "Ada", "nothing": nil, "two words": 2, "alpha-2": "DE", "address": ["city": "Oslo"],
            "tags": ["a", ["b": 1]],
        ]
        scope.row = ["id": 7]
        return scope
    }

    @Test(
        "leads to a value",
        arguments: [
            ("source.name", JSONValue.string("Ada")), ("source.\"two words\"", 2), ("source.alpha-2", "DE"),
            ("source.address.city", "Oslo"), ("source.tags.0", "a"), ("source.tags.1.b", 1), ("row.id", 7),
            ("source.nothing", .null),
        ])
    func leads(text: String, value: JSONValue) throws {
        #expect(try Path(text).value(in: scope) == value)
    }

    @Test(
        "leads nowhere when anything on the way is missing or null",
        arguments: [
            "source.missing", "source.nothing.below", "source.name.length", "source.tags.2", "source.tags.x",
            "context.a", "job.id", "document.a",
        ])
    func missing(text: String) throws {
        #expect(try Path(text).value(in: scope) == nil)
    }

    @Test(
        "that is none says where and why",
        arguments: [
            ("", "no path stands here at character 1"), ("Germany", "\"Germany\" is no root of a path at character 1"),
            ("source", "\"source\" names no field at character 1"),
            ("source.", "a field name is missing behind the dot at character 8"),
            ("source.a b", "something stands behind the path source.a at character 10"),
            ("source.\"a", "a quote is opened and not closed at character 8"),
            ("5", "no path stands here at character 1"),
            ("Source.a", "\"Source\" is no root of a path at character 1"),
            ("source.a..b", "a field name is missing behind the dot at character 10"),
        ])
    func refused(text: String, message: String) {
        let error = #expect(throws: ExpressionError.self) { try Path(text) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
        #expect(error?.remedy.isEmpty == false)
    }

    @Test("is bounded in length and depth")
    func bounded() {
        let long = #expect(throws: ExpressionError.self) { try Path("source." + String(repeating: "a", count: 1_024)) }
        #expect(long?.code == .tooLong)
        let deep = #expect(throws: ExpressionError.self) { try Path("source" + String(repeating: ".a", count: 17)) }
        #expect(deep?.code == .tooDeep)
    }

    @Test(
        "reads back as it is written",
        arguments: ["source.a.b", "row.\"a \\\"b\\\" \\\\ \\n c\"", "context.\"\"", "job.id"])
    func roundTrip(text: String) throws {
        let path = try Path(text)
        #expect(path.description == text)
        #expect(try Path(path.description) == path)
    }

    @Test("holds composed and decomposed names apart")
    func bytes() throws {
        var scope = Scope()
        scope.source = ["caf\u{E9}": 1, "cafe\u{301}": 2]
        #expect(try Path("source.caf\u{E9}").value(in: scope) == 1)
        #expect(try Path("source.cafe\u{301}").value(in: scope) == 2)
        #expect(try Path("source.caf\u{E9}") != Path("source.cafe\u{301}"))
    }
}
