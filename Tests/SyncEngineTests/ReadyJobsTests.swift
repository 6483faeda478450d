// What may begin: two queues in one, each in the order of its arrival.
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct ReadyJobsTests {
    private func job(_ id: String, pace: JobPace, after time: Duration = .zero) -> QueuedJob {
        let type = SyncJobType(
            name: "Customer Sync", source: LocalWorld.customer, target: LocalWorld.account,
            controller: ScriptedSingle(script: Script(WordLog())))
        var job = QueuedJob(
            delivery: nil, request: SyncRequest(id: id, type: type.slug, sourceName: id), type: type, queue: "default",
            receivedAt: TestClock.start.advanced(by: time), turn: 0, body: [])
        job.pace = pace
        return job
    }

    @Test func eachJobWaitsBehindThoseOfItsKind() {
        var ready = ReadyJobs()
        for number in 1...6 { ready.append(job("\(number)", pace: number.isMultiple(of: 2) ? .storeOnly : .open)) }
        #expect(ready.count == 6)
        #expect(ready.together.popFirst(2).map(\.request.id) == ["2", "4"])
        #expect(ready.alone.popFirst(1).map(\.request.id) == ["1"])
        #expect(ready.count == 3)
        ready.append(job("7", pace: .storeOnly))
        #expect(ready.together.popFirst(9).map(\.request.id) == ["6", "7"])
        #expect(ready.alone.popFirst(9).map(\.request.id) == ["3", "5"])
        #expect(ready.count == 0)
    }

    @Test func allAreTakenOnceAndEachKindKeepsItsOrderWhenTheyComeBack() {
        var ready = ReadyJobs()
        for number in 1...6 { ready.append(job("\(number)", pace: number.isMultiple(of: 2) ? .storeOnly : .open)) }
        let taken = ready.takeAll()
        #expect(taken.map(\.request.id).sorted() == ["1", "2", "3", "4", "5", "6"])
        #expect(ready.count == 0)
        #expect(ready.takeAll().isEmpty)
        for job in taken { ready.append(job) }
        #expect(ready.together.popFirst(9).map(\.request.id) == ["2", "4", "6"])
        #expect(ready.alone.popFirst(9).map(\.request.id) == ["1", "3", "5"])
    }

    @Test func convoysAreApartFromEachOtherAndTakenWithTheRest() {
        var ready = ReadyJobs()
        for number in 1...4 {
            ready.append(job("\(number)", pace: .convoy(number.isMultiple(of: 2) ? "shop" : "crm")))
        }
        ready.append(job("5", pace: .open))
        #expect(ready.count == 5)
        #expect(ready.convoys["shop"]?.all.map(\.request.id) == ["2", "4"])
        #expect(ready.convoys["crm"]?.all.map(\.request.id) == ["1", "3"])
        #expect(ready.alone.all.map(\.request.id) == ["5"])
        #expect(ready.takeAll().map(\.request.id).sorted() == ["1", "2", "3", "4", "5"])
        #expect(ready.count == 0)
    }

    @Test func ofTheLastPlaceWhoCameFirstHasIt() {
        var ready = ReadyJobs()
        ready.append(job("1", pace: .open))
        #expect(!ready.seriesGoesFirst(places: 2), "nothing is quick")
        ready.append(job("2", pace: .quick, after: .seconds(1)))
        #expect(ready.seriesGoesFirst(places: 2), "there is a place for each")
        #expect(!ready.seriesGoesFirst(places: 1))
        #expect(!ready.seriesGoesFirst(places: 0))
        _ = ready.alone.popFirst()
        #expect(ready.seriesGoesFirst(places: 1))
        ready.append(job("3", pace: .open, after: .seconds(2)))
        #expect(ready.seriesGoesFirst(places: 1))
    }
}
