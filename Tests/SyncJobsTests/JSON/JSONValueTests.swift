// Values: equality by meaning, objects by the bytes of their keys, canonical text, digests.
import SyncJobs
import Testing

@Suite("A JSON value")
struct JSONValueTests {
    @Test("equals by exact number, whatever it is written like")
    func numbers() throws {
        let equal = [("0.10", "0.1"), ("-0", "0"), ("1e2", "100"), ("1.0", "1"), ("0e5", "0"), ("1e400", "10e399")]
        for (left, right) in equal {
            let (left, right) = (try JSONParser.parse(left), try JSONParser.parse(right))
            #expect(left == right)
            #expect(left.hashValue == right.hashValue)
        }
        for (left, right) in [("9007199254740993", "9007199254740992"), ("0.30000000000000004", "0.3"), ("1", "-1")] {
            #expect(try JSONParser.parse(left) != JSONParser.parse(right))
        }
    }

    @Test("of one kind never equals one of another")
    func kinds() {
        let values: [JSONValue] = [nil, false, 0, "", [], [:], true, 1, "1", [nil], ["": nil], "null"]
        for (left, value) in values.enumerated() {
            for (right, other) in values.enumerated() { #expect((value == other) == (left == right)) }
        }
    }

    @Test("that is an object has no order and no key twice, and forgets a key that is set to nothing")
    func objects() {
        var object: JSONObject = ["b": 1, "a": 2, "b": 3]
        #expect(object.keys == ["a", "b"])
        #expect(object["b"] == 3)
        #expect(object["c"] == nil)
        object["c"] = .null
        #expect(object["c"] == JSONValue.null)
        object["c"] = nil
        object["a"] = nil
        #expect(object == ["b": 3])
        #expect(!object.isEmpty && object.count == 1)
        #expect(JSONValue.object(["x": 1, "y": 2]) == .object(["y": 2, "x": 1]))
        #expect(JSONValue.array([1, 2]) != .array([2, 1]))
    }

    @Test("keeps 1,000 keys in byte order, found each")
    func manyKeys() {
        var generator = SeededGenerator(seed: 3)
        let keys = (0..<1_000).map { "k\($0)é" }.shuffled(using: &generator)
        var object = JSONObject()
        for key in keys { object[key] = .string(key) }
        #expect(object.count == 1_000)
        #expect(keys.allSatisfy { object[$0] == .string($0) })
        #expect(zip(object.keys, object.keys.dropFirst()).allSatisfy { $0.precedesByBytes($1) })
    }

    @Test("has canonical text: keys in byte order, digits as written, control characters escaped")
    func canonical() throws {
        let value = try JSONParser.parse(" { \"b\" : [ 1 , 0.10 ] , \"a\" : \"\\u0001\\u001f/é\\\"\" } ")
        #expect(value.canonicalText == "{\"a\":\"\\u0001\\u001f/é\\\"\",\"b\":[1,0.10]}")
        #expect(
            JSONValue.object(["a": [1, [:]], "b": []]).prettyText
                == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}")
    }

    @Test("is written like another when their canonical texts are the same, and only then")
    func writtenAlike() throws {
        let texts = [
            "null", "true", "false", "0.1", "0.10", "1e2", "100", "\"\"", "\"é\"", "\"e\\u0301\"", "\"1\"", "[]", "[1]",
            "[1,2]",
            "[2,1]", "{}", "{\"a\":1}", "{\"a\":1.0}", "{\"b\":1}", "{\"a\":1,\"b\":[{\"c\":null}]}",
            "{\"b\":[{\"c\":null}],\"a\":1}", "{\"a\":1,\"b\":[{\"c\":false}]}",
        ]
        let values = try texts.map { try JSONParser.parse($0) }
        for left in values {
            for right in values {
                #expect(left.isWritten(like: right) == (left.canonicalBytes == right.canonicalBytes))
            }
        }
    }

    @Test("is hashed as SHA-256 is, in its first 16 bytes")
    func digests() {
        // FIPS 180-4 example: SHA-256("abc") = ba7816bf 8f01cfea 414140de 5dae2223 …
        #expect(Digest(of: Array("abc".utf8)).hex == "ba7816bf8f01cfea414140de5dae2223")
        #expect(Digest(of: []).hex == "e3b0c44298fc1c149afbf4c8996fb924")
        #expect(Digest(ofParts: ["a", "bc"]) != Digest(ofParts: ["ab", "c"]))
        #expect(Digest(ofParts: ["a,b"]) != Digest(ofParts: ["a", "b"]))
        #expect(Digest(bytes: Digest(of: [1]).bytes) == Digest(of: [1]))
        #expect(Digest(bytes: [1, 2]) == nil)
    }

    @Test("text compares by bytes")
    func exactStrings() {
        #expect(ExactString("caf\u{E9}") != ExactString("cafe\u{301}"))
        #expect(Set([ExactString("caf\u{E9}"), ExactString("cafe\u{301}"), "x"]).count == 3)
        #expect(ExactString("a") < "b" && ExactString("Z") < "a" && ExactString("cafe\u{301}") < "caf\u{E9}")
        #expect("a".precedesByBytes("aa") && !"a".precedesByBytes("a"))
    }
}
