// Multiple targets, seen from outside: a country, its subdivisions, and the regions that they become.

import FerryTesting
import Testing

@Suite struct CountryRegionsTests {
    private let atlas: AtlasTest
    private var test: SyncTest { atlas.sync }

    init() async throws {
        atlas = try AtlasTest()
        try await test.put("registry.Country", "NO", ["name": "Norway"])
        for (code, name) in [("NO-03", "Oslo"), ("NO-46", "Vestland")] {
            try await test.put("registry.Subdivision", code, ["country": "NO", "name": .string(name), "type": "County"])
        }
    }

    @Test func eachSubdivisionBecomesARegion() async throws {
        let relay = try await test.run("Country Regions", source: "NO")
        #expect(relay.status == .relayed)
        let ran = try await test.settle()
        #expect(try await test.children(of: relay).map(\.status) == [.finished, .finished])
        let oslo: JSONObject = ["code": "NO-03", "label": "Oslo", "kind": "county", "nation": "Norway"]
        #expect(try await test.difference("atlas.Region", "NO-03", oslo, exactly: true) == .none)
        #expect(ran.last?.notes == ["2 regions, 0 failed"])
    }

    @Test func aChangeOfASubdivisionIsItsCountrysJob() async throws {
        try await test.run("Country Regions", source: "NO")
        try await test.settle()
        try await test.put("registry.Subdivision", "NO-03", ["country": "NO", "name": "Oslo by", "type": "County"])
        let jobs = try await test.change(.update, "registry.Subdivision", "NO-03")
        #expect(jobs.map(\.request.sourceDocumentName) == ["NO"])
        try await test.settle()
        let children = try await test.children(of: try #require(jobs.first))
        #expect(children.map(\.status) == [.finished, .skipped])
        #expect(test.difference(children[0], ["label": (old: "Oslo", new: "Oslo by")]) == .none)
    }

    @Test func theRegionOfASubdivisionThatIsGoneIsDeleted() async throws {
        try await test.run("Country Regions", source: "NO")
        try await test.settle()
        try await test.delete("registry.Subdivision", "NO-46")
        try await test.run("Country Regions", source: "NO")
        try await test.settle()
        #expect(try await test.document("atlas.Region", "NO-46") == nil)
        #expect(try await test.document("atlas.Region", "NO-03") != nil)
    }

    @Test func allRegionsGoWithTheirCountry() async throws {
        try await test.run("Country Regions", source: "NO")
        try await test.settle()
        try await test.delete("registry.Country", "NO")
        try await test.change(.delete, "registry.Country", "NO")
        try await test.settle()
        #expect(try await test.document("atlas.Region", "NO-03") == nil)
        #expect(try await test.document("atlas.Region", "NO-46") == nil)
    }

    @Test func aFailedChildIsNamedAndTheOthersStand() async throws {
        try test.memory("atlas").failNext(.constraintViolated, of: .write)
        let relay = try await test.run("Country Regions", source: "NO")
        let ran = try await test.settle()
        #expect(try await test.children(of: relay).map(\.status) == [.failed, .finished])
        #expect(ran.last?.notes == ["2 regions, 1 failed"])
    }

    @Test func theEndOfTheRelayExportsThePriceList() async throws {
        try await test.put("erp.PriceList", "NO", ["items": [["sku": "A", "price": 1, "currency": "NOK"]]])
        try await test.run("Country Regions", source: "NO")
        let ran = try await test.settle()
        #expect(ran.last?.typeName == "Price List Export")
        #expect(ran.last?.status == .finished)
    }
}
