// A run whose time is up, or that is canceled while it runs: it ends then, whatever its controller does, and what the controller
// still does is void.
import JobStore
import Synchronization
import SyncJobs
import Testing

@testable import SyncEngine

#if canImport(Glibc)
    import Glibc
#endif

@Suite(.timeLimit(.minutes(1))) struct TimeoutTests {
    private func briefly(_ request: inout SyncRequest) { request.timeout = .milliseconds(50) }

    @Test func aControllerThatHearsOfItsEndFailsTimedOut() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in
                while true {
                    try job.checkCancellation()
                    await Task.yield()
                }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1", "C-1", briefly))
        #expect(job.status == .failed)
        #expect(job.error?.code == .timedOut)
        #expect(job.waitReason == .retry)
        #expect(job.error?.message.contains("50ms") == true)
        #expect(try await world.account("C-1") == nil)
    }

    /// A controller that goes on until it is released, whatever it is told, and then still wants to write.
    @Test func aLateOutsideWriteIsNotMade() async throws {
        let world = try LocalWorld()
        let isReleased = Box(false)
        let hasEnded = Box(false)
        let engine = try world.single(target: LocalWorld.shopAccount) {
            $0.beforeSync = { _, job in
                guard job.job.id == "slow" else { return }
                while !isReleased.value { await Task.yield() }
                hasEnded.set(true)
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await world.putCustomer("C-2", "Bob")
        let slow = try await engine.deliver(world.request("slow", "C-1", briefly))
        #expect(slow.error?.code == .timedOut)
        let other = try await engine.deliver(world.request("other", "C-2"))
        #expect(other.status == .finished, "the engine goes on")
        isReleased.set(true)
        try await until("the late one has ended") { hasEnded.value }
        try await world.perform(.cancel, "slow", in: engine)
        try await engine.runPending()
        #expect(world.outside.all() == ["S-1": ["label": "Bob"]], "only the other one wrote")
        #expect(try await world.job("slow").status == .canceled)
    }

    @Test func aControllerThatBlocksItsThreadHoldsUpNobodyElse() async throws {
        let world = try LocalWorld()
        let gate = Gate()
        let engine = try world.single {
            $0.update = { target, job in
                if job.job.id.hasPrefix("blocked") { gate.wait() }
                target["label"] = job.source?["name"]
            }
        }
        try await world.putCustomer("C-1", "Ada")
        // More of them than the engine has threads for controllers.
        for number in 1...5 {
            let job = try await engine.deliver(world.request("blocked \(number)", "C-1", briefly))
            #expect(job.error?.code == .timedOut)
        }
        #expect(try await engine.deliver(world.request("other")).status == .finished)
        gate.open()
        try await until("all have left the gate") { gate.waiting == 0 }
        #expect(try await world.job("blocked 1").status == .failed, "a late result is dropped")
        #expect(try await world.binding()?.target.name == "C-1")
    }

    @Test func aDeclarativeTypeHasATimeoutToo() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.isDeclarative = true
            $0.update = { _, job in
                while true {
                    try job.checkCancellation()
                    await Task.yield()
                }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1", "C-1", briefly)).error?.code == .timedOut)
    }

    @Test func theTypesTimeoutCountsWhereTheRequestSaysNothing() async throws {
        let world = try LocalWorld()
        let engine = try world.bypass {
            $0.execute = { job in
                while true {
                    try job.checkCancellation()
                    await Task.yield()
                }
            }
        } type: {
            $0.timeout = .milliseconds(30)
        }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).error?.message.contains("30ms") == true)
    }

    @Test func finishedThatThrowsAwayItsTimeIsNoFailureOfTheJob() async throws {
        let world = try LocalWorld()
        let threads = ControllerThreads(size: 1)
        let supervisor = RunSupervisor(
            runs: ActiveRuns(store: world.store, now: { world.clock.now }, logger: quietLogger), threads: threads)
        let result = await supervisor.bound(.milliseconds(30)) {
            while !Task.isCancelled { await Task.yield() }
            return .success(())
        }
        guard case .failure(let error as JobFailure) = result else { Issue.record("it took no longer"); return }
        #expect(error.code == .timedOut)
    }

    /// A running job is asked to stop, and its controller hears of it with the next sign of life.
    @Test func aRunningJobThatIsCanceledEndsCanceled() async throws {
        let world = try LocalWorld()
        let hasBegun = Box(false)
        let engine = try world.single {
            $0.update = { _, job in
                hasBegun.set(true)
                while true {
                    try job.checkCancellation()
                    await Task.yield()
                }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        async let running = engine.deliver(world.request("1"))
        try await until("it has begun") { hasBegun.value }
        try await until("it shows that it runs") { try await world.store.job(id: "1")?.status == .started }
        let asked = try await world.perform(.cancel, "1", in: engine)
        guard case .asked(.some) = asked[0] else {
            Issue.record("it was not asked: \(asked)")
            return
        }
        let job = try await running
        #expect(job.status == .canceled)
        #expect(job.cancelReason == "because")
        #expect(job.running == nil)
    }
}

/// Blocks threads until it is opened.
private final class Gate: Sendable {
    private let isOpen = Box(false)
    private let count = Box(0)

    var waiting: Int { count.value }
    func wait() {
        count.change { $0 += 1 }
        while !isOpen.value { usleep(5_000) }
        count.change { $0 -= 1 }
    }
    func open() { isOpen.set(true) }
}
