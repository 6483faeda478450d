// When a circuit opens, how it is probed, and which jobs stand still for what.
import SyncJobs
import Testing

@Suite struct CircuitTests {
    private let start = Timestamp(microseconds: 1_700_000_000_000_000)

    private func seconds(_ count: Int64) -> Timestamp { start.advanced(by: .seconds(count)) }

    @Test func soManyFailuresInARowOpenIt() {
        let circuit = Counted(Circuit(CircuitSettings()))
        for second in 0..<4 { #expect(!circuit.failed(at: seconds(Int64(second * 300)))) }
        #expect(circuit.failed(at: seconds(1_200)), "however far apart they are")
    }

    @Test func oneJobThatFailsAgainAndAgainIsOne() {
        let circuit = Counted(Circuit(CircuitSettings()))
        for second in 0..<15 { #expect(!circuit.failed("bad", at: seconds(Int64(second * 60)))) }
        for second in 15..<18 { #expect(!circuit.failed("\(second)", at: seconds(Int64(second * 60)))) }
        #expect(circuit.failed("fifth", at: seconds(1_100)))
    }

    @Test func aSuccessBeginsTheRowAnew() {
        let circuit = Counted(Circuit(CircuitSettings()))
        for second in 0..<4 { #expect(!circuit.failed(at: seconds(Int64(second)))) }
        circuit.succeeded(at: seconds(4))
        for second in 5..<9 { #expect(!circuit.failed(at: seconds(Int64(second)))) }
        #expect(circuit.failed(at: seconds(9)))
    }

    @Test func aShareOfFailuresOpensItOnceThereAreEnoughRuns() {
        let circuit = Counted(Circuit(CircuitSettings()))
        for second in 0..<9 {
            circuit.succeeded(at: seconds(Int64(second)))
            #expect(!circuit.failed(at: seconds(Int64(second))), "of fewer than twenty runs nothing follows")
        }
        circuit.succeeded(at: seconds(10))
        #expect(circuit.failed(at: seconds(10)))
    }

    @Test func whatIsOlderThanTheWindowDoesNotCount() {
        let circuit = Counted(Circuit(CircuitSettings()))
        for _ in 0..<9 {
            circuit.succeeded(at: seconds(0))
            #expect(!circuit.failed(at: seconds(0)))
        }
        circuit.succeeded(at: seconds(61))
        #expect(!circuit.failed(at: seconds(61)))
    }

    @Test func fewFailuresAmongManyRunsDoNotOpenIt() {
        let circuit = Counted(Circuit(CircuitSettings()))
        for number in 0..<200 {
            for _ in 0..<2 { circuit.succeeded(at: seconds(Int64(number / 10))) }
            #expect(!circuit.failed(at: seconds(Int64(number / 10))))
        }
    }

    @Test func nobodyHasProvedThatItIsBack() {
        var circuit = Counted(.suspecting(CircuitSettings()))
        #expect(circuit.failed(at: start), "the next failure opens it again")
        circuit = Counted(.suspecting(CircuitSettings()))
        circuit.succeeded(at: start)
        #expect(!circuit.failed(at: start))
    }

    @Test func probesComeFurtherApartUpToAMinuteAndOneAtATime() {
        let settings = CircuitSettings()
        var circuit = OpenCircuit(system: "shop", openedAt: start, reason: "closed", settings: settings)
        #expect(!circuit.isProbeDue(at: seconds(9)))
        #expect(circuit.isProbeDue(at: seconds(10)))
        circuit = circuit.probed(by: "a:1", until: seconds(25))
        #expect(!circuit.isProbeDue(at: seconds(24)), "another probe is under way")
        #expect(circuit.isProbeDue(at: seconds(25)), "its process is gone")
        var waits: [Duration] = []
        for _ in 0..<5 {
            circuit = circuit.afterFailedProbe(reason: "still closed", at: seconds(100), settings: settings)
            waits.append(circuit.nextProbeAt.since(seconds(100)))
        }
        #expect(waits == [.seconds(20), .seconds(40), .seconds(60), .seconds(60), .seconds(60)])
        #expect(circuit.failedProbes == 5 && circuit.probedBy == nil && circuit.reason == "still closed")
        #expect(circuit.afterVainProbe(at: seconds(101)).isProbeDue(at: seconds(101)))
    }

    // MARK: standstill

    private let needs = JobNeeds(typeSlug: "customer_sync", queue: "short", orderKey: "k", systems: ["erp", "shop"])

    private func pause(_ kind: Pause.Kind, _ name: String) -> Pause {
        Pause(kind: kind, name: name, actor: "ada", since: start)
    }

    @Test(arguments: [(Pause.Kind.type, "customer_sync"), (.queue, "short"), (.system, "shop"), (.system, "erp")])
    func aPauseStopsWhatItNames(kind: Pause.Kind, name: String) {
        let pause = pause(kind, name)
        #expect(Standstill(pauses: [pause]).stop(of: needs) == .paused(pause))
        var other = needs
        other.typeSlug = "other"
        other.queue = "long"
        other.systems = ["app"]
        #expect(Standstill(pauses: [pause]).stop(of: other) == nil)
    }

    @Test func anOpenCircuitStopsAllButItsProbeAndAPauseIsNamedFirst() {
        let circuit = OpenCircuit(system: "shop", openedAt: start, reason: "closed", settings: CircuitSettings())
        let standstill = Standstill(circuits: [circuit])
        #expect(standstill.stop(of: needs) == .outage(circuit))
        #expect(standstill.stop(of: needs, probing: "shop") == nil)
        #expect(standstill.stop(of: needs, probing: "erp") == .outage(circuit))
        let both = Standstill(pauses: [pause(.type, "customer_sync")], circuits: [circuit])
        #expect(both.stop(of: needs)?.waitReason == .paused)
        #expect(both.stop(of: needs, probing: "shop")?.waitReason == .paused, "a paused type is not probed with")
    }

    @Test func aQueueStandsStillWhenItIsPausedOrEachOfItsTypesIs() {
        func type(_ name: String, queue: String, isDisabled: Bool = false) -> SyncJobType {
            var type = SyncJobType(
                name: name, source: DocumentType(system: "erp", name: "A"),
                target: DocumentType(system: name == "C" ? "app" : "shop", name: "A"), queue: queue,
                controller: NoController())
            type.isDisabled = isDisabled
            return type
        }
        let types = [
            type("A", queue: "short"), type("B", queue: "short"), type("C", queue: "long"),
            type("D", queue: "short", isDisabled: true),
        ]
        func paused(_ pauses: [Pause], circuits: [OpenCircuit] = []) -> Set<String> {
            Standstill(pauses: pauses, circuits: circuits)
                .pausedQueues(among: ["short", "default", "long"], types: types)
        }
        #expect(paused([pause(.queue, "default")]) == ["default"])
        #expect(paused([pause(.type, "a")]) == [])
        #expect(paused([pause(.type, "a"), pause(.type, "b")]) == ["short"])
        #expect(paused([pause(.system, "shop")]) == ["short"])
        #expect(paused([pause(.system, "erp")]) == ["short", "long"])
        let circuit = OpenCircuit(system: "shop", openedAt: start, reason: "closed", settings: CircuitSettings())
        #expect(paused([], circuits: [circuit]) == [], "what is down is parked, and found out about")
    }

    // MARK: transitions

    @Test func anOutageIsNoAttemptAndParksTheJobWithTheSystemThatFailed() {
        var failure = JobFailure(.systemUnavailable, "closed", remedy: "wait")
        failure.system = "tax"
        let type = SyncJobType(
            name: "Customer Sync", source: DocumentType(system: "erp", name: "Customer"),
            target: DocumentType(system: "shop", name: "Client"), controller: NoController())
        let job = SyncJob(
            request: SyncRequest(id: "1", type: type.slug, sourceName: "C-1"), type: type, queue: "default",
            createdAt: start)
        func next(age: Int64) -> JobTransition {
            JobTransition.next(
                JobRun(job: job, turn: 0, runID: "r", node: "n", startedAt: start, body: []),
                outcome: Outcome(.failed(failure)), type: type, chance: 0, now: seconds(age))
        }
        let parked = next(age: 0)
        #expect(parked.job.status == .queued && parked.job.waitReason == .outage && parked.attempt == nil)
        #expect(parked.job.retryCount == 0 && parked.job.attemptCount == 0 && parked.outbox.isEmpty)
        #expect(parked.parking?.needs.systems == ["erp", "shop", "tax"])
        #expect(parked.job.retryAfter == seconds(5))
        #expect(next(age: 300).job.retryAfter == seconds(330), "it is tried more seldom the longer it waits")
        #expect(next(age: 86_400).job.retryAfter == seconds(86_460), "but once a minute")
        failure.disposition = .retryable(after: .seconds(17))
        #expect(next(age: 0).job.retryAfter == seconds(17))
        failure.disposition = .cancel
        #expect(next(age: 0).job.status == .canceled, "a controller that cancels means it")
    }
}

/// A circuit whose answers a test can ask for in passing.
private final class Counted {
    private var circuit: Circuit
    private var jobs = 0

    init(_ circuit: Circuit) { self.circuit = circuit }
    func succeeded(at time: Timestamp) { circuit.succeeded(at: time) }
    /// Each time another job.
    func failed(at time: Timestamp) -> Bool {
        jobs += 1
        return circuit.failed("\(jobs)", at: time)
    }
    func failed(_ jobID: String, at time: Timestamp) -> Bool { circuit.failed(jobID, at: time) }
}

private struct NoController: SingleTargetController {
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}
