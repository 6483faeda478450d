// Dead letters in the store: kept once, told apart, listed and grouped, replayed and discarded with their jobs, and never
// lost by a decision that was made elsewhere.
import Foundation
import JobStore
import SyncJobs
import Testing

/// A dead letter that comes to the store of these tests.
enum Letter {
    static let types: SyncJobTypes = {
        do { return try SyncJobTypes([Sample.type]) } catch { preconditionFailure("\(error)") }
    }()
    static let rules = DeadLetterRules(types: types, queues: ["short", "default", "long"], maximumReplays: 3)

    static func body(_ id: String, source: String? = nil) -> [UInt8] {
        let request = SyncRequest(id: id, type: Sample.type.slug, sourceName: source ?? "C-\(id)")
        return JSONValue.object(request.json).canonicalBytes
    }

    /// What a worker has refused or failed.
    static func arrival(
        _ id: String?, turn: Int = 0, code: JobFailure.Code = .controllerFailed, error: String = "no",
        body: [UInt8]? = nil, at time: Timestamp = Sample.start.advanced(by: .seconds(1))
    ) -> DeadLetterArrival {
        DeadLetterArrival(
            jobID: id, turn: turn, origin: .request, typeSlug: "customer_sync", queue: "default",
            routingKey: code.rawValue, reason: code.rawValue, error: error, remedy: "mend it", isByBroker: false,
            wasDelivered: true, failedAt: time, headers: ["ferry-reason": .string(code.rawValue)],
            body: body ?? Letter.body(id ?? "none"))
    }

    /// What the broker has moved.
    static func moved(
        _ id: String?, turn: Int = 0, code: JobFailure.Code = .deliveryLimit, wasDelivered: Bool = true,
        body: [UInt8]? = nil
    ) -> DeadLetterArrival {
        var letter = arrival(id, turn: turn, code: code, error: "given up", body: body)
        letter.isByBroker = true
        letter.wasDelivered = wasDelivered
        letter.headers = [:]
        return letter
    }
}

extension JobStore {
    @discardableResult
    func keep(
        _ arrival: DeadLetterArrival, at time: Timestamp = Sample.start.advanced(by: .seconds(5))
    ) async throws -> KeptLetter {
        let read = arrival.reading(types: Letter.types, maximumDepth: 100)
        return try await keep(read.arrival, request: read.request, types: Letter.types, at: time)
    }

    func replay(_ id: String, rules: DeadLetterRules = Letter.rules) async throws -> DeadLetterResult {
        try await perform(
            .replay(rules), letters: [id], actor: "ann", reason: "mended", at: Sample.start.advanced(by: .seconds(20)))[
                0]
    }

    func discard(_ id: String, at time: Timestamp = Sample.start.advanced(by: .seconds(20))) async throws
        -> DeadLetterResult
    { try await perform(.discard, letters: [id], actor: "ann", reason: "not wanted", at: time)[0] }

    func letter(_ id: String) async throws -> DeadLetterRecord { try #require(try await deadLetter(id: id)) }

    /// A job that fails for good, and its letter.
    @discardableResult
    func failAndKeep(_ id: String, error: String = "no") async throws -> DeadLetterRecord {
        _ = try await commit(Sample.transition(id, end: .failed(.permanent(error))))
        return try await keep(Letter.arrival(id, error: error)).letter
    }
}

extension JobStore.DeadLetterResult {
    var done: DeadLetterRecord? { if case .done(let letter, _) = self { letter } else { nil } }
    var owing: String? { if case .done(_, let owing) = self { owing } else { nil } }
    var refusal: String? { if case .refused(let sentence) = self { sentence } else { nil } }
}

@Suite struct DeadLetterTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    // MARK: keeping

    @Test func aMessageThatComesTwiceIsOneLetter() async throws {
        let first = try await store.keep(Letter.arrival("1")).letter
        let again = try await store.keep(Letter.arrival("1"), at: Sample.start.advanced(by: .seconds(9))).letter
        #expect(first.id == again.id && first.id.count == 16)
        #expect(again.arrivals == 2 && again.state == .open)
        #expect(try await store.countDeadLetters(DeadLetterFilter()).count == 1)
        let other = try await store.keep(Letter.arrival("1", body: Letter.body("1", source: "other"))).letter
        #expect(other.id != first.id, "the same id with other content is another message")
        let later = try await store.keep(Letter.arrival("1", turn: 4)).letter
        #expect(Set([first.id, other.id, later.id]).count == 3)
        let nameless = try await store.keep(Letter.arrival(nil, code: .invalidJSON, body: Array("{".utf8))).letter
        let same = try await store.keep(Letter.arrival(nil, code: .invalidJSON, body: Array("{".utf8))).letter
        #expect(nameless.id == same.id && same.arrivals == 2 && same.jobID == nil)
    }

    @Test func aLetterKeepsItsBodyItsHeadersAndItsReason() async throws {
        let garbage: [UInt8] = [0, 255, 10] + Array("x\u{0}y".utf8)
        for body in [garbage, []] {
            let kept = try await store.keep(
                Letter.arrival("g\(body.count)", code: .invalidJSON, error: "nul\0l", body: body))
            let letter = try await store.letter(kept.letter.id)
            #expect(letter == kept.letter)
            #expect(letter.reason == "invalid_json" && letter.error == "nul\0l" && letter.remedy == "mend it")
            #expect(letter.headers == ["ferry-reason": "invalid_json"])
            #expect(letter.bodyBytes == body.count && letter.revision == 1 && letter.attempts == nil)
            #expect(try await store.revisions(ofLetter: letter).map(\.body) == [body])
        }
    }

    @Test func aFailedJobsLetterIsOpenAndKnowsItsAttempts() async throws {
        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        _ = try await store.rerun("1", end: .failed(.permanent("no")))
        let letter = try await store.keep(
            Letter.arrival("1", turn: 1, at: Sample.start.advanced(by: .seconds(60)))
        ).letter
        #expect(letter.state == .open && letter.attempts == 2)
        #expect(letter.firstFailedAt == Sample.start.advanced(by: .seconds(1)))
        #expect(letter.lastFailedAt == Sample.start.advanced(by: .seconds(60)))
    }

    @Test func aLetterOfAJobThatHasGoneOnIsSuperseded() async throws {
        _ = try await store.commit(Sample.transition("1", end: .failed(.permanent("no"))))
        _ = try await store.act(.retry, "1")
        #expect(try await store.keep(Letter.arrival("1")).letter.state == .superseded)
        _ = try await store.commit(Sample.transition("2", end: .failed(.permanent("no"))))
        _ = try await store.act(.cancel, "2")
        #expect(try await store.keep(Letter.arrival("2")).letter.state == .superseded)
        _ = try await store.commit(Sample.transition("3"))
        #expect(try await store.keep(Letter.moved("3")).letter.state == .superseded, "a late redelivery")
        let reused = Letter.arrival("3", code: .idReused, body: Letter.body("3", source: "other"))
        #expect(try await store.keep(reused).letter.state == .open, "another request, that nobody has done")
        let garbage = Letter.arrival("3", code: .invalidJSON, body: Array("{".utf8))
        #expect(try await store.keep(garbage).letter.state == .open)
    }

    @Test func aRetryOrCancelByHandResolvesTheLetter() async throws {
        let one = try await store.failAndKeep("1")
        let two = try await store.failAndKeep("2")
        let reused = try await store.keep(
            Letter.arrival("1", code: .idReused, body: Letter.body("1", source: "other"))
        ).letter
        _ = try await store.act(.retry, "1", reason: "mended")
        _ = try await store.act(.cancel, "2")
        let retried = try await store.letter(one.id)
        #expect(retried.state == .replayed && retried.resolution?.actor == "ann")
        #expect(retried.resolution?.reason == "mended")
        #expect(try await store.letter(two.id).state == .discarded)
        #expect(try await store.letter(reused.id).state == .open, "it is no letter of that job")
    }

    @Test func aMessageThatIsSentAgainAfterADecisionIsOpenAgain() async throws {
        let arrival = Letter.arrival("1", code: .unknownType)
        let letter = try await store.keep(arrival).letter
        _ = try await store.discard(letter.id)
        let again = try await store.keep(arrival).letter
        #expect(again.id == letter.id && again.state == .open && again.resolution == nil && again.arrivals == 2)
        #expect(try await store.auditEntries(letter: letter.id).map(\.action) == ["discard"])
    }

    // MARK: what the broker gave up

    @Test func whatTheBrokerGaveUpEndsItsJob() async throws {
        let kept = try await store.keep(Letter.moved("new"))
        let job = try await store.known("new")
        #expect(kept.letter.state == .open && kept.ending?.job?.id == "new")
        #expect(job.status == .failed && job.error?.code == .deliveryLimit && job.deadLetteredAt != nil)
        #expect(job.nextTurn == 1 && !job.isOpen && job.attemptCount == 0)
        _ = try await store.keep(Letter.moved("new"))
        #expect(try await store.known("new") == job, "once")

        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        #expect(try await store.keep(Letter.moved("1", turn: 1)).ending?.job != nil)
        let failed = try await store.known("1")
        #expect(failed.status == .failed && !failed.isOpen && failed.nextTurn == 2 && failed.waitReason == nil)
        _ = try await store.commit(Sample.transition("2", end: .failed(Sample.mishap)))
        #expect(try await store.keep(Letter.moved("2", turn: 0)).letter.state == .superseded)
        #expect(try await store.known("2").isOpen, "its next message is on its way")
    }

    @Test func whatNeverWasDeliveredMakesNoJobButEndsTheOneThatWaitsForIt() async throws {
        let kept = try await store.keep(Letter.moved("p", code: .unroutable, wasDelivered: false))
        #expect(kept.letter.state == .open && kept.ending == nil)
        #expect(try await store.job(id: "p") == nil)
        _ = try await store.commit(Sample.relay("r", children: 1))
        let body = try #require(try await store.owedMessages(jobID: "r").first?.body)
        let child = try await store.keep(Letter.moved("r/0", code: .unroutable, wasDelivered: false, body: body))
        #expect(child.ending?.endedRelay?.id == "r")
        #expect(try await store.known("r/0").error?.code == .unroutable)
        #expect(try await store.relaySummary(of: "r")?.counts == [.failed: 1])
        #expect(try await store.owedMessages(jobID: "r").contains { $0.kind == .relayFinished })
    }

    @Test func aMessageOfAnotherStoresRecordIsKeptAndSentBackToIt() async throws {
        let kept = try await store.keep(Letter.moved("else", turn: 2))
        #expect(kept.letter.state == .open && kept.ending == nil)
        #expect(try await store.replay(kept.letter.id).owing == "else")
        #expect(try await store.job(id: "else") == nil, "its record is not here")
        let owed = try #require(try await store.owedMessages(jobID: "else").first)
        #expect(owed.headers["ferry-turn"] == 3 && owed.queue == "default" && owed.routingKey == "customer_sync")
        #expect(try SyncRequest(decoding: owed.body, messageID: owed.messageID).sourceDocumentName == "C-else")
    }

    @Test func theEndOfAJobThatTheBrokerGaveUpFreesWhatItHeld() async throws {
        var waiting = Sample.job("1")
        waiting.request.dedupKey = "k"
        waiting.orderKey = "o"
        let admitted = try await store.admit(
            JobStore.AdmissionRequest(
                job: waiting, turn: 0, runID: "r", dedupKey: "k", leaseUntil: Sample.start, now: Sample.start))
        #expect(admitted == .run)
        _ = try await store.commit(Sample.transition(of: waiting, end: .failed(Sample.mishap)))
        var next = Sample.job("2")
        next.orderKey = "o"
        _ = try await store.commit(.wait(next, turn: 0, reason: .blocked, until: nil, now: Sample.start))
        let kept = try await store.keep(
            Letter.moved("1", turn: 1, body: JSONValue.object(waiting.request.json).canonicalBytes))
        #expect(kept.ending?.owed?.map(\.messageID).contains("2") == true, "the blocked one goes on")
        #expect(try fixture.integer("SELECT count(*) FROM dedup_keys") == 0)
    }

    // MARK: replay

    @Test func aReplayOfAFailedJobGoesOnInItsRecord() async throws {
        let letter = try await store.failAndKeep("1")
        let result = try await store.replay(letter.id)
        #expect(result.owing == "1" && result.done?.state == .replayed)
        #expect(result.done?.resolution?.replayedTurn == 2 && result.done?.resolution?.replayedAs == "1")
        let job = try await store.known("1")
        #expect(job.status == .queued && job.nextTurn == 2 && job.error == nil && job.deadLetteredAt == nil)
        let owed = try #require(try await store.owedMessages(jobID: "1").last)
        #expect(owed.kind == .again && owed.headers["ferry-turn"] == 2)
        #expect(try await store.replay(letter.id).refusal?.contains("only an open letter") == true)
        #expect(try await store.auditEntries(subject: "1").map(\.letter) == [letter.id])
        #expect(try await store.rerun("1").job?.status == .finished)
    }

    @Test func whatNeverWasAJobBecomesOneUnderItsOwnID() async throws {
        let letter = try await store.keep(Letter.arrival("1", code: .typeDisabled)).letter
        #expect(try await store.replay(letter.id).owing == "1")
        let job = try await store.known("1")
        #expect(job.status == .queued && job.nextTurn == 1 && job.requestHash == job.request.contentHash)
        let owed = try #require(try await store.owedMessages(jobID: "1").first)
        #expect(owed.headers["ferry-turn"] == 1 && owed.queue == "default" && owed.routingKey == "customer_sync")
        #expect(try SyncRequest(decoding: owed.body, messageID: owed.messageID) == job.request)
    }

    @Test func aMessageWithoutAnIDGetsOne() async throws {
        let body = Array(#"{"sync_job_type": "customer_sync", "source_document_name": "C"}"#.utf8)
        let letter = try await store.keep(Letter.arrival(nil, code: .missingID, body: body)).letter
        #expect(try await store.replay(letter.id).owing == "dead:\(letter.id)")
        #expect(try await store.known("dead:\(letter.id)").status == .queued)
    }

    @Test func anIDThatBelongsToAnotherRequestIsLeftToIt() async throws {
        _ = try await store.commit(Sample.transition("same"))
        let arrivals = ["X", "Y"].map { Letter.arrival("same", code: .idReused, body: Letter.body("same", source: $0)) }
        for arrival in arrivals {
            let letter = try await store.keep(arrival).letter
            #expect(try await store.replay(letter.id).owing == "same~\(letter.id)")
            let again = try await store.keep(arrival).letter
            #expect(again.state == .open)
            #expect(try await store.replay(letter.id).refusal == "it was replayed before, as the job same~\(letter.id)")
        }
        #expect(try await store.countJobs() == [.finished: 1, .queued: 2])
    }

    @Test func aBodyThatAWorkerWouldRefuseIsRefusedWithItsReason() async throws {
        let bad: [(DeadLetterArrival, String)] = [
            (Letter.arrival("1", code: .invalidJSON, body: Array(#"{"sync_job_type": }"#.utf8)), "invalid_json"),
            (
                Letter.arrival("2", code: .unknownType, body: Array(#"{"sync_job_type":"x","context":{}}"#.utf8)),
                "unknown_type"
            ),
            (
                Letter.arrival(
                    "3", code: .unknownQueue,
                    body: Array(#"{"sync_job_type":"customer_sync","context":{},"queue":"q"}"#.utf8)), "unknown_queue"
            ),
        ]
        for (arrival, code) in bad {
            let letter = try await store.keep(arrival).letter
            #expect(try await store.replay(letter.id).refusal?.contains("(\(code))") == true)
            #expect(try await store.letter(letter.id).state == .open)
        }
        #expect(try await store.owedMessages(limit: 10).isEmpty)
        #expect(try await store.auditEntries().isEmpty)
    }

    @Test func anEditIsARevisionAndTheBodyAsItCameStays() async throws {
        let came = Array(#"{"sync_job_type":"customer_sync","source_document_name":"C","max_retry":1}"#.utf8)
        let mended = Array(#"{"sync_job_type":"customer_sync","source_document_name":"C","max_retries":1}"#.utf8)
        let letter = try await store.keep(Letter.arrival("1", code: .unknownField, body: came)).letter
        func edit(_ body: [UInt8]) async throws -> JobStore.DeadLetterResult {
            try await store.editLetter(
                letter.id, body: body, rules: Letter.rules, actor: "ann", reason: "typo", at: Sample.start)
        }
        #expect(try await edit(Array("{".utf8)).refusal?.contains("invalid_json") == true)
        #expect(try await edit(mended).done?.revision == 2)
        let revisions = try await store.revisions(ofLetter: letter)
        #expect(revisions.map(\.body) == [came, mended] && revisions.map(\.actor) == [nil, "ann"])
        #expect(try await store.replay(letter.id).owing == "1")
        #expect(try await store.known("1").request.maxRetries == 1)
        #expect(try await store.auditEntries(letter: letter.id).map(\.action) == ["replay", "edit"])
        #expect(try await edit(came).refusal?.contains("replayed") == true)
    }

    @Test func anEditedJobKeepsItsIDItsHashAndItsParent() async throws {
        let letter = try await store.failAndKeep("1")
        let hash = try await store.known("1").requestHash
        func edit(_ change: (inout SyncRequest) -> Void) async throws -> JobStore.DeadLetterResult {
            var request = try await store.known("1").request
            change(&request)
            return try await store.editLetter(
                letter.id, body: JSONValue.object(request.json).canonicalBytes, rules: Letter.rules, actor: "ann",
                reason: nil, at: Sample.start)
        }
        #expect(try await edit { $0.parentSyncJob = "p" }.refusal?.contains("parent_sync_job") == true)
        #expect(try await edit { $0.targetKey = "k" }.refusal?.contains("target_key") == true)
        #expect(try await edit { $0.sourceDocumentName = "C-2" }.done?.revision == 2)
        #expect(try await store.replay(letter.id).owing == "1")
        let job = try await store.known("1")
        #expect(job.request.sourceDocumentName == "C-2" && job.requestHash == hash && job.nextTurn == 2)
        let body = try #require(try await store.owedMessages(jobID: "1").last?.body)
        #expect(try SyncRequest(decoding: body, messageID: "1").sourceDocumentName == "C-2")
    }

    @Test func aLetterThatComesBackTooOftenIsNotReplayedAgain() async throws {
        var letter = try await store.failAndKeep("1")
        for count in 1...3 {
            #expect(try await store.replay(letter.id).done != nil)
            let job = try await store.known("1")
            _ = try await store.rerun("1", end: .failed(.permanent("no")))
            letter = try await store.keep(Letter.arrival("1", turn: job.nextTurn)).letter
            #expect(letter.replayCount == count && letter.state == .open)
        }
        #expect(try await store.replay(letter.id).refusal?.contains("dead_letters.max_replays") == true)
        var rules = Letter.rules
        rules.maximumReplays = 4
        #expect(try await store.replay(letter.id, rules: rules).done != nil)
    }

    @Test func aReplayedChildEndsItsRelayOnceMore() async throws {
        _ = try await store.commit(Sample.relay("p", children: 1))
        _ = try await store.rerun("p/0", end: .failed(.permanent("no")))
        let body = JSONValue.object(try await store.known("p/0").request.json).canonicalBytes
        let letter = try await store.keep(Letter.arrival("p/0", body: body)).letter
        #expect(try await store.replay(letter.id).done != nil)
        _ = try await store.rerun("p/0")
        #expect(try await store.known("p").relayRevision == 2)
    }

    @Test func aChangeEventIsPublishedOnceMore() async throws {
        var arrival = Letter.arrival(
            "e-1", code: .missingField,
            body: Array(
                #"{"system":"erp","document_type":"Customer","document_name":"C","event":"update"}"#.utf8))
        arrival.origin = .change
        let letter = try await store.keep(arrival).letter
        #expect(letter.origin == .change)
        #expect(try await store.replay(letter.id).owing == "e-1")
        let owed = try #require(try await store.owedMessages(jobID: "e-1").first)
        #expect(owed.kind == .change && owed.routingKey == "Customer.update" && owed.queue == nil)
        #expect(try ChangeEvent(decoding: owed.body, messageID: owed.messageID).documentName == "C")
    }

    // MARK: discard and retention

    @Test func aDiscardCancelsTheJobThatFailedWithIt() async throws {
        let letter = try await store.failAndKeep("1")
        #expect(try await store.discard(letter.id).done?.state == .discarded)
        let job = try await store.known("1")
        #expect(job.status == .canceled && job.cancelReason == "not wanted")
        _ = try await store.commit(Sample.transition("2"))
        let reused = try await store.keep(
            Letter.arrival("2", code: .idReused, body: Letter.body("2", source: "other"))
        ).letter
        #expect(try await store.discard(reused.id).done != nil)
        #expect(try await store.known("2").status == .finished)
        #expect(try await store.discard(reused.id).refusal?.contains("only an open letter") == true)
    }

    @Test func onlyLettersThatWereDecidedAboutArePruned() async throws {
        let open = try await store.failAndKeep("1")
        let gone = try await store.failAndKeep("2")
        _ = try await store.discard(gone.id)
        try await store.settle(try await store.owedMessages(limit: 10).map(\.id))
        try await store.deleteSettled()
        let far = Sample.start.advanced(by: .seconds(400 * 86_400))
        let report = try await store.prune(.init(), now: far)
        #expect(report.deadLetters == 1 && report.counts == [.canceled: 1])
        #expect(try await store.deadLetter(id: gone.id) == nil)
        #expect(try await store.letter(open.id).state == .open)
        #expect(try await store.known("1").status == .failed)
        #expect(try fixture.integer("SELECT count(*) FROM dead_letter_bodies") == 1)
    }
}
