// ferry systems on a configuration and files: what is reported, masked, and with which exit status it ends.

import DocumentSystems
import Foundation
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite("ferry systems")
struct SystemsCommandTests {
    private static let schema = """
        CREATE TABLE customers (code TEXT PRIMARY KEY, label TEXT, tax_id TEXT, disabled INTEGER);
        CREATE TABLE pictures (id TEXT PRIMARY KEY, picture BLOB);
        INSERT INTO customers VALUES ('C-1', 'Oslo kommune', 'NO-secret', 0), ('C-2', 'Kari', NULL, 1);
        INSERT INTO pictures VALUES ('p', x'00');
        """
    private static let configuration = """
        systems: {shop: {kind: sqlite, path: shop.sqlite}, app: {kind: embedded}}
        documents:
          shop.Customer:
            table: customers
            name: code
            fields: {tax_id: {type: text, sensitive: true}, disabled: bool}
        types:
          Note Sync: {source: app.Note, target: shop.Customer, match: {code: source.code}, fields: {label: source.label}}
        """

    private func status(_ arguments: String..., in folder: String) async -> CommandStatus {
        await Ferry().status(arguments: arguments + ["--config", "\(folder)/ferry.yaml"])
    }

    private func composition(_ folder: String) throws -> Composition {
        try Composition(
            try FerryConfiguration.load(path: "\(folder)/ferry.yaml", environment: [:]), logger: SystemsFixture.logger)
    }

    private func report(_ system: String, in folder: String) async throws -> SystemReport {
        let composition = try composition(folder)
        let store = try composition.openStore()
        let report = await SystemReport.make(try composition.requireSystem(system), composition, store: store)
        try store.close()
        return report
    }

    @Test("check shows the first document as Ferry sees it, sensitive fields masked")
    func check() async throws {
        try await SystemsFixture.with(Self.schema, configuration: Self.configuration) { folder in
            let report = try await report("shop", in: folder)
            #expect(
                report.lines(style: .plain) == [
                    "shop (sqlite, \(folder)/shop.sqlite)", "  shop.Customer · table customers · 2 documents",
                    "    C-1", #"      code      "C-1""#, "      disabled  false", #"      label     "Oslo kommune""#,
                    #"      tax_id    "•••""#,
                ])
            #expect(!report.json.canonicalText.contains("NO-secret"))
            let documents = try #require(report.json.objectValue?["documents"]?.arrayValue?.first?.objectValue)
            #expect(documents.keys == ["count", "first", "is_declared", "table", "type"])
            #expect(documents["count"] == 2)
            #expect(await status("systems", "check", in: folder) == .good)
            #expect(await status("systems", "check", "shop", "--json", in: folder) == .good)
        }
    }

    @Test("check looks at embedded types that only types of jobs name")
    func embedded() async throws {
        try await SystemsFixture.with(Self.schema, configuration: Self.configuration) { folder in
            let store = try composition(folder).openStore()
            let key = DocumentKey(type: DocumentType(system: "app", name: "Note"), name: "N-1")
            _ = try await store.putDocuments([(key, ["code": "x"], nil)])
            try store.close()
            let report = try await report("app", in: folder)
            #expect(
                report.lines(style: .plain) == [
                    "app (embedded, \(folder)/ferry.sqlite)", "  app.Note · 1 document · not declared", "    N-1",
                    #"      code  "x""#,
                ])
        }
    }

    @Test("check ends with 2 for what does not fit, 1 for what can't be read, 4 for what can't be reached")
    func statuses() async throws {
        let document = "  shop.Picture: {table: pictures, name: id}\n"
        let unreadable = Self.configuration.replacing("documents:\n", with: "documents:\n\(document)")
        try await SystemsFixture.with(Self.schema, configuration: unreadable) { folder in
            #expect(await status("systems", "check", in: folder) == .failed)
            let lines = try await report("shop", in: folder).lines(style: .plain)
            #expect(
                lines.contains { $0.hasPrefix("    error: invalid_target: shop.Picture/p: the column \"picture\"") })
        }
        let misfit = Self.configuration.replacing("table: customers", with: "table: custmers")
        try await SystemsFixture.with(Self.schema, configuration: misfit) { folder in
            #expect(await status("systems", "check", in: folder) == .usage)
            let report = try await report("shop", in: folder)
            #expect(report.problems.map(\.message) == ["the file has no table \"custmers\""])
            #expect(report.documents.map(\.count) == [nil])
        }
        let unreachable = Self.configuration.replacing("shop.sqlite", with: "gone.sqlite")
        try await SystemsFixture.with(Self.schema, configuration: unreachable) { folder in
            #expect(await status("systems", "check", in: folder) == .store)
            #expect(await status("systems", "inspect", "shop", in: folder) == .store)
            let report = try await report("shop", in: folder)
            #expect(report.failure?.code == .systemUnavailable)
            #expect(report.json.objectValue?["error"]?.objectValue?["code"] == "system_unavailable")
        }
    }

    @Test("a system or table that is not there is refused")
    func unknown() async throws {
        try await SystemsFixture.with(Self.schema, configuration: Self.configuration) { folder in
            #expect(await status("systems", "check", "shp", in: folder) == .usage)
            #expect(await status("systems", "inspect", "shp", in: folder) == .usage)
            #expect(await status("systems", "inspect", "shop", "nothing", in: folder) == .failed)
            #expect(await status("systems", "inspect", "shop.Customer", in: folder) == .usage)
            let failure = #expect(throws: CommandFailure.self) { try composition(folder).requireSystem("shp") }
            #expect(failure?.remedy == "did you mean shop?")
        }
    }

    @Test("inspect needs neither documents nor a configuration, and changes nothing")
    func inspect() async throws {
        try await SystemsFixture.with(Self.schema, configuration: "systems: {shop: {kind: sqlite, path: shop.sqlite}}")
        {
            folder in
            let file = URL(fileURLWithPath: "\(folder)/shop.sqlite")
            let before = try Data(contentsOf: file)
            #expect(await status("systems", "inspect", "shop", in: folder) == .good)
            #expect(await status("systems", "inspect", "shop", "customers", "--json", in: folder) == .good)
            let arguments = ["systems", "inspect", "erp", "--file", file.path, "--config", "/nowhere/ferry.yaml"]
            #expect(await Ferry().status(arguments: arguments) == .good)
            #expect(try Data(contentsOf: file) == before)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/ferry.sqlite"), "a job store was made")
        }
    }

    @Test("inspect of an embedded system needs a store that is there")
    func inspectEmbedded() async throws {
        try await SystemsFixture.with(Self.schema, configuration: Self.configuration) { folder in
            #expect(await status("systems", "inspect", "app", in: folder) == .store)
            try composition(folder).openStore().close()
            #expect(await status("systems", "inspect", "app", in: folder) == .good)
            #expect(await status("systems", "inspect", "app", "Note", in: folder) == .failed)
        }
    }

    @Test("list opens nothing and says which files are there")
    func list() async throws {
        try await SystemsFixture.with(Self.schema, configuration: Self.configuration) { folder in
            let composition = try composition(folder)
            let systems = composition.configuration.systems.map { system in
                ListedSystem(
                    settings: system, file: composition.file(of: system), isThere: system.name == "shop",
                    documentTypes: composition.documentTypes(of: system))
            }
            let width = "\(folder)/ferry.sqlite (not there)".count
            let rows = ListedSystem.table(systems, style: .plain)
            #expect(rows[0] == "NAME  KIND      FILE" + String(repeating: " ", count: width - 4 + 2) + "DOCUMENT TYPES")
            #expect(rows[1].hasPrefix("shop  sqlite    \(folder)/shop.sqlite "))
            #expect(rows[1].hasSuffix("  Customer"))
            #expect(rows[2] == "app   embedded  \(folder)/ferry.sqlite (not there)  Note")
            let json = try #require(systems.last?.json.objectValue)
            #expect(json.keys == ["document_types", "file", "is_there", "kind", "name"])
            #expect(json["document_types"]?.canonicalText == #"["app.Note"]"#)
            #expect(await status("systems", "list", in: folder) == .good)
            #expect(await status("systems", "list", "--json", in: folder) == .good)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/ferry.sqlite"), "a job store was made")
        }
    }
}
