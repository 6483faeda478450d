// The tests that ferry types new writes beside a controller; see ControllerTemplates.

/// Tests as templates; see ``NewType/filledSwift(_:)``.
enum TestTemplates {
    static func template(_ way: NewTypeWay) -> String {
        switch way {
        case .single: single
        case .multiple: multiple
        case .bypass: bypass
        }
    }

    private static let single = """
        // What «CONTROLLER» does, on documents in memory: no broker, no waiting.

        import FerryTesting
        import Testing

        @testable import «MODULE»

        @Suite struct «CONTROLLER»Tests {
            private static let type = SyncJobType(
                name: "«NAME»", source: DocumentType(system: "«SOURCE_SYSTEM»", name: "«SOURCE_TYPE»"),
                target: DocumentType(system: "«TARGET_SYSTEM»", name: "«TARGET_TYPE»"), controller: «CONTROLLER»())

            @Test func aNewSourceBecomesATarget() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", ["name": "Acme"])
                let job = try await test.run("«NAME»", source: "A-1")
                #expect(job.status == .finished)
                #expect(try await test.difference("«TARGET»", "A-1", ["code": "A-1", "label": "Acme"]) == .none)
            }

            @Test func aSecondRunChangesNothing() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", ["name": "Acme"])
                try await test.run("«NAME»", source: "A-1")
                let again = try await test.run("«NAME»", source: "A-1")
                #expect(again.skipReason == .noChanges)
            }

            @Test func onlyWhatChangedIsWritten() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", ["name": "Acme"])
                try await test.run("«NAME»", source: "A-1")
                try await test.put("«SOURCE»", "A-1", ["name": "Acme Ltd"])
                let job = try await test.run("«NAME»", source: "A-1")
                #expect(test.difference(job, ["label": (old: "Acme", new: "Acme Ltd")]) == .none)
            }

            @Test func aTargetThatIsThereAlreadyIsFound() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", ["name": "Acme"])
                try await test.put("«TARGET»", "by hand", ["code": "A-1", "label": "?"])
                let job = try await test.run("«NAME»", source: "A-1")
                #expect(job.targetName == "by hand")
                #expect(job.operation == .update)
            }

            @Test func theTargetGoesWithItsSource() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", ["name": "Acme"])
                try await test.run("«NAME»", source: "A-1")
                try await test.delete("«SOURCE»", "A-1")
                let job = try await test.run("«NAME»", source: "A-1") { $0.operation = .delete }
                #expect(job.operation == .delete)
                #expect(try await test.document("«TARGET»", "A-1") == nil)
            }

            @Test func aSourceWithoutANameFailsForGood() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", ["name": ""])
                let job = try await test.run("«NAME»", source: "A-1")
                #expect(job.error?.code == .requiredFieldMissing)
                #expect(await test.deadLetters.count == 1)
            }
        }

        """

    private static let multiple = """
        // What «CONTROLLER» does, on documents in memory: no broker, no waiting.

        import FerryTesting
        import Testing

        @testable import «MODULE»

        @Suite struct «CONTROLLER»Tests {
            private static let type = SyncJobType(
                name: "«NAME»", source: DocumentType(system: "«SOURCE_SYSTEM»", name: "«SOURCE_TYPE»"),
                target: DocumentType(system: "«TARGET_SYSTEM»", name: "«TARGET_TYPE»"), controller: «CONTROLLER»())

            private static let rows: JSONObject = ["items": [["id": 1, "name": "one"], ["id": 2, "name": "two"]]]

            @Test func eachRowGetsAChildAndATarget() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", Self.rows)
                let relay = try await test.run("«NAME»", source: "A-1")
                #expect(relay.status == .relayed)
                try await test.settle()
                #expect(try await test.children(of: relay).map(\\.status) == [.finished, .finished])
                #expect(try await test.difference("«TARGET»", "A-1-1", ["code": "A-1-1", "label": "one"]) == .none)
                #expect(try await test.difference("«TARGET»", "A-1-2", ["code": "A-1-2", "label": "two"]) == .none)
            }

            @Test func aSecondRelayChangesNothing() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", Self.rows)
                try await test.run("«NAME»", source: "A-1")
                try await test.settle()
                let again = try await test.run("«NAME»", source: "A-1")
                try await test.settle()
                #expect(try await test.children(of: again).map(\\.skipReason) == [.noChanges, .noChanges])
            }

            @Test func theTargetOfARowThatIsGoneIsDeleted() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", Self.rows)
                try await test.run("«NAME»", source: "A-1")
                try await test.settle()
                try await test.put("«SOURCE»", "A-1", ["items": [["id": 1, "name": "one"]]])
                try await test.run("«NAME»", source: "A-1")
                try await test.settle()
                #expect(try await test.document("«TARGET»", "A-1-1") != nil)
                #expect(try await test.document("«TARGET»", "A-1-2") == nil)
            }

            @Test func aSourceWithoutRowsHasNoTarget() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", ["items": []])
                #expect(try await test.run("«NAME»", source: "A-1").status == .noTarget)
            }

            @Test func aRowWithoutAnIDFailsForGood() async throws {
                let test = try SyncTest(types: [Self.type])
                try await test.put("«SOURCE»", "A-1", ["items": [["name": "nameless"]]])
                #expect(try await test.run("«NAME»", source: "A-1").error?.code == .missingRowKey)
            }
        }

        """

    private static let bypass = """
        // What «CONTROLLER» does, on documents in memory and files in a folder of its own: no broker, no waiting.

        import FerryTesting
        import Foundation
        import Testing

        @testable import «MODULE»

        @Suite final class «CONTROLLER»Tests {
            private let folder = NSTemporaryDirectory() + "«SLUG»-" + UUID().uuidString
            private let test: SyncTest

            init() throws {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                let type = SyncJobType(
                    name: "«NAME»", source: DocumentType(system: "«SOURCE_SYSTEM»", name: "«SOURCE_TYPE»"), target: nil,
                    controller: «CONTROLLER»(folder: folder))
                test = try SyncTest(types: [type])
            }

            deinit {
                do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) }
            }

            private func written(_ name: String) throws -> JSONValue {
                try JSONParser.parse(Array(Data(contentsOf: URL(filePath: folder).appending(path: name))))
            }

            @Test func aDocumentBecomesAFile() async throws {
                try await test.put("«SOURCE»", "A-1", ["name": "Acme"])
                let job = try await test.run("«NAME»", source: "A-1")
                #expect(job.status == .finished)
                #expect(test.difference(job, ["name": (old: nil, new: "Acme")]) == .none)
                #expect(try written("A-1.json") == ["name": "Acme"])
            }

            @Test func aSecondRunChangesNothing() async throws {
                try await test.put("«SOURCE»", "A-1", ["name": "Acme"])
                try await test.run("«NAME»", source: "A-1")
                #expect(try await test.run("«NAME»", source: "A-1").skipReason == .noChanges)
            }

            @Test func aDryRunWritesNothing() async throws {
                try await test.put("«SOURCE»", "A-1", ["name": "Acme"])
                let job = try await test.run("«NAME»", source: "A-1") { $0.dryRun = true }
                #expect(job.skipReason == .dryRun)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
            }

            @Test func theFileGoesWithItsDocument() async throws {
                try await test.put("«SOURCE»", "A-1", ["name": "Acme"])
                try await test.run("«NAME»", source: "A-1")
                try await test.delete("«SOURCE»", "A-1")
                let job = try await test.run("«NAME»", source: "A-1") { $0.operation = .delete }
                #expect(job.operation == .delete)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
            }
        }

        """
}
