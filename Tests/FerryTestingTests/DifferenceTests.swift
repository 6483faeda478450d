// What a failed expectation says: every line is what a developer reads instead of a debugger.

import FerryTesting
import Testing

@Suite struct DifferenceTests {
    private static let shape = DocumentShape(
        fields: ["limit": FieldShape(kind: .decimal(places: 2)), "active": FieldShape(kind: .bool)],
        tables: ["addresses": TableShape(rowKey: "id", fields: ["zip": FieldShape(kind: .text)])])

    private func lines(
        _ expected: JSONObject, _ actual: JSONObject?, exactly: Bool = false
    ) -> [String] {
        Difference(expected: expected, actual: actual, shape: Self.shape, exactly: exactly).lines
    }

    @Test func equalDocumentsHaveNone() {
        let same = Difference(expected: ["a": 1, "b": "x"], actual: ["a": 1, "b": "x", "c": 3])
        #expect(same == .none)
        #expect(same.isEmpty)
        #expect("\(same)" == "no difference")
    }

    @Test func eachFieldSaysWhatWasExpectedAndWhatIsThere() {
        #expect(
            lines(["label": "x", "number": 1, "gone": "z", "nothing": nil], ["label": "y", "number": "1"]) == [
                "gone: expected \"z\", is missing", "label: expected \"x\", is \"y\"", "number: expected 1, is \"1\"",
            ])
    }

    @Test func aDocumentThatIsNotThereIsOneLine() {
        #expect(lines(["label": "x"], nil) == ["the document is not there"])
    }

    @Test func otherFieldsCountOnlyWhenAskedTo() {
        #expect(lines(["a": 1], ["a": 1, "b": 2]) == [])
        #expect(lines(["a": 1], ["a": 1, "b": 2], exactly: true) == ["b: is 2, and was not expected"])
    }

    @Test func declaredKindsDecideWhatIsEqual() {
        #expect(lines(["limit": 10, "active": true], ["limit": "10.00", "active": 1]) == [])
        #expect(lines(["limit": 10], ["limit": "10.01"]) == ["limit: expected 10, is \"10.01\""])
    }

    @Test func rowsArePairedByTheirKey() {
        let actual: JSONObject = [
            "addresses": [["id": 2, "street": "b"], ["id": 1, "street": "a", "zip": "0"], ["id": 4]]
        ]
        #expect(lines(["addresses": [["id": 1, "street": "a"], ["id": 2, "street": "b"], ["id": 4]]], actual) == [])
        #expect(
            lines(
                ["addresses": [["id": 1, "street": "x"], ["id": 2, "street": "b"], ["id": 3, "street": "c"]]], actual)
                == [
                    "addresses[1].street: expected \"x\", is \"a\"",
                    "addresses[3]: expected {\"id\":3,\"street\":\"c\"}, is missing",
                    "addresses[4]: is {\"id\":4}, and was not expected",
                ])
    }

    @Test func nestedValuesAreFollowedToWhereTheyPart() {
        #expect(
            lines(["tags": ["a": [1, 2], "b": true]], ["tags": ["a": [1, 3], "c": nil]]) == [
                "tags.a[1]: expected 2, is 3", "tags.b: expected true, is missing",
                "tags.c: is null, and was not expected",
            ])
        #expect(lines(["tags": [1]], ["tags": [1, 2]]) == ["tags: expected [1], is [1,2]"])
    }

    @Test func textsThatOnlyLookAlikeAreSpelled() {
        #expect(
            lines(["name": "\u{E9}"], ["name": "e\u{301}"]) == [
                "name: expected \"\\u{E9}\", is \"e\\u{301}\""
            ])
    }

    @Test func longTextsAreShownWhereTheyPart() throws {
        let long = String(repeating: "a", count: 1000)
        let line = try #require(lines(["text": .string(long + "x")], ["text": .string(long + "y")]).first)
        #expect(line.contains("aax\"") && line.contains("aay\""))
        #expect(line.utf8.count < 300)
    }

    @Test func diffsAreComparedInBothDirections() {
        let actual = Diff(
            changed: [
                .init(field: "label", old: nil, new: "b"), .init(field: "same", old: 1, new: 2),
                .init(field: "extra", old: 1, new: 2),
            ], added: [.init(table: "rows", row: ["id": 1])],
            rowChanged: [
                .init(table: "rows", rowKey: 2, changes: [.init(field: "qty", old: 1, new: 2)]),
                .init(table: "rows", rowKey: 3, changes: [.init(field: "qty", old: 1, new: 2)]),
            ])
        let expected = Diff(
            changed: [
                .init(field: "label", old: nil, new: "a"), .init(field: "same", old: 1, new: 2),
                .init(field: "lost", old: 1, new: 2),
            ], removed: [.init(table: "rows", row: ["id": 9])],
            rowChanged: [.init(table: "rows", rowKey: 2, changes: [.init(field: "qty", old: 1, new: 5)])])
        #expect(
            Difference(expected: expected, actual: actual).lines == [
                "label: expected null → \"a\", is null → \"b\"", "lost: expected 1 → 2, did not change",
                "extra: changed 1 → 2, and was not expected to", "rows: added {\"id\":1}, and was not expected to be",
                "rows: expected removed {\"id\":9}, which is not so", "rows[2].qty: expected 1 → 5, is 1 → 2",
                "rows[3].qty: changed 1 → 2, and was not expected to",
            ])
        #expect(Difference(expected: Diff(), actual: nil) == .none)
        #expect(Difference(expected: actual, actual: actual) == .none)
    }
}
