// How many jobs are taken together: as many as there is room for their documents.
import SyncJobs
import Testing

@testable import JobStore
@testable import SyncEngine

@Suite struct WaveSizeTests {
    private func preparations(_ bytes: Int...) -> [JobStore.Preparation] {
        bytes.map { bytes in
            var preparation = JobStore.Preparation()
            preparation.documentBytes = bytes
            return preparation
        }
    }

    @Test func theLargerTheDocumentsTheFewerJobsAreTakenTogether() {
        var size = WaveSize()
        #expect(size.count == WaveSize.most)
        size.note(preparations(300, 300))
        #expect(size.count == WaveSize.most)
        size.note(preparations(40_960, 40_960))
        #expect(size.count == 76)
        size.note(preparations(0, 81_920))
        #expect(size.count == 76, "on the average")
        size.note(preparations(8 << 20))
        #expect(size.count == WaveSize.least)
        size.note([])
        #expect(size.count == WaveSize.most)
    }

    @Test func aDocumentThatManyAskForTakesNoRoomForEach() async throws {
        let world = try LocalWorld()
        try await world.putCustomer("C-1", String(repeating: "x", count: 1_000))
        try await world.putCustomer("C-2", String(repeating: "x", count: 1_000))
        let names = ["C-1", "C-2", "C-2"]
        let found = try await world.store.prepare(
            names.enumerated().map { position, name in
                JobStore.Lookup(
                    jobID: "\(position)", source: DocumentKey(type: LocalWorld.customer, name: name))
            })
        #expect(found[0].documentBytes > 1_000)
        #expect(found[1].documentBytes == 0 && found[2].documentBytes == 0)
    }
}
