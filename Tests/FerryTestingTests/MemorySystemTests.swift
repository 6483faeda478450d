// What a memory system does beyond the contract of all systems, which ConformanceTests hold it to: names of its own, unique
// keys, and everything that goes wrong because a test wants it to.

import FerryTesting
import Testing

@Suite struct MemorySystemTests {
    private static let account = DocumentType(system: "app", name: "Account")

    private func system() -> MemorySystem {
        MemorySystem(
            "app", shapes: ["Account": DocumentShape(nameField: "number")], naming: ["Account": .numbered],
            unique: ["Account": [["code"]]])
    }

    private func key(_ name: String) -> DocumentKey { DocumentKey(type: Self.account, name: name) }

    private func write(
        _ system: MemorySystem, from before: Document? = nil, to fields: JSONObject?
    ) async throws -> WriteResult {
        let after = fields.map { Document(key: before?.key, fields: $0) }
        let write = DocumentWrite(
            type: Self.account, before: before, after: after, fallbackName: "fallback",
            diff: try Diff(from: before, to: after, shape: DocumentShape()), idempotencyKey: Digest(ofParts: ["w"]))
        return try #require(try await system.write([write]).first)
    }

    private func load(_ system: MemorySystem, _ name: String) async throws -> Document {
        try #require(try await system.load([key(name)]).first?.document)
    }

    @Test func aNumberedTypeCountsOnFromItsHighestName() async throws {
        let system = system()
        system.put("Account", "41", ["code": "old"])
        system.put("Account", "by hand", ["code": "other"])
        guard case .written(let receipt) = try await write(system, to: ["code": "new"]) else {
            Issue.record("not written")
            return
        }
        #expect(receipt.name == "42")
        #expect(system.fields("Account", "42") == ["code": "new", "number": 42])
        #expect(system.writes.map(\.operation) == [.insert])
    }

    @Test func aUniqueKeyThatIsTakenIsAConflictAndNullIsNever() async throws {
        let system = system()
        system.put("Account", "1", ["code": "a"])
        guard case .conflict(let reason) = try await write(system, to: ["code": "a"]) else {
            Issue.record("no conflict")
            return
        }
        #expect(reason == "another document has the same code, which is unique")
        for _ in 0..<2 {
            guard case .written = try await write(system, to: ["code": nil]) else {
                Issue.record("null is no value")
                return
            }
        }
        let own = try await load(system, "1")
        guard case .written = try await write(system, from: own, to: ["code": "a", "label": "x"]) else {
            Issue.record("a document is in nobody's way but its own")
            return
        }
    }

    @Test func anOutageFailsTheNextCallsOfItsKindAndNoOther() async throws {
        let system = system()
        system.put("Account", "1", ["code": "a"])
        system.failNext(.systemUnavailable, times: 2, of: .load)
        _ = try await system.find([DocumentQuery(type: Self.account, fields: ["code": "a"])])
        for _ in 0..<2 {
            let failure = await #expect(throws: JobFailure.self) { try await system.load([key("1")]) }
            #expect(failure?.code == .systemUnavailable)
            #expect(failure?.disposition == .retryable(after: nil))
        }
        #expect(try await system.load([key("1")]).first?.document != nil)
    }

    @Test func aFailureWithoutAKindMeetsWhateverComesNext() async throws {
        let system = system()
        system.failNext(.systemUnavailable)
        await #expect(throws: JobFailure.self) { try await write(system, to: [:]) }
        guard case .written = try await write(system, to: [:]) else {
            Issue.record("used up")
            return
        }
    }

    @Test func aConflictAndARefusalAreAnswersOfOneWrite() async throws {
        let system = system()
        system.failNext(.writeConflict, of: .write)
        system.failNext(.constraintViolated, of: .write)
        guard case .conflict = try await write(system, to: [:]) else {
            Issue.record("no conflict")
            return
        }
        guard case .refused(let failure) = try await write(system, to: [:]) else {
            Issue.record("not refused")
            return
        }
        #expect(failure.code == .constraintViolated)
        #expect(failure.disposition == .permanent)
        #expect(try await system.count(typeName: "Account") == 0)
    }

    @Test func whatIsStoredMayBeMadeDifferent() async throws {
        let system = system()
        system.normalise("Account") { $0["code"] = $0["code"]?.stringValue.map { .string($0.uppercased()) } }
        guard case .written(let receipt) = try await write(system, to: ["code": "acme"]) else {
            Issue.record("not written")
            return
        }
        #expect(receipt.stored?["code"] == "ACME")
        #expect(system.fields("Account", "1")?["code"] == "ACME")
    }

    @Test func aHookIsSomebodyElseWhoWritesMeanwhile() async throws {
        let system = system()
        system.put("Account", "1", ["code": "a"])
        let read = try await load(system, "1")
        system.onWrite { _ in system.put("Account", "1", ["code": "theirs"]) }
        guard case .conflict = try await write(system, from: read, to: ["code": "ours"]) else {
            Issue.record("no conflict")
            return
        }
        #expect(system.fields("Account", "1")?["code"] == "theirs")
    }

    @Test func aHookMayRefuse() async throws {
        let system = system()
        system.onWrite { write throws(JobFailure) in
            throw JobFailure(.constraintViolated, "no \(write.operation.rawValue) on Sundays", remedy: "wait")
        }
        guard case .refused(let failure) = try await write(system, to: [:]) else {
            Issue.record("not refused")
            return
        }
        #expect(failure.message == "no insert on Sundays")
    }

    @Test func aDeletedDocumentLeavesItsLastImageUnlessItIsForgotten() async throws {
        let keeping = MemorySystem("app")
        let forgetting = MemorySystem("app", keepsDeleted: false)
        for system in [keeping, forgetting] {
            system.put("Account", "1", ["code": "a"])
            let wasThere = (system.delete("Account", "1"), system.delete("Account", "1"))
            #expect(wasThere == (true, false))
            #expect(system.fields("Account", "1") == nil)
        }
        #expect(
            try await keeping.load([key("1")]) == [.deleted(Document(key: key("1"), fields: ["code": "a"]))])
        #expect(try await forgetting.load([key("1")]) == [.absent])
    }

    @Test func theVersionIsReadOutOfTheDeclaredField() async throws {
        let shape = DocumentShape(version: .init(field: "revision", order: .number))
        let system = MemorySystem("app", shapes: ["Account": shape])
        system.put("Account", "1", ["revision": 7])
        #expect(try await load(system, "1").version?.text == "7")
        system.put("Account", "2", ["revision": "seven"])
        let failure = await #expect(throws: JobFailure.self) { try await system.load([key("2")]) }
        #expect(failure?.code == .invalidVersion)
        #expect(system.fields("Account", "2") == ["revision": "seven"])
    }

    @Test func aClockMovesOnlyForward() {
        let clock = TestClock()
        #expect(clock.now.description == "2026-01-01T00:00:00.000000Z")
        clock.advance(by: .seconds(90))
        clock.advance(to: TestClock.start)
        #expect(clock.now.since(TestClock.start) == .seconds(90))
    }
}
