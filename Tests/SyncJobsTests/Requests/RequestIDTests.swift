// Ids for requests that bring none.
import SyncJobs
import Testing

@Suite struct RequestIDTests {
    @Test func isAUUIDOfVersion7() throws {
        let time = try #require(Timestamp("2026-11-21T12:00:00.123Z"))
        for _ in 0..<100 {
            let id = SyncRequest.newID(at: time)
            #expect(id.wholeMatch(of: /01a1fdfa-467b-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil, "\(id)")
        }
    }

    @Test func laterIDsComeLaterInAnIndex() {
        let ids = (0..<1_000).map { SyncRequest.newID(at: Timestamp(microseconds: 1_790_000_000_000_000 + $0 * 1_000)) }
        #expect(ids == ids.sorted { $0.precedesByBytes($1) })
    }

    @Test func twoOfOneInstantDiffer() {
        let time = Timestamp(microseconds: 1_790_000_000_000_000)
        #expect(Set((0..<10_000).map { _ in SyncRequest.newID(at: time) }).count == 10_000)
    }
}
