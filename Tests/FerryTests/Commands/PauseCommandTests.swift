// ferry pause, resume and pauses: what is stored, what is said, and what a job parked for it is told.

import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct PauseCommandTests {
    private func park(_ id: String, type: String = "Country Sync", in world: CommandWorld) async throws {
        let job = CommandWorld.job(id, type: type)
        let needs = JobNeeds(job.request, type: CommandWorld.type(type), queue: "short")
        let transition = JobTransition.park(
            job, turn: 0, Parking(needs: needs, reason: .paused), now: Sample.instant)
        _ = try await world.store.commit(transition)
    }

    @Test func aPauseIsStoredShownAndEnded() async throws {
        try await CommandWorld.with { world in
            let paused = try await world.run("pause", "Country Sync", "--for", "2h", "--reason", "the registry moves")
            #expect(paused.status == .good)
            #expect(paused.output.hasPrefix("paused: type country_sync until "), "\(paused.output)")
            for id in ["a", "b"] { try await park(id, in: world) }
            let shown = try await world.run("pauses")
            #expect(shown.lines.count == 2, "\(shown.output)")
            #expect(shown.lines.last?.contains("paused type country_sync") == true, "\(shown.output)")
            #expect(shown.lines.last?.contains("the registry moves") == true)
            let json = try await world.run("pauses", "--json").json
            let pause = json.objectValue?["pauses"]?.arrayValue?.first?.objectValue
            #expect(pause?["parked"]?.numberValue?.int64 == 2)
            #expect(pause?["actor"]?.stringValue == "ada")
            let why = try await world.run("jobs", "why", "b")
            #expect(why.output.contains("the type country_sync was paused by ada"), "\(why.output)")
            #expect(why.output.contains("1 parked job of its key") == false, "another key")
            #expect(why.output.contains("→ ferry resume country_sync"), "\(why.output)")
            let waiting = try await world.run("jobs", "list", "--waiting", "paused", "--json").json
            #expect(waiting.arrayValue?.count == 2)
            let resumed = try await world.run("resume", "country_sync", "--reason", "it has moved")
            #expect(resumed.output == "resumed: type country_sync\n")
            #expect(try await world.store.standstill().isEmpty)
            let audit = try await world.store.auditEntries(subject: "type country_sync")
            #expect(audit.map(\.action) == ["resume", "pause"])
            #expect(audit.map(\.reason) == ["it has moved", "the registry moves"])
            #expect(try await world.run("pauses").output.contains("2 parked jobs on the way again"))
        }
    }

    @Test func queuesAndSystemsAndAllAtOnce() async throws {
        try await CommandWorld.with { world in
            _ = try await world.run("pause", "city_sync", "--queue", "nightly", "--system", "registry")
            #expect(Set(try await world.store.standstill().pauses.map(\.kind)) == [.type, .queue, .system])
            let json = try await world.run("resume", "--all", "--json").json
            #expect(json.objectValue?["resumed"]?.arrayValue?.count == 3)
            #expect(try await world.store.standstill().isEmpty)
            #expect(try await world.run("resume", "--all").errors.contains("nothing of that was paused"))
            #expect(try await world.run("pauses").errors.contains("nothing is paused, and no system is down"))
        }
    }

    @Test(arguments: [["pause", "contry_sync"], ["pause", "--queue", "slow"], ["pause", "--system", "shop"]])
    func whatIsNotConfiguredIsRefused(arguments: [String]) async throws {
        try await CommandWorld.with { world in
            let answer = try await world.run(arguments[0], arguments[1], arguments.count > 2 ? arguments[2] : "--json")
            #expect(answer.status == .usage)
            #expect(try await world.store.standstill().isEmpty)
        }
    }

    @Test func aSystemThatIsDownIsShownAndCanBeTriedAtOnce() async throws {
        try await CommandWorld.with { world in
            var circuit = OpenCircuit(
                system: "registry", openedAt: Sample.instant, reason: "there is no such file",
                settings: CircuitSettings())
            circuit.nextProbeAt = Composition.now().advanced(by: .seconds(60))
            _ = try await world.store.openCircuit(circuit)
            try await park("a", in: world)
            let shown = try await world.run("pauses")
            #expect(shown.output.contains("down system registry"), "\(shown.output)")
            #expect(shown.output.contains("there is no such file"))
            let why = try await world.run("jobs", "why", "a")
            #expect(why.output.contains("the system registry is taken for down since"), "\(why.output)")
            #expect(why.output.contains("That uses up no retry."))
            let resumed = try await world.run("resume", "--system", "registry")
            #expect(resumed.output == "system registry is taken for down; a job tries it now\n")
            let now = Composition.now()
            #expect(try await world.store.standstill().circuits.allSatisfy { $0.isProbeDue(at: now) })
            #expect(try await world.store.auditEntries().first?.action == "probe")
        }
    }
}
