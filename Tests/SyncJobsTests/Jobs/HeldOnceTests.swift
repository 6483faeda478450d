// A record, a request and a type are held once by all their copies, which nobody can tell: a copy that is changed changes
// no other.
import SyncJobs
import Testing

@Suite struct HeldOnceTests {
    private struct Nothing: SingleTargetController {
        func update(_ target: inout Document, for job: JobHandle) async throws {}
    }

    @Test func aCopyThatIsChangedLeavesTheOtherAsItWas() {
        var type = SyncJobType(
            name: "Copy", source: DocumentType(system: "a", name: "A"), target: nil, controller: Nothing())
        let typeBefore = type
        type.queue = "long"
        #expect(typeBefore.queue == "default" && type.queue == "long")

        var request = SyncRequest(id: "1", type: "copy", sourceName: "S")
        let requestBefore = request
        #expect(request == requestBefore)
        request.flags.insertEnabled = false
        #expect(requestBefore.flags.insertEnabled == nil && request != requestBefore)

        var job = SyncJob(request: requestBefore, type: type, queue: "default", createdAt: Timestamp(microseconds: 1))
        let jobBefore = job
        #expect(job == jobBefore && job.hashValue == jobBefore.hashValue)
        job.notes.append("changed")
        job.request.targetKey = "k"
        #expect(jobBefore.notes.isEmpty && jobBefore.request.targetKey == nil)
        #expect(job != jobBefore)
        job.notes = []
        job.request.targetKey = nil
        #expect(job == jobBefore, "equal by what they say")
    }
}
