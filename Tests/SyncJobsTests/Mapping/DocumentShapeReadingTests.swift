// Entries of `documents:`: what is read, and every problem with its exact text.
import SyncJobs
import Testing

@Suite("A declared document type")
struct DocumentShapeReadingTests {
    private func read(_ text: String) throws -> (shape: DocumentShape, problems: [String]) {
        var problems: [ConfigProblem] = []
        let shape = DocumentShape.read(node: try config(text, place: "documents.D"), problems: &problems)
        return (shape, problems.map(\.description))
    }

    @Test("is read with fields, version and tables; its system's keys are no concern")
    func everything() throws {
        let (shape, problems) = try read(
            """
            table: customers
            json: document
            name: code
            version: {"field": "modified", "order": "timestamp", "zone": "Europe/Berlin"}
            fields:
              a: text
              b: integer
              c: decimal(2)
              d: bool
              e: timestamp
              f: date
              g: json
              h: {"type": "text", "sensitive": true}
              i: {"sensitive": true}
            tables:
              addresses: {"table": "t", "parent": "p", "row_key": "id", "fields": {"x": "decimal(0)"}}
            """)
        #expect(problems.isEmpty)
        #expect(shape.nameField == "code")
        #expect(shape.version == .init(field: "modified", order: .timestamp, zone: try TimeZoneRules("Europe/Berlin")))
        let kinds: [String: FieldKind] = [
            "a": .text, "b": .integer, "c": .decimal(places: 2), "d": .bool, "e": .timestamp, "f": .date, "g": .json,
            "h": .text,
        ]
        #expect(shape.fields.compactMapValues(\.kind) == kinds)
        #expect(shape.sensitiveFields == ["h", "i"])
        #expect(
            shape.tables == [
                "addresses": TableShape(rowKey: "id", fields: ["x": FieldShape(kind: .decimal(places: 0))])
            ])
    }

    @Test(
        "with a mistake says line, place and remedy",
        arguments: [
            ("nmae: code", "line 1: documents.D.nmae: a document type has no key \"nmae\" (did you mean name?)"),
            ("name: 5", "line 1: documents.D.name: name is a number (write a text; quotes make one)"),
            (
                "fields: {\"a\": \"txt\"}",
                "line 1: documents.D.fields.a: \"txt\" is no kind of field (did you mean text?)"
            ),
            (
                "fields: {\"a\": \"decimal\"}",
                "line 1: documents.D.fields.a: \"decimal\" is no kind of field (write decimal(n) with n places, 0 to 30)"
            ),
            (
                "fields: {\"a\": 5}",
                "line 1: documents.D.fields.a: a number is no kind of field (known: text, integer, decimal(2), bool, timestamp, date, json)"
            ),
            (
                "fields: {\"a\": {\"kind\": \"text\"}}",
                "line 1: documents.D.fields.a.kind: a declared field has no key \"kind\" (known keys: type, sensitive)"
            ),
            ("fields: text", "line 1: documents.D.fields: fields is a text (write {field: decimal(2)})"),
            (
                "version: modified",
                "line 1: documents.D.version: a version is a text, and has to be a map (known keys: field, order, zone)"
            ),
            (
                "version: {\"order\": \"number\"}",
                "line 1: documents.D.version: field is missing (write field: with the field that holds it)"
            ),
            (
                "version: {\"field\": \"a\", \"order\": \"time\"}",
                "line 1: documents.D.version.order: order is \"time\" (write one of timestamp, number, none)"
            ),
            (
                "version: {\"field\": \"a\", \"order\": \"timestamp\", \"zone\": \"Europe/Brelin\"}",
                "line 1: documents.D.version.zone: \"Europe/Brelin\" is no IANA time zone (did you mean Europe/Berlin?)"
            ),
            (
                "version: {\"field\": \"a\", \"order\": \"timestamp\", \"zone\": 1}",
                "line 1: documents.D.version.zone: zone is a number (write a text; quotes make one)"
            ),
            (
                "version: {\"field\": \"a\", \"zone\": \"UTC\"}",
                "line 1: documents.D.version.zone: a zone has a meaning only with order: timestamp (leave it out)"
            ),
            (
                "tables: {\"a\": {}}",
                "line 1: documents.D.tables.a: row_key is missing (write row_key: with the field that tells the rows of one parent apart)"
            ),
            ("tables: text", "line 1: documents.D.tables: tables is a text (write {child table: {row_key: field}})"),
        ])
    func mistake(text: String, expected: String) throws {
        #expect(try read(text).problems == [expected])
    }
}
