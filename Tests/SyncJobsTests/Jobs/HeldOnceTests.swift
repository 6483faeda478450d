// Records, requests, types, documents and bindings are held once by all their copies, and so are what a run decides and its
// commit writes. Nobody can tell: a copy that is changed changes no other.
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

    @Test func aCopyOfADocumentOrOfItsBindingIsAnotherOnceItIsChanged() {
        let key = DocumentKey(type: DocumentType(system: "a", name: "A"), name: "1")
        let hash = Digest(of: .object(["n": 1]))
        var document = Document(key: key, fields: ["n": 1], version: nil, storedWith: hash, byteCount: 7)
        let documentBefore = document
        #expect(document.fieldsHash == hash && document.byteCount == 7)
        document.fields["n"] = 2
        #expect(documentBefore["n"] == 1 && documentBefore.fieldsHash == hash)
        #expect(document["n"] == 2)
        #expect(document.fieldsHash == Digest(of: .object(["n": 2])), "not the stored one")
        document = documentBefore
        document.key = nil
        #expect(documentBefore.key == key && document != documentBefore)

        var binding = Binding(key: BindingKey(typeSlug: "t", source: key), target: key)
        let bindingBefore = binding
        binding.target = DocumentKey(type: key.type, name: "2")
        binding.isDeleted = true
        #expect(bindingBefore.target == key && !bindingBefore.isDeleted && binding != bindingBefore)
    }

    @Test func aCopyOfWhatWasDecidedIsAnotherOnceItIsChanged() {
        let type = DocumentType(system: "a", name: "A")
        var write = DocumentWrite(
            type: type, before: nil, after: Document(key: nil, fields: ["n": 1]), fallbackName: "1", diff: Diff(),
            jobID: "1")
        let writeBefore = write
        #expect(write == writeBefore && write.idempotencyKey == writeBefore.idempotencyKey)
        write.after?.fields["n"] = 2
        #expect(writeBefore.after?["n"] == 1 && write != writeBefore)

        var outcome = Outcome(.finished)
        outcome.embeddedWrite = writeBefore
        let outcomeBefore = outcome
        outcome.end = .skipped(.noChanges)
        outcome.embeddedWrite?.fallbackName = "2"
        outcome.notes = ["changed"]
        #expect(outcomeBefore.end == .finished && outcomeBefore.embeddedWrite == writeBefore)
        #expect(outcomeBefore.notes.isEmpty && outcome != outcomeBefore)

        let job = SyncJob(
            request: SyncRequest(id: "1", type: "copy", sourceName: "S"),
            type: SyncJobType(name: "Copy", source: type, target: nil, controller: Nothing()), queue: "default",
            createdAt: Timestamp(microseconds: 1))
        let run = JobRun(job: job, turn: 0, runID: "r", node: "n", startedAt: job.createdAt, body: [])
        var transition = JobTransition.next(
            run, outcome: outcomeBefore,
            type: SyncJobType(name: "Copy", source: type, target: nil, controller: Nothing()),
            chance: 0, now: job.createdAt)
        let transitionBefore = transition
        transition.isUnknown = true
        transition.job.status = .failed
        #expect(!transitionBefore.isUnknown && transitionBefore.job.status == .finished)
        #expect(transition.isUnknown && transition.job.status == .failed)
    }

    @Test func aCopyOfAShapeIsAnotherOnceItIsChanged() {
        var shape = DocumentShape(fields: ["n": FieldShape(kind: .integer)])
        let shapeBefore = shape
        #expect(shape == shapeBefore && shape.hashValue == shapeBefore.hashValue)
        shape.fields["n"]?.isSensitive = true
        shape.nameField = "n"
        #expect(shapeBefore.sensitiveFields.isEmpty && shapeBefore.nameField == nil && shape != shapeBefore)
    }
}
