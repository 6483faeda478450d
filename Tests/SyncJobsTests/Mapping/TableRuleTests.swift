// Child tables: how rows are paired, what stays, what goes.
import SyncJobs
import Testing

@Suite("A child table's rule")
struct TableRuleTests {
    private static let shape = DocumentShape(tables: ["addresses": TableShape(rowKey: "erp_row")])

    private func bench(_ source: JSONObject, removed: String = "delete", kind: FieldKind? = nil) throws -> MappingBench
    {
        var bench = try MappingBench(
            """
            tables:
              addresses:
                from: source.addresses
                row_key: {"erp_row": "row.id"}
                when: row.kind in ["Billing", "Shipping"]
                removed: \(removed)
                fields:
                  street: row.line1
                  owner: source.name
                  since: {"from": "row.since", "only": "insert"}
                  country: {"from": "row.country", "map": {"DE": "Germany"}, "otherwise": "keep"}
            """)
        var shape = Self.shape
        shape.tables["addresses"]?.fields["erp_row"] = kind.map { FieldShape(kind: $0) }
        bench.lookups.shapes = [MappingBench.targetType: shape]
        bench.source = source
        return bench
    }

    private func row(_ id: JSONValue, _ street: JSONValue, kind: JSONValue = "Billing") -> JSONValue {
        ["id": id, "line1": street, "kind": kind, "country": "DE"]
    }

    @Test("inserts rows in the source's order, those that the condition leaves out not")
    func insert() async throws {
        let bench = try bench([
            "name": "Ada", "addresses": [row(2, "B", kind: "Shipping"), row(1, "A"), row(3, "C", kind: "Other")],
        ])
        #expect(
            try await bench.inserted() == [
                "addresses": [
                    ["erp_row": 2, "street": "B", "owner": "Ada", "country": "Germany"],
                    ["erp_row": 1, "street": "A", "owner": "Ada", "country": "Germany"],
                ]
            ])
    }

    @Test("pairs rows by their key, keeps their other fields and the target's order")
    func update() async throws {
        let bench = try bench(["addresses": [row(1, "A2"), row(2, "B"), row(4, "D")]])
        let before: JSONObject = [
            "addresses": [
                ["id": 12, "erp_row": 2, "street": "B", "country": "Germany", "since": "1999", "phone": "22"],
                ["id": 11, "erp_row": 1, "street": "A", "country": "Germany", "phone": "11"],
                ["id": 13, "erp_row": 3, "street": "C"],
            ]
        ]
        let after = try await bench.updated(before)
        #expect(
            after == [
                "addresses": [
                    ["id": 12, "erp_row": 2, "street": "B", "country": "Germany", "since": "1999", "phone": "22"],
                    ["id": 11, "erp_row": 1, "street": "A2", "country": "Germany", "phone": "11"],
                    ["erp_row": 4, "street": "D", "country": "Germany"],
                ]
            ])
        let diff = try Diff(
            from: Document(key: nil, fields: before), to: Document(key: nil, fields: after), shape: Self.shape)
        #expect(diff.added.map(\.row) == [["erp_row": 4, "street": "D", "country": "Germany"]])
        #expect(diff.removed.map(\.row) == [["id": 13, "erp_row": 3, "street": "C"]])
        #expect(diff.rowChanged.map(\.changes) == [[Diff.FieldChange(field: "street", old: "A", new: "A2")]])
        #expect(diff.changed.isEmpty)
    }

    @Test("empties the table for [], and leaves it alone for missing and null")
    func emptyNullMissing() async throws {
        let before: JSONObject = ["addresses": [["erp_row": 1, "street": "A"]]]
        #expect(try await bench(["addresses": []]).updated(before) == ["addresses": []])
        #expect(try await bench(["addresses": nil]).updated(before) == before)
        #expect(try await bench([:]).updated(before) == before)
    }

    @Test("treats rows that the condition leaves out as absent, and keeps them when removed says so")
    func removed() async throws {
        let source: JSONObject = ["addresses": [row(1, "A", kind: "Other")]]
        let before: JSONObject = ["addresses": [["erp_row": 1, "street": "A"]]]
        #expect(try await bench(source).updated(before) == ["addresses": []])
        #expect(try await bench(source, removed: "keep").updated(before) == before)
    }

    @Test("never touches a row of the target that has no key")
    func ownRows() async throws {
        let own: JSONValue = ["erp_row": nil, "street": "by hand"]
        let before: JSONObject = ["addresses": [own, ["erp_row": 1, "street": "A", "country": "Germany"], own]]
        let after = try await bench(["addresses": [row(1, "A")]]).updated(before)
        #expect(after == before)
        let emptied = try await bench(["addresses": []]).updated(before)
        #expect(emptied == ["addresses": [own, own]])
        let diff = try Diff(
            from: Document(key: nil, fields: before), to: Document(key: nil, fields: emptied), shape: Self.shape)
        #expect(diff.removed.map(\.row) == [["erp_row": 1, "street": "A", "country": "Germany"]])
        #expect(diff.added.isEmpty)
    }

    @Test("pairs keys as their declared kind has it, and keeps the target's spelling")
    func declaredKeys() async throws {
        let before: JSONObject = ["addresses": [["erp_row": "7", "street": "A", "country": "Germany"]]]
        let source: JSONObject = ["addresses": [row(7, "A")]]
        #expect(try await bench(source, kind: .text).updated(before) == before)
        #expect(try await bench(source, kind: .integer).updated(before) == before)
        #expect(try await bench(source).updated(before)["addresses"]?.arrayValue?.first?.objectValue?["erp_row"] == 7)
    }

    @Test("holds composed and decomposed row keys apart")
    func bytes() async throws {
        let bench = try bench(["addresses": [row("caf\u{E9}", "A"), row("cafe\u{301}", "B")]])
        #expect(try await bench.inserted()["addresses"]?.arrayValue?.count == 2)
    }

    @Test("refuses duplicate and missing keys, and sources and targets that are no rows")
    func refusals() async throws {
        let duplicate = try await bench(["addresses": [row(1, "A"), row(1, "B")]]).failure()
        #expect(duplicate.code == .duplicateRowKey)
        #expect(duplicate.message == "two rows of source.addresses have the same key for \"addresses.erp_row\"")
        for key in [JSONValue.null, nil] as [JSONValue] {
            #expect(try await bench(["addresses": [row(key, "A")]]).failure().code == .missingRowKey)
        }
        #expect(try await bench(["addresses": "A"]).failure().code == .coercionFailed)
        #expect(try await bench(["addresses": ["A"]]).failure().code == .coercionFailed)
        let target = await #expect(throws: JobFailure.self) {
            try await bench(["addresses": []]).updated(["addresses": "text"])
        }
        #expect(target?.code == .invalidTarget)
        let twice = await #expect(throws: JobFailure.self) {
            try await bench(["addresses": [row(1, "A")]]).updated(["addresses": [["erp_row": 1], ["erp_row": 1]]])
        }
        #expect(twice?.code == .duplicateRowKey)
    }

    @Test("names table, field and row of a failed coercion, masked when the row's field is sensitive")
    func failedCoercion() async throws {
        var bench = try MappingBench(
            """
            tables:
              lines:
                from: source.lines
                row_key: {"no": "row.no"}
                fields:
                  amount: {"from": "row.amount", "as": "integer"}
            """)
        bench.source = ["lines": [["no": 1, "amount": 5], ["no": 2, "amount": "x"]]]
        #expect(try await bench.failure().message == "the field \"lines.amount\" in row 2: \"x\" is not a whole number")
        let table = TableShape(rowKey: "no", fields: ["amount": FieldShape(isSensitive: true)])
        bench.lookups.shapes = [MappingBench.sourceType: DocumentShape(tables: ["lines": table])]
        #expect(try await bench.failure().message == "the field \"lines.amount\" in row 2: ••• is not a whole number")
        bench.lookups.shapes = [MappingBench.targetType: DocumentShape(tables: ["lines": table])]
        #expect(try await bench.failure().message == "the field \"lines.amount\" in row 2: ••• is not a whole number")
    }

    @Test("pairs 50,000 rows")
    func large() async throws {
        let rows = (1...50_000).map { row(.int($0), .string("S\($0)")) }
        let bench = try bench(["addresses": .array(rows)])
        let first = try await bench.inserted()
        #expect(first["addresses"]?.arrayValue?.count == 50_000)
        #expect(try await bench.updated(first) == first)
    }
}
