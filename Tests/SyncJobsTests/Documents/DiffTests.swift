// Differences between images: fields, child tables, declared kinds, the JSON shape.
import SyncJobs
import Testing

@Suite("A diff")
struct DiffTests {
    private func document(_ fields: JSONObject) -> Document { Document(key: nil, fields: fields) }

    private func diff(_ old: JSONObject?, _ new: JSONObject?, shape: DocumentShape = DocumentShape()) throws -> Diff {
        try Diff(from: old.map(document), to: new.map(document), shape: shape)
    }

    private func changes(_ changes: (String, JSONValue, JSONValue)...) -> [Diff.FieldChange] {
        changes.map { Diff.FieldChange(field: $0, old: $1, new: $2) }
    }

    private static let table = DocumentShape(tables: [
        "rows": TableShape(rowKey: "id", fields: ["n": FieldShape(kind: .decimal(places: 2))])
    ])

    @Test("lists changed fields; fields that are missing after are left alone")
    func fields() throws {
        let result = try diff(["a": 1, "b": "x", "c": nil, "e": 5], ["a": 2, "b": "x", "c": nil, "d": true])
        #expect(result == Diff(changed: changes(("a", 1, 2), ("d", nil, true))))
    }

    @Test("finds each field whatever fields stand beside it")
    func fieldsAmongOthers() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            var (old, new): (JSONObject, JSONObject) = ([:], [:])
            var wanted: [Diff.FieldChange] = []
            for name in ["", "a", "aa", "ab", "b", "e\u{301}", "\u{E9}"] {
                let values = [nil, .null, 1, 2] as [JSONValue?]
                let (before, after) = (values.randomElement(using: &generator), values.randomElement(using: &generator))
                old[name] = before ?? nil
                new[name] = after ?? nil
                guard let after = after ?? nil, after != (before ?? nil) ?? .null else { continue }
                wanted.append(Diff.FieldChange(field: name, old: (before ?? nil) ?? .null, new: after))
            }
            #expect(try diff(old, new) == Diff(changed: wanted))
        }
    }

    @Test("of an insert lists every field from null, of a delete every field to null")
    func insertAndDelete() throws {
        let fields: JSONObject = ["b": 2, "a": "x", "rows": [["id": 1]]]
        let row = Diff.Row(table: "rows", row: ["id": 1])
        #expect(
            try diff(nil, fields, shape: Self.table)
                == Diff(changed: changes(("a", nil, "x"), ("b", nil, 2)), added: [row]))
        #expect(
            try diff(fields, nil, shape: Self.table)
                == Diff(changed: changes(("a", "x", nil), ("b", 2, nil)), removed: [row]))
        let keyless: JSONObject = ["rows": [["x": 1], ["id": 2]]]
        #expect(try diff(keyless, nil, shape: Self.table).removed.count == 2)
    }

    @Test("null, missing, \"\": three values")
    func nullMissingEmpty() throws {
        #expect(try diff(["a": nil], ["a": ""]).changed == changes(("a", nil, "")))
        #expect(try diff(["a": ""], ["a": nil]).changed == changes(("a", "", nil)))
        #expect(try diff(["a": "x"], [:]).isEmpty)
        #expect(try diff([:], ["a": nil]).isEmpty)
    }

    @Test("pairs the rows of a declared child table by their key, whatever their order")
    func rows() throws {
        let old: JSONObject = ["rows": [["id": 1, "n": 5], ["id": 2, "n": 6], ["id": 3, "n": 7]]]
        let new: JSONObject = ["rows": [["id": 4, "n": 8], ["id": 3, "n": 9, "x": "y"], ["id": 1, "n": 5]]]
        let result = try diff(old, new, shape: Self.table)
        #expect(result.added == [Diff.Row(table: "rows", row: ["id": 4, "n": 8])])
        #expect(result.removed == [Diff.Row(table: "rows", row: ["id": 2, "n": 6])])
        #expect(
            result.rowChanged == [
                Diff.RowChange(table: "rows", rowKey: 3, changes: changes(("n", 7, 9), ("x", nil, "y")))
            ])
        #expect(result.changed.isEmpty)
    }

    @Test("rows reordered: no change; a changed row key: removed and added")
    func reordered() throws {
        #expect(
            try diff(["rows": [["id": 1], ["id": 2]]], ["rows": [["id": 2], ["id": 1]]], shape: Self.table).isEmpty)
        let rekeyed = try diff(["rows": [["id": 1, "n": 1]]], ["rows": [["id": 2, "n": 1]]], shape: Self.table)
        #expect(rekeyed.added.count == 1 && rekeyed.removed.count == 1 && rekeyed.rowChanged.isEmpty)
    }

    @Test("child table [], null, missing: emptied, emptied when said so, untouched")
    func emptied() throws {
        let old: JSONObject = ["rows": [["id": 1]]]
        #expect(try diff(old, ["rows": []], shape: Self.table).removed.count == 1)
        #expect(try diff(old, ["rows": nil], shape: Self.table).removed.count == 1)
        #expect(try diff(old, [:], shape: Self.table).isEmpty)
        #expect(try diff([:], ["rows": []], shape: Self.table).isEmpty)
    }

    @Test("refuses new rows without a key and keys that occur twice, and leaves keyless rows of the target alone")
    func unpaired() throws {
        let duplicate = #expect(throws: JobFailure.self) {
            try diff(nil, ["rows": [["id": 1], ["id": try JSONParser.parse("1.0")]]], shape: Self.table)
        }
        #expect(duplicate?.code == .duplicateRowKey)
        let twice: JSONObject = ["rows": [["id": 1], ["id": 1]]]
        let unchanged = #expect(throws: JobFailure.self) { try diff(twice, twice, shape: Self.table) }
        #expect(unchanged?.code == .duplicateRowKey, "also where nothing has changed")
        for row in [["n": 1], ["id": nil]] as [JSONValue] {
            let missing = #expect(throws: JobFailure.self) { try diff(nil, ["rows": [row]], shape: Self.table) }
            #expect(missing?.code == .missingRowKey)
            #expect(try diff(["rows": [row]], ["rows": [row]], shape: Self.table).isEmpty)
            #expect(try diff(["rows": [row]], ["rows": [row, ["id": 1]]], shape: Self.table).added.count == 1)
        }
    }

    @Test("compares undeclared arrays and objects whole: objects without order, arrays in order")
    func undeclared() throws {
        #expect(try diff(["a": ["x": 1, "y": 2]], ["a": ["y": 2, "x": 1]]).isEmpty)
        #expect(try diff(["a": [1, 2]], ["a": [2, 1]]).changed.count == 1)
        #expect(try diff(["rows": "text"], ["rows": [["id": 1]]], shape: Self.table).changed.count == 1)
    }

    @Test(
        "compares what a field is declared to hold",
        arguments: [
            (nil, "\"5\"", "5", false), (.integer, "\"5\"", "5", true), (.text, "\"5\"", "5", true),
            (.text, "\"5\"", "5.0", false),
            (.decimal(places: 2), "\"0.10\"", "0.1", true), (nil, "0.10", "0.1", true),
            (nil, "0.30000000000000004", "0.3", false), (.decimal(places: 2), "0.30000000000000004", "0.3", true),
            (.decimal(places: 2), "0.125", "0.12", true), (.decimal(places: 2), "0.125", "0.13", false),
            (nil, "0", "false", false), (.bool, "0", "false", true), (.bool, "1.0", "true", true),
            (.bool, "2", "true", false),
            (.bool, "null", "false", false), (nil, "-0", "0", true),
            (.timestamp, "\"2026-11-21T09:30:00+01:00\"", "\"2026-11-21T08:30:00Z\"", true),
            (nil, "\"2026-11-21T09:30:00+01:00\"", "\"2026-11-21T08:30:00Z\"", false),
            (.date, "\"2026-11-21\"", "\"2026-11-21\"", true), (.date, "\"2026-11-21\"", "\"2026-11-22\"", false),
            (.timestamp, "\"yesterday\"", "\"yesterday\"", true), (.integer, "\"x\"", "5", false),
            (.text, "\"caf\u{E9}\"", "\"cafe\u{301}\"", false), (nil, "\"a\"", "\"a \"", false),
            (nil, "\"a\\r\\nb\"", "\"a\\nb\"", false), (.json, "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true),
        ] as [(FieldKind?, String, String, Bool)])
    func declared(kind: FieldKind?, old: String, new: String, areEqual: Bool) throws {
        let (old, new) = (try JSONParser.parse(old), try JSONParser.parse(new))
        #expect(FieldComparison.areEqual(old, new, kind: kind) == areEqual)
        #expect(FieldComparison.areEqual(new, old, kind: kind) == areEqual)
        let shape = DocumentShape(fields: ["f": FieldShape(kind: kind)])
        #expect(try diff(["f": old], ["f": new], shape: shape).isEmpty == areEqual)
    }

    @Test("compares the declared fields of rows")
    func declaredInRows() throws {
        #expect(
            try diff(
                ["rows": [["id": 1, "n": "0.10"]]], ["rows": [["id": 1, "n": try JSONParser.parse("0.1")]]],
                shape: Self.table
            ).isEmpty)
    }

    @Test("holds composed and decomposed names, keys and values apart")
    func bytes() throws {
        #expect(try diff(["a": "caf\u{E9}"], ["a": "cafe\u{301}"]).changed.count == 1)
        #expect(try diff(["caf\u{E9}": 1], ["caf\u{E9}": 1, "cafe\u{301}": 1]).changed.count == 1)
        let rekeyed = try diff(["rows": [["id": "caf\u{E9}"]]], ["rows": [["id": "cafe\u{301}"]]], shape: Self.table)
        #expect(rekeyed.added.count == 1 && rekeyed.removed.count == 1)
    }

    @Test("has the JSON shape of the specification, and is read back from it")
    func json() throws {
        let result = try diff(
            ["a": 1, "rows": [["id": 1, "n": 1], ["id": 2]]], ["a": 2, "rows": [["id": 1, "n": 2], ["id": 3]]],
            shape: Self.table)
        #expect(
            result.json.canonicalText
                == "{\"added\":[[\"rows\",{\"id\":3}]],\"changed\":[[\"a\",1,2]],\"removed\":[[\"rows\",{\"id\":2}]],"
                + "\"row_changed\":[[\"rows\",1,[[\"n\",1,2]]]]}")
        #expect(Diff(json: result.json) == result)
        for bad in ["{}", "[]", "{\"added\":[],\"changed\":[[1,2,3]],\"removed\":[],\"row_changed\":[]}"] {
            #expect(Diff(json: try JSONParser.parse(bad)) == nil)
        }
    }
}

@Suite("Masking")
struct SensitiveFieldsTests {
    private static let secret = FieldShape(isSensitive: true)
    private let sensitive = SensitiveFields(
        of: DocumentShape(
            fields: ["vat": secret, "name": FieldShape()],
            tables: ["cards": TableShape(rowKey: "no", fields: ["no": secret, "pin": secret])]))

    @Test("hides sensitive values in images, and shows null as null")
    func images() {
        let image: JSONObject = ["vat": "S1", "name": "Ada", "cards": [["no": "S2", "pin": nil, "x": 1], "S3"]]
        #expect(
            sensitive.masking(image)
                == ["vat": "•••", "name": "Ada", "cards": [["no": "•••", "pin": nil, "x": 1], "•••"]])
        #expect(sensitive.masking(["vat": nil, "cards": "S4"]) == ["vat": nil, "cards": "•••"])
        #expect(SensitiveFields(of: DocumentShape()).isEmpty)
    }

    @Test("hides sensitive values everywhere in a diff, and that they changed stays visible")
    func diffs() throws {
        let shape = DocumentShape(
            fields: ["vat": Self.secret],
            tables: ["cards": TableShape(rowKey: "no", fields: ["no": Self.secret, "pin": Self.secret])])
        let old: JSONObject = ["vat": "S1", "cards": [["no": "S2", "pin": "S3"], ["no": "S4", "pin": "S5", "x": 1]]]
        let new: JSONObject = ["vat": "S6", "cards": [["no": "S2", "pin": "S7"], ["no": "S8", "pin": nil]]]
        let diff = try Diff(from: Document(key: nil, fields: old), to: Document(key: nil, fields: new), shape: shape)
        let masked = SensitiveFields(of: shape).masking(diff)
        #expect(!masked.json.canonicalText.contains("S"))
        #expect(masked.changed == [Diff.FieldChange(field: "vat", old: "•••", new: "•••")])
        #expect(masked.added.map(\.row) == [["no": "•••", "pin": nil]])
        #expect(masked.removed.map(\.row) == [["no": "•••", "pin": "•••", "x": 1]])
        #expect(masked.rowChanged.map(\.rowKey) == ["•••"])
        let text = try Diff(
            from: Document(key: nil, fields: ["cards": "S9"]), to: Document(key: nil, fields: new), shape: shape)
        #expect(!SensitiveFields(of: shape).masking(text).json.canonicalText.contains("S"))
        let inserted = try Diff(from: nil, to: Document(key: nil, fields: ["vat": "S1"]), shape: shape)
        #expect(
            SensitiveFields(of: shape).masking(inserted).changed == [
                Diff.FieldChange(field: "vat", old: nil, new: "•••")
            ])
    }
}

@Suite("A document")
struct DocumentTests {
    @Test("is named exactly: composed and decomposed names are two documents")
    func keys() throws {
        let type = try #require(DocumentType("erp.Customer"))
        let (composed, decomposed) = (
            DocumentKey(type: type, name: "caf\u{E9}"), DocumentKey(type: type, name: "cafe\u{301}")
        )
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(composed.description == "erp.Customer/caf\u{E9}")
    }

    @Test("type is system.Type, where the type may hold dots", arguments: [("a.b", "a", "b"), ("a.b.c", "a", "b.c")])
    func types(text: String, system: String, name: String) {
        #expect(DocumentType(text) == DocumentType(system: system, name: name))
        #expect(DocumentType(text)?.description == text)
    }

    @Test("type is none without system or name", arguments: ["a", "", ".b", "a."])
    func noTypes(text: String) {
        #expect(DocumentType(text) == nil)
    }

    @Test("hashes its fields without their order, and tells any change")
    func hashes() {
        func hash(_ fields: JSONObject) -> Digest { Document(key: nil, fields: fields).fieldsHash }
        #expect(hash(["a": 1, "b": 2]) == hash(["b": 2, "a": 1]))
        #expect(Set([hash(["a": 1]), hash(["a": "1"]), hash(["a": nil]), hash([:])]).count == 4)
    }

    @Test("write is an insert, an update or a delete by what is there before and after")
    func writes() throws {
        let type = try #require(DocumentType("a.b"))
        let document = Document(key: nil, fields: [:])
        func operation(_ before: Document?, _ after: Document?) -> SyncJobs.Operation {
            DocumentWrite(
                type: type, before: before, after: after, fallbackName: "x", diff: Diff(),
                idempotencyKey: Digest(of: [])
            ).operation
        }
        #expect(operation(nil, document) == .insert)
        #expect(operation(document, document) == .update)
        #expect(operation(document, nil) == .delete)
    }
}
