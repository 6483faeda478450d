// Ten thousand dead letters, as after a night without a target: listed and grouped at once, mended in parts, and gone on with
// after a crash between two parts.
import Foundation
import JobStore
import SyncJobs
import Testing

@Suite struct ManyDeadLettersTests {
    private static let count = 10_000
    private static let kinds = 4

    private func fill(_ store: JobStore) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<Self.count {
                group.addTask {
                    let kind = number % Self.kinds
                    _ = try await store.keep(
                        Letter.arrival(
                            "m\(number)", code: .typeDisabled,
                            error: "kind \(["a", "b", "c", "d"][kind]): no \"\(number)\" after \(number) tries"))
                }
            }
            try await group.waitForAll()
        }
    }

    private func open(except groups: Set<String> = []) -> DeadLetterFilter {
        var filter = DeadLetterFilter()
        filter.states = [.open]
        filter.exceptGroups = groups
        filter.limit = JobStore.maximumActionCount
        return filter
    }

    /// One part of what `ferry dead replay` does; answers how many it was.
    private func replayPart(_ filter: inout DeadLetterFilter, of store: JobStore) async throws -> Int {
        let letters = try await store.deadLetters(filter)
        filter.afterSequence = letters.last?.sequence ?? filter.afterSequence
        guard !letters.isEmpty else { return 0 }
        let results = try await store.perform(
            .replay(Letter.rules), letters: letters.map(\.id), actor: "ann", reason: "mended", at: Sample.start)
        #expect(results.allSatisfy { $0.done != nil })
        return letters.count
    }

    @Test func areListedGroupedEditedReplayedButOneGroupAndThatIsDiscarded() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        try await fill(store)
        let groups = try await store.deadLetterGroups(open())
        #expect(groups.map(\.count) == Array(repeating: Self.count / Self.kinds, count: Self.kinds))
        let last = try #require(groups.first { $0.shape.hasPrefix("kind d") })
        #expect(last.shape == #"kind d: no "…" after <n> tries"#)

        // They were kept side by side: which came first is chance.
        let one = try await store.deadLetters(open(except: [last.key]))[0]
        let job = try #require(one.jobID)
        let edited = try await store.editLetter(
            one.id, body: Letter.body(job, source: "mended"), rules: Letter.rules, actor: "ann", reason: nil,
            at: Sample.start)
        #expect(edited.done?.revision == 2)

        var filter = open(except: [last.key])
        var replayed = 0
        for _ in 0..<3 { replayed += try await replayPart(&filter, of: store) }
        // The process dies here; another one begins anew, with the same command.
        try store.close()
        let again = try StoreFixture.open(fixture.path)
        filter = open(except: [last.key])
        while true {
            let part = try await replayPart(&filter, of: again)
            replayed += part
            if part == 0 { break }
        }
        #expect(replayed == Self.count / Self.kinds * (Self.kinds - 1))
        #expect(try await again.countJobs() == [.queued: replayed])
        #expect(try fixture.integer("SELECT count(*) FROM outbox") == replayed)
        #expect(try await again.known(job).request.sourceDocumentName == "mended")
        #expect(try fixture.integer("SELECT count(*) FROM audit WHERE action = 'replay'") == replayed)

        var rest = open()
        while true {
            let letters = try await again.deadLetters(rest)
            guard !letters.isEmpty else { break }
            _ = try await again.perform(
                .discard, letters: letters.map(\.id), actor: "ann", reason: "not wanted", at: Sample.start)
            rest.afterSequence = letters.last?.sequence
        }
        #expect(try await again.countDeadLetters(open()).count == 0)
        #expect(
            try fixture.integer("SELECT count(*) FROM dead_letters WHERE state = 'discarded'") == Self.count - replayed)
        try again.close()
    }
}
