// What start-up says about mappings and the documents they touch, on a store of its own and without a broker.

import Foundation
import JobStore
import Logging
import SyncJobs
import Testing

@testable import Ferry

@Suite("What does not fit")
struct FittingTests {
    private func problems(_ text: String) async throws -> [FittingProblem] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        let configuration = try ConfigurationFixture.read("store: {path: \(folder)/ferry.sqlite}\n" + text)
        let composition = try Composition(configuration, logger: Logger(label: "test"))
        let store = try composition.openStore()
        let found = try await composition.fittingProblems(in: try composition.systems(store: store))
        try store.close()
        return found
    }

    private static let documents = """
        systems: {erp: {kind: embedded}, shop: {kind: embedded}}
        documents:
          erp.Customer:
            name: code
            fields: {tax_id: {type: text, sensitive: true}}
            tables: {items: {row_key: id, fields: {serial: {sensitive: true}}}}
          shop.Account: {name: no, fields: {vat: SHAPE}}
        types:

        """

    @Test("warns of a sensitive field that the target would show, with file, line and remedy")
    func sensitive() async throws {
        let type = "  T: {source: erp.Customer, target: shop.Account, fields: {vat: source.tax_id}}\n"
        let found = try await problems(Self.documents.replacing("SHAPE", with: "text") + type)
        #expect(
            found.map(\.description) == [
                "ferry.yaml:10: types.T.fields.vat: source.tax_id is sensitive, and the target's \"vat\" is not declared so: diffs will show it (declare it below documents: fields: {vat: {sensitive: true}})"
            ])
        #expect(found.allSatisfy { !$0.problem.isFatal })
        #expect(try await problems(Self.documents.replacing("SHAPE", with: "{sensitive: true}") + type).isEmpty)
    }

    @Test("refuses a mapping that writes back into the source's name, and looks at relays as well")
    func relays() async throws {
        let type = """
              T:
                source: erp.Customer
                target: shop.Account
                relay: {each: source.items, key: row.id, removed: keep}
                fields: {vat: row.serial}
                write_back: {code: job.target_document_name}
            """
        let found = try await problems(Self.documents.replacing("SHAPE", with: "text") + type)
        #expect(found.count == 2)
        #expect(found.first { $0.problem.isFatal }?.place == "types.T.write_back.code")
        #expect(found.first { !$0.problem.isFatal }?.place == "types.T.fields.vat")
    }

    @Test("lets a worker start while a system is known to be down, and refuses one that is missing otherwise")
    func down() async throws {
        let text = """
            store: {path: /nowhere/ferry.sqlite}
            systems: {erp: {kind: embedded}, shop: {kind: sqlite, path: /nowhere/shop.sqlite}}
            documents: {shop.Account: {table: accounts, name: id}}
            types: {T: {source: erp.Customer, target: shop.Account, match: {vat: source.vat}, fields: {vat: source.vat}}}
            """
        let composition = try Composition(try ConfigurationFixture.read(text), logger: Logger(label: "test"))
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: folder) } }
        let store = try JobStore(path: folder + "/jobs.sqlite", logger: Logger(label: "test"))
        #expect(throws: JobFailure.self) { try composition.systems(store: store) }
        let systems = try composition.systems(store: store, down: ["shop"])
        #expect(try await composition.fittingProblems(in: systems).map(\.problem.isFatal) == [true])
        #expect(try await composition.fittingProblems(in: systems, down: ["shop"]).isEmpty)
        try store.close()
    }
}
