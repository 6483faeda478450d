// The bypass, seen from outside: a price list, and the file that it becomes.

import FerryTesting
import Foundation
import Testing

@Suite struct PriceListTests {
    private let atlas: AtlasTest
    private var test: SyncTest { atlas.sync }

    init() async throws {
        atlas = try AtlasTest()
        try await test.put("erp.PriceList", "NO", ["items": [Self.item("B", "20"), Self.item("A", "9.90")]])
    }

    private static func item(_ sku: String, _ price: String) -> JSONValue {
        ["sku": .string(sku), "price": .string(price), "currency": "NOK"]
    }

    private func file(_ name: String = "NO.csv") throws -> String? {
        let path = "\(atlas.exports)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test func aListBecomesAFileInTheOrderOfItsArticles() async throws {
        let job = try await test.run("Price List Export", source: "NO")
        #expect(job.status == .finished)
        #expect(job.operation == .insert)
        #expect(job.title == "PriceList > PriceList: NO.csv")
        #expect(try file() == "sku,price,currency\nA,9.90,NOK\nB,20,NOK\n")
    }

    @Test func anEqualFileIsLeftAlone() async throws {
        try await test.run("Price List Export", source: "NO")
        try await test.put("erp.PriceList", "NO", ["items": [Self.item("A", "9.9"), Self.item("B", "20")]])
        #expect(try await test.run("Price List Export", source: "NO").skipReason == .noChanges)
        #expect(try file()?.contains("A,9.90,") == true)
    }

    @Test func theRecordSaysWhichPricesChanged() async throws {
        try await test.run("Price List Export", source: "NO")
        try await test.put("erp.PriceList", "NO", ["items": [Self.item("A", "11"), Self.item("C", "30")]])
        let diff = try #require(try await test.run("Price List Export", source: "NO").diff)
        #expect(diff.rowChanged.map(\.rowKey) == ["A"])
        #expect(diff.added.map { $0.row["sku"] } == ["C"])
        #expect(diff.removed.map { $0.row["sku"] } == ["B"])
    }

    @Test func aDryRunSaysTheSameAndWritesNothing() async throws {
        let job = try await test.run("Price List Export", source: "NO") { $0.dryRun = true }
        #expect(job.skipReason == .dryRun)
        #expect(job.diff?.added.count == 2)
        #expect(try file() == nil)
    }

    @Test func theFileGoesWithItsList() async throws {
        try await test.run("Price List Export", source: "NO")
        try await test.delete("erp.PriceList", "NO")
        #expect(try await test.change(.delete, "erp.PriceList", "NO").map(\.operation) == [.delete])
        #expect(try file() == nil)
    }

    @Test func aListThatNoFileCanHoldIsADeadLetter() async throws {
        try await test.put("erp.PriceList", "NO", ["items": [Self.item("A,B", "1")]])
        #expect(try await test.run("Price List Export", source: "NO").deadLetteredAt != nil)
        try await test.put("erp.PriceList", "../NO", ["items": []])
        #expect(try await test.run("Price List Export", source: "../NO").deadLetteredAt != nil)
    }
}
