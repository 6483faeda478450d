// The record and what surrounds it: transitions, titles, JSON, failures, bindings.
import SyncJobs
import Testing

private struct Nothing: SingleTargetController {
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}

private let source = DocumentType(system: "erp", name: "Customer")
private let target = DocumentType(system: "shop", name: "Account")

private func type(_ name: String = "Customer Sync", slug: String? = nil) -> SyncJobType {
    SyncJobType(name: name, slug: slug, source: source, target: target, controller: Nothing())
}

private func newJob(_ sourceName: String? = "C-1") -> SyncJob {
    SyncJob(
        request: SyncRequest(id: "j-1", type: "Customer Sync", sourceName: sourceName), type: type(), queue: "default",
        createdAt: Timestamp(microseconds: 0))
}

@Suite("A transition")
struct JobTransitionTests {
    private let now = Timestamp(microseconds: 5_000_000)

    private func next(_ outcome: Outcome, job: SyncJob = newJob(), turn: Int = 0) -> JobTransition {
        let run = JobRun(
            job: job, turn: turn, runID: "r-1", node: "host:1", startedAt: Timestamp(microseconds: 3_000_000),
            body: Array("{}".utf8))
        return JobTransition.next(run, outcome: outcome, type: type(), chance: 0, now: now)
    }

    @Test("of a finished run keeps what was done, and owes nothing")
    func finished() throws {
        var outcome = Outcome(.finished)
        outcome.operation = .update
        outcome.targetType = target
        outcome.targetName = "A-1"
        outcome.diff = Diff(changed: [Diff.FieldChange(field: "a", old: 1, new: 2)])
        outcome.notes = ["a note"]
        let write = DocumentWrite(
            type: target, before: nil, after: Document(key: nil, fields: [:]), fallbackName: "x", diff: Diff(),
            idempotencyKey: Digest(of: []))
        outcome.embeddedWrite = write
        let transition = next(outcome, turn: 4)
        #expect(transition.turn == 4 && transition.job.nextTurn == 5)
        #expect(transition.job.status == .finished && transition.job.operation == .update)
        #expect(
            transition.job.targetName == "A-1" && transition.job.diff == outcome.diff
                && transition.job.notes == ["a note"])
        #expect(transition.job.timeTaken == .seconds(2))
        #expect(transition.embeddedWrite == write && transition.outbox.isEmpty)
        #expect(
            transition.attempt
                == Attempt(
                    number: 1, runID: "r-1", turn: 4, node: "host:1", startedAt: Timestamp(microseconds: 3_000_000),
                    endedAt: now, outcome: .finished, error: nil))
    }

    @Test("of a skip or of no target keeps the reason")
    func reasons() {
        for reason in SkipReason.allCases {
            let transition = next(Outcome(.skipped(reason)))
            #expect(transition.job.status == .skipped && transition.job.skipReason == reason)
            #expect(transition.job.noTargetReason == nil && transition.outbox.isEmpty)
        }
        for reason in NoTargetReason.allCases {
            let transition = next(Outcome(.noTarget(reason)))
            #expect(transition.job.status == .noTarget && transition.job.noTargetReason == reason)
            #expect(transition.job.skipReason == nil && transition.outbox.isEmpty)
        }
    }

    @Test("of a failure owes a dead letter with the body as it came and the reason in its headers")
    func failed() throws {
        let failure = JobFailure(.coercionFailed, "the field \"a\" is wrong", remedy: "correct it")
        let transition = next(Outcome(.failed(failure)), turn: 2)
        #expect(
            transition.job.status == .failed && transition.job.error == failure && transition.job.deadLetteredAt == now)
        #expect(transition.attempt?.outcome == .failed && transition.attempt?.error == failure)
        let letter = try #require(transition.outbox.first)
        #expect(transition.outbox.count == 1 && letter.id == "j-1:2:dead_letter" && letter.kind == .deadLetter)
        #expect(letter.routingKey == "coercion_failed" && letter.body == Array("{}".utf8))
        #expect(
            letter.headers == [
                "ferry-reason": "coercion_failed", "ferry-error": "the field \"a\" is wrong",
                "ferry-remedy": "correct it",
                "ferry-job": "j-1", "ferry-queue": "default", "ferry-type": "customer_sync", "ferry-turn": 2,
                "ferry-failed-at": "1970-01-01T00:00:05.000000Z",
            ])
    }

    @Test("forgets the reasons of the run before")
    func forgets() {
        var job = newJob()
        job.skipReason = .stale
        job.noTargetReason = .condition
        job.error = JobFailure.permanent("x")
        let after = next(Outcome(.finished), job: job).job
        #expect(after.skipReason == nil && after.noTargetReason == nil && after.error == nil)
    }

    @Test("is the same for the same run and outcome")
    func pure() {
        let outcome = Outcome(.failed(.permanent("x")))
        #expect(next(outcome).job == next(outcome).job)
        #expect(next(outcome).outbox == next(outcome).outbox)
    }

    @Test("cuts a dead letter's texts to what a header may hold")
    func longTexts() throws {
        // One character may be of any length, so bytes count.
        let long = "x" + String(repeating: "\u{301}", count: 10_000)
        let letter = next(Outcome(.failed(JobFailure(.controllerFailed, long, remedy: long)))).outbox[0]
        for header in ["ferry-error", "ferry-remedy"] {
            let bytes = try #require(letter.headers[header]?.stringValue?.utf8.count)
            #expect((1_990...JobFailure.maximumTextBytes).contains(bytes))
        }
    }
}

@Suite("A job's record")
struct SyncJobTests {
    @Test("has a title of at most 140 characters")
    func titles() {
        var job = newJob()
        #expect(job.title == "Customer: C-1")
        #expect(newJob(nil).title == "Customer")
        job.targetType = target
        job.targetName = "A-1"
        #expect(job.title == "Customer > Account: A-1")
        job.targetName = String(repeating: "é", count: 500)
        #expect(job.title.count == 140 && job.title.hasSuffix("é…"))
    }

    @Test("is JSON with the names of the specification, without the document that travelled")
    func json() throws {
        var job = newJob()
        job.request.document = ["secret": 1]
        job.status = .noTarget
        job.noTargetReason = .alreadyGone
        job.startedAt = Timestamp(microseconds: 1_000_000)
        job.endedAt = Timestamp(microseconds: 1_000_250)
        job.error = JobFailure.permanent("x", remedy: "y")
        let object = try #require(job.json.objectValue)
        #expect(object["status"] == "No Target" && object["no_target_reason"] == "already_gone")
        #expect(object["time_taken"]?.numberValue?.text == "0.000250")
        #expect(object["error_message"] == ["code": "controller_failed", "message": "x", "remedy": "y"])
        #expect(object["source_system"] == "erp" && object["source_document_type"] == "Customer")
        #expect(object["document"] == nil && object["skip_reason"] == nil && object["attempts"] == nil)
        #expect(try JSONParser.parse(job.json.prettyText) == job.json)
    }

    @Test(
        "has a status that is read as it is spelled, typed or written in JSON",
        arguments: [
            ("No Target", JobStatus.noTarget), ("no_target", .noTarget), ("no-target", .noTarget),
            ("FINISHED", .finished),
        ])
    func statuses(text: String, status: JobStatus) {
        #expect(JobStatus(anyCase: text) == status)
    }

    @Test("is over in six of its nine statuses")
    func ends() {
        #expect(JobStatus.allCases.filter { !$0.isEnd } == [.pending, .queued, .started])
        #expect(JobStatus(anyCase: "") == nil && JobStatus(anyCase: "done") == nil)
    }
}

@Suite("A failure")
struct JobFailureTests {
    @Test("of unknown kind is retryable, a cancellation too, a failure is itself")
    func wrapping() {
        struct Odd: Error {}
        #expect(JobFailure(Odd()).disposition == .retryable(after: nil))
        #expect(JobFailure(CancellationError()).code == .canceled)
        let permanent = JobFailure.permanent("x")
        #expect(JobFailure(permanent) == permanent)
        #expect(JobFailure.retryable("x", after: .seconds(5)).disposition == .retryable(after: .seconds(5)))
    }

    @Test("has a code in snake case, each its own")
    func codes() {
        let codes = JobFailure.Code.allCases.map(\.rawValue)
        #expect(Set(codes).count == codes.count)
        #expect(codes.allSatisfy { $0 == $0.slug })
    }
}

@Suite("A binding")
struct BindingTests {
    @Test("fences what is certainly older than the version applied last, and nothing else")
    func fence() {
        func version(_ text: String) -> DocumentVersion { DocumentVersion(order: .number, text: text) }
        let key = BindingKey(typeSlug: "t", source: DocumentKey(type: source, name: "C-1"))
        var binding = Binding(key: key, target: DocumentKey(type: target, name: "A-1"), sourceVersion: version("10"))
        #expect(binding.fences(version("9")))
        #expect(!binding.fences(version("10")) && !binding.fences(version("11")) && !binding.fences(nil))
        binding.sourceVersion = nil
        #expect(!binding.fences(version("1")))
    }

    @Test("that is deleted binds nothing, and an ended source without a live binding is already gone")
    func defaultTarget() async throws {
        var bench = try MappingBench("fields: {}")
        #expect(bench.handle.defaultTarget == .insert())
        bench.isDeleted = true
        #expect(bench.handle.defaultTarget == .none(.alreadyGone))
        bench.boundTo = "A-1"
        #expect(bench.handle.defaultTarget == .delete("A-1"))
        bench.isDeleted = false
        #expect(bench.handle.defaultTarget == .update("A-1"))
        bench.request.operation = .delete
        #expect(bench.handle.defaultTarget == .delete("A-1"))
    }

    @Test("job keeps 50 notes of 500 characters")
    func notes() async throws {
        let handle = try MappingBench("fields: {}").handle
        for number in 0..<60 { handle.note("\(number) " + String(repeating: "x", count: 1_000)) }
        #expect(handle.notes.count == 50 && handle.notes.allSatisfy { $0.count == 500 })
        #expect(handle.notes.first?.hasPrefix("0 ") == true)
    }
}
