// RFC 8259 at its edges: what is JSON, what is not, and at which byte.
import SyncJobs
import Testing

@Suite("The JSON parser")
struct JSONParserTests {
    @Test(
        "takes every kind of value, with space around it",
        arguments: [
            ("null", JSONValue.null), (" true ", true), ("\t\nfalse\r\n", false), ("0", 0), ("-5", -5), ("\"\"", ""),
            ("[]", []), ("[ ]", []), ("{}", [:]), ("{ }", [:]), ("[1, [2], {\"a\" : null}]", [1, [2], ["a": nil]]),
            ("{\"b\":1,\"a\":{\"c\":[true]}}", ["a": ["c": [true]], "b": 1]), ("\u{FEFF}1", 1),
        ] as [(String, JSONValue)])
    func values(text: String, value: JSONValue) throws {
        #expect(try JSONParser.parse(text) == value)
    }

    @Test(
        "keeps a number's digits as they are written",
        arguments: [
            "0", "-0", "0.10", "1e400", "1E+5", "-1.5e-3", "9007199254740993", "18446744073709551616", "1e99999",
            "-9223372036854775808", "123456789012345678", "0e0", "1.000000000000000000000000000000001",
        ])
    func numbers(text: String) throws {
        #expect(try JSONParser.parse(text).numberValue?.text == text)
        #expect(try JSONParser.parse("[\(text)]").canonicalText == "[\(text)]")
    }

    @Test(
        "refuses what is no number",
        arguments: [
            "01", "-", "-01", "1.", ".5", "+1", "1e", "1e+", "0x10", "1.e5", "00", "--1", "1-", "1.2.3", "1ee5", "NaN",
            "Infinity",
        ]
    )
    func noNumbers(text: String) {
        #expect(throws: JSONError.self) { try JSONParser.parse(text) }
        #expect(throws: JSONError.self) { try JSONParser.parse("[\(text)]") }
    }

    @Test("refuses a number of over 1,000 digits or with an exponent of over 6 by name")
    func hugeNumbers() {
        for text in [String(repeating: "9", count: 1_001), "1e1000000", "1.5e-99999999", "-1E+100000000000"] {
            let error = #expect(throws: JSONError.self) { try JSONParser.parse("[\(text)]") }
            #expect(error?.code == .numberOutOfRange)
            #expect(error?.offset == 1)
        }
    }

    @Test(
        "says at which byte it goes wrong",
        arguments: [
            ("", 0), ("   ", 3), ("{", 1), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("{\"a\"}", 4), ("{\"a\":}", 5),
            ("{\"a\":1,}", 7), ("{a:1}", 1), ("'a'", 0), ("[1] x", 4), ("1 2", 2), ("tru", 0), ("nul", 0), ("\"a", 2),
            ("\"a\nb\"", 2), ("\"\\x\"", 2), ("\"\\u12g4\"", 5), ("\"\\u12", 3), ("\"\\", 2), ("[1 2]", 3), ("]", 0),
            ("{\"a\":1 \"b\":2}", 7), ("// c", 0),
        ])
    func offsets(text: String, offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }
        #expect(error?.code == .invalidJSON)
        #expect(error?.offset == offset, "\(error?.description ?? "")")
    }

    @Test("reads escapes and surrogate pairs")
    func escapes() throws {
        #expect(try JSONParser.parse(#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00\u0000""#) == "\"\\/\u{8}\u{C}\n\r\té😀\u{0}")
    }

    @Test(
        "refuses half a surrogate pair",
        arguments: [#""\uD83D""#, #""\uDE00""#, #""\uD83Dx""#, #""\uD83D\n""#, #""\uD83D\uD83D""#, #""\uD83D\u0041""#])
    func surrogates(text: String) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }
        #expect(error?.code == .invalidJSON)
    }

    @Test(
        "refuses what is not UTF-8, and says so before anything else",
        arguments: [
            ([0x22, 0xFF, 0x22], 1), ([0x22, 0xC3, 0x22], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
            ([0x22, 0xC0, 0x80, 0x22], 1), ([0xFF, 0xFE, 0x7B], 0), ([0x22, 0x61, 0xF4, 0x90, 0x80, 0x80, 0x22], 2),
            ([0x22, 0x5C, 0x6E, 0xFF, 0x22], 3),
        ] as [([UInt8], Int)])
    func invalidUTF8(bytes: [UInt8], offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(bytes) }
        #expect(error?.code == .invalidUTF8)
        #expect(error?.offset == offset)
    }

    @Test("refuses nesting of 10,000 and takes what the limit allows")
    func depth() throws {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = String(repeating: open, count: 10_000) + "1" + String(repeating: close, count: 10_000)
            let error = #expect(throws: JSONError.self) { try JSONParser.parse(deep) }
            #expect(error?.code == .tooDeep)
            #expect(error?.offset == open.utf8.count * 100)
            _ = try JSONParser.parse(String(repeating: open, count: 100) + "1" + String(repeating: close, count: 100))
        }
        #expect(try JSONParser.parse("[" + String(repeating: "[],", count: 10_000) + "[]]").arrayValue?.count == 10_001)
    }

    @Test("refuses a key that occurs twice in one object, not in two")
    func duplicates() throws {
        for text in ["{\"a\":1,\"a\":1}", "{\"b\":0,\"\\u0061\":1,\"a\":2}", "{\"x\":{\"\":1,\"\":2}}"] {
            let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }
            #expect(error?.code == .duplicateKey)
        }
        #expect(try JSONParser.parse("[{\"a\":1},{\"a\":2}]") == [["a": 1], ["a": 2]])
    }

    @Test("holds composed and decomposed keys and strings apart")
    func composedKeys() throws {
        let object = try #require(try JSONParser.parse("{\"caf\u{E9}\":1,\"cafe\u{301}\":2}").objectValue)
        #expect(object.count == 2)
        #expect(object["caf\u{E9}"] == 1)
        #expect(object["cafe\u{301}"] == 2)
        #expect(JSONValue.string("caf\u{E9}") != .string("cafe\u{301}"))
        #expect(Set([JSONValue.string("caf\u{E9}"), .string("cafe\u{301}")]).count == 2)
    }

    @Test("and the writer bring every value back, equal, with equal hash, and canonical text is stable")
    func roundTrip() throws {
        var maker = ValueMaker(seed: 7)
        for _ in 0..<2_000 {
            let value = maker.value(depth: 4)
            let compact = value.canonicalText
            let back = try JSONParser.parse(compact)
            #expect(back == value)
            #expect(back.hashValue == value.hashValue)
            #expect(back.canonicalText == compact)
            #expect(try JSONParser.parse(value.prettyText) == value)
        }
    }

    @Test("never crashes on damaged text")
    func damaged() throws {
        var maker = ValueMaker(seed: 8)
        var refused = 0
        for _ in 0..<5_000 {
            var bytes = maker.value(depth: 3).canonicalBytes
            for _ in 0..<Int.random(in: 1...3, using: &maker.generator) {
                let position = Int.random(in: 0..<bytes.count, using: &maker.generator)
                bytes[position] = UInt8.random(in: 0...255, using: &maker.generator)
            }
            do { _ = try JSONParser.parse(bytes) } catch {
                refused += 1
                #expect((0...bytes.count).contains(error.offset))
            }
        }
        #expect(refused > 1_000)
    }
}

/// Random JSON values.
private struct ValueMaker {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .number(JSONNumber(Int64.random(in: .min ... .max, using: &generator)))
        case 3: return .number(decimal())
        case 4: return .string(text())
        case 5: return .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in value(depth: depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...4, using: &generator) { object[text()] = value(depth: depth - 1) }
            return .object(object)
        }
    }

    private mutating func decimal() -> JSONNumber {
        let whole = Int.random(in: -99...99, using: &generator)
        let fraction = Int.random(in: 0...999, using: &generator)
        let exponent = Int.random(in: -400...400, using: &generator)
        return JSONNumber("\(whole).\(fraction)e\(exponent)") ?? 0
    }

    private mutating func text() -> String {
        let characters = ["a", "\"", "\\", "\n", "\u{1}", "é", "e\u{301}", "😀", "/", "\u{7F}", " ", "\u{2028}", "𐍈"]
        return (0..<Int.random(in: 0...6, using: &generator)).compactMap { _ in
            characters.randomElement(using: &generator)
        }.joined()
    }
}
