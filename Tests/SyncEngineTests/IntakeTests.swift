// What becomes of a delivery at first sight: the verdicts of the intake, without a broker.
import AMQP
import SyncJobs
import Testing

@testable import SyncBroker
@testable import SyncEngine

/// A controller that no test here runs.
struct IdleController: SingleTargetController {
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}

@Suite struct IntakeTests {
    private let now = Timestamp(microseconds: 0)

    private func intake() throws -> Intake {
        let source = DocumentType(system: "erp", name: "Customer")
        let target = DocumentType(system: "shop", name: "Account")
        var disabled = SyncJobType(name: "Old Sync", source: source, target: target, controller: IdleController())
        disabled.isDisabled = true
        return Intake(
            types: try SyncJobTypes([
                SyncJobType(
                    name: "Customer Sync", source: source, target: target, queue: "short", controller: IdleController()),
                disabled,
            ]), topology: try Topology(), maximumDepth: 100)
    }

    private func delivery(
        _ body: String, id: String? = "1", routingKey: String = "short.customer_sync", turn: Int? = nil,
        omitted: Bool = false
    ) -> Delivery {
        var headers: AMQPTable = [:]
        if let turn { headers[Delivery.Header.turn] = .int(Int64(turn)) }
        return Delivery(
            AMQPDelivery(
                epoch: 1, tag: 1, queue: "ferry.short", routingKey: routingKey,
                properties: AMQPProperties(messageID: id, headers: headers), body: Array(body.utf8),
                isBodyOmitted: omitted),
            origin: .work(queue: "short"))
    }

    private func refusal(_ verdict: Intake.Verdict) -> JobFailure.Code? {
        if case .refuse(let failure, _, _) = verdict { failure.code } else { nil }
    }

    @Test func aCompleteRequestBecomesAJob() throws {
        let verdict = try intake().receive(
            delivery(#"{"sync_job_type": "customer_sync", "source_document_name": "C-1"}"#, turn: 3), queue: "short",
            at: now)
        guard case .job(let job) = verdict else { Issue.record("no job: \(verdict)"); return }
        #expect(job.request.id == "1")
        #expect(job.type.name == "Customer Sync")
        #expect(job.turn == 3)
    }

    @Test func requestsForOneDocumentShareAKeyAndOthersDoNot() throws {
        let intake = try intake()
        func key(_ name: String) throws -> String? {
            let verdict = intake.receive(
                delivery(#"{"sync_job_type": "customer_sync", "source_document_name": "\#(name)"}"#), queue: "short",
                at: now)
            if case .job(let job) = verdict { return job.orderKey.text }
            return nil
        }
        #expect(try key("C-1") == key("C-1"))
        #expect(try key("C-1") != key("C-2"))
        #expect(try key("\u{e9}") != key("e\u{301}"), "composed and decomposed names are two documents")
    }

    @Test(arguments: [
        ("{", JobFailure.Code.invalidJSON), ("[1]", .notAnObject), (#"{"source_document_name": "a"}"#, .missingType),
        (#"{"sync_job_type": "nobody", "source_document_name": "a"}"#, .unknownType),
        (#"{"sync_job_type": "Old Sync", "source_document_name": "a"}"#, .typeDisabled),
        (#"{"sync_job_type": "customer_sync", "source_document_name": "a", "queue": "nowhere"}"#, .unknownQueue),
        (
            #"{"sync_job_type": "customer_sync", "source_document_name": "a", "source_document_type": "Item"}"#,
            .invalidField
        ),
        (#"{"sync_job_type": "customer_sync"}"#, .missingField),
        (#"{"sync_job_type": "customer_sync", "source_document_name": 7}"#, .invalidField),
    ])
    func whatIsWrongIsRefusedByName(body: String, code: JobFailure.Code) throws {
        let verdict = try intake().receive(delivery(body), queue: "short", at: now)
        #expect(refusal(verdict) == code, "\(verdict)")
    }

    @Test func aMessageWithoutAnIDIsRefused() throws {
        let body = #"{"sync_job_type": "customer_sync", "source_document_name": "a"}"#
        #expect(refusal(try intake().receive(delivery(body, id: nil), queue: "short", at: now)) == .missingID)
    }

    @Test func anOmittedBodyIsRejectedToTheBroker() throws {
        guard case .reject = try intake().receive(delivery("", omitted: true), queue: "short", at: now) else {
            Issue.record("not rejected")
            return
        }
    }

    @Test func aMessageRoutedByItsTypeIsForwardedToTheTypesQueue() throws {
        let body = #"{"sync_job_type": "customer_sync", "source_document_name": "a"}"#
        let verdict = try intake().receive(delivery(body, routingKey: "type.customer_sync"), queue: "default", at: now)
        guard case .forward("short", "customer_sync") = verdict else { Issue.record("\(verdict)"); return }
        let named = try intake().receive(delivery(body, routingKey: "long.customer_sync"), queue: "long", at: now)
        guard case .job = named else { Issue.record("a producer may choose the queue: \(named)"); return }
    }

    @Test func aRequestsOwnQueueGoesFirst() throws {
        let body = #"{"sync_job_type": "customer_sync", "source_document_name": "a", "queue": "long"}"#
        guard case .forward("long", _) = try intake().receive(delivery(body), queue: "short", at: now) else {
            Issue.record("not forwarded")
            return
        }
        guard case .job = try intake().receive(delivery(body), queue: "long", at: now) else {
            Issue.record("forwarded for ever")
            return
        }
    }
}
