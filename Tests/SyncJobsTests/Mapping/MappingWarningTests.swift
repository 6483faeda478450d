// What is told at start although nothing is wrong: a secret of the source that the target would show.
import SyncJobs
import Testing

@Suite("A sensitive field of the source")
struct MappingWarningTests {
    private static let secret = FieldShape(isSensitive: true)
    private static let source = DocumentShape(
        fields: ["tax": secret], tables: ["accounts": TableShape(rowKey: "no", fields: ["iban": secret])])

    private func warnings(_ text: String, target: DocumentShape = DocumentShape()) throws -> [String] {
        let controller = try #require(try MappingBench(text).type.controller as? any DeclarativeController)
        return controller.mapping.warnings(source: Self.source, target: target).map(\.description)
    }

    @Test("that goes into an undeclared field of the target is a warning with its line")
    func field() throws {
        #expect(
            try warnings("fields:\n  vat: {\"from\": \"source.tax\", \"as\": \"trim\"}") == [
                "line 4: types.T.fields.vat: source.tax is sensitive, and the target's \"vat\" is not declared so: diffs will show it (declare it below documents: fields: {vat: {sensitive: true}})"
            ])
        #expect(try warnings("fields:\n  vat: source.tax", target: DocumentShape(fields: ["vat": Self.secret])).isEmpty)
    }

    @Test(
        "is seen wherever it goes",
        arguments: [
            "fields: {\"greeting\": {\"text\": \"VAT {source.tax}\"}}",
            "fields: {\"vat\": {\"from\": \"source.tax\", \"map\": {\"a\": \"b\"}, \"otherwise\": \"keep\"}}",
            "fields: {}\non_delete: {\"update\": {\"vat\": \"source.tax\"}}",
            "fields: {}\nwrite_back: {\"note\": \"source.tax\"}",
            "tables: {\"x\": {\"from\": \"source.accounts\", \"row_key\": {\"no\": \"row.no\"}, \"fields\": {\"iban\": \"row.iban\"}}}",
            "tables: {\"x\": {\"from\": \"source.accounts\", \"row_key\": {\"no\": \"row.iban\"}}}",
            "fields: {\"copy\": \"source.accounts\"}", "fields: {\"first\": \"source.accounts.0.iban\"}",
            "relay: {\"each\": \"source.accounts\", \"key\": \"row.no\", \"removed\": \"keep\"}\nfields: {\"iban\": \"row.iban\"}",
        ])
    func everywhere(text: String) throws {
        #expect(try warnings(text).count == 1)
    }

    @Test(
        "is none where its value does not go",
        arguments: [
            "fields: {\"a\": \"source.name\", \"b\": \"context.tax\", \"c\": \"source.accounts.0.no\"}",
            "match: {\"vat\": \"source.tax\"}\nfields: {}",
            "when: source.tax == \"x\"\nrequire: source.tax\nfields: {}",
            "fields: {\"known\": {\"from\": \"source.tax\", \"map\": {\"a\": \"b\"}}}",
            "fields: {\"owner\": {\"lookup\": \"T\", \"key\": \"source.tax\"}}",
        ])
    func nowhere(text: String) throws {
        #expect(try warnings(text).isEmpty)
    }

    @Test("of a table that is copied whole is fine where the target's table declares the same")
    func copiedTable() throws {
        let target = DocumentShape(tables: ["copy": TableShape(rowKey: "no", fields: ["iban": Self.secret])])
        #expect(try warnings("fields: {\"copy\": \"source.accounts\"}", target: target).isEmpty)
    }
}
