// The command around the cases: which files it takes, what it prints, how it ends.

import AtlasControllers
import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite("The command ferry types test")
struct TypesTestCommandTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try folder.write(
            "ferry.yaml",
            """
            systems: {erp: {kind: embedded}, app: {kind: embedded}}
            types:
              Copy: {source: erp.A, target: app.B, fields: {label: source.name}}
            """)
    }

    private func code(_ arguments: String...) async -> Int32 {
        await Ferry().status(arguments: ["types", "test", "--config", "\(folder.path)/ferry.yaml"] + arguments).code
    }

    private func testCase(_ name: String, expects label: String) -> String {
        """
        - name: \(name)
          type: copy
          source: {name: x}
          expect: {status: Finished, target: {label: \(label)}}

        """
    }

    @Test("takes tests/*.yaml beside the configuration, and ends with 1 when a case failed")
    func defaultFiles() async throws {
        #expect(await code() == 2)
        try folder.write("tests/a.yaml", testCase("one", expects: "x"))
        #expect(await code() == 0)
        try folder.write("tests/b.yml", testCase("two", expects: "y"))
        try folder.write("tests/notes.txt", "not a case")
        #expect(await code() == 1)
        #expect(await code("--only", "ONE") == 0)
        #expect(await code("\(folder.path)/tests/a.yaml") == 0)
    }

    @Test("a file that can't be read ends with 2, and no case is run")
    func badFiles() async throws {
        try folder.write("tests/a.yaml", testCase("one", expects: "y"))
        #expect(await code("\(folder.path)/tests/a.yaml", "\(folder.path)/nowhere.yaml") == 2)
        try folder.write("tests/a.yaml", "- name: one\n  type: nothing\n")
        #expect(await code() == 2)
        let configuration = try FerryConfiguration.load(path: "\(folder.path)/ferry.yaml", environment: [:])
        let failure = #expect(throws: CommandFailure.self) {
            try TypesTestCommand.cases(
                in: ["\(folder.path)/tests/a.yaml"], configuration: configuration, environment: [:])
        }
        #expect(
            failure?.description == """
                the cases can't be read:
                \(folder.path)/tests/a.yaml:2: [0].type: there is no sync job type "nothing" (use one of: copy)
                Correct them; no case has run.
                """)
    }

    @Test("says failures in full and the totals, in the order of the cases")
    func report() async throws {
        try folder.write(
            "cases.yaml", (1...9).map { testCase("case \($0)", expects: $0 == 4 ? "y" : "x") }.joined())
        let configuration = try FerryConfiguration.load(path: "\(folder.path)/ferry.yaml", environment: [:])
        let file = "\(folder.path)/cases.yaml"
        let cases = try TypesTestCommand.cases(in: [file], configuration: configuration, environment: [:])
        let results = try await TypesTestCommand.results(of: cases, by: TypeCaseRun(configuration: configuration))
        #expect(results.map(\.testCase.name) == (1...9).map { "case \($0)" })
        var text = TypeCaseText()
        #expect(
            results.flatMap { text.lines($0) } == [
                "failed \(file):13: case 4", "         target: label: expected \"y\", is \"x\"",
            ])
        #expect(text.total(results) == "9 cases: 8 passed, 1 failed")
        #expect(text.total(Array(results.prefix(1))) == "1 case: 1 passed")
        text.isVerbose = true
        #expect(text.lines(results[0])[0].hasPrefix("ok     \(file):1: case 1 ("))
        let json = try #require(TypeCaseText.json(results).objectValue)
        #expect(json["failed"] == 1)
        let failed = try #require(json["results"]?.arrayValue?[3].objectValue)
        #expect(failed["differences"] == ["target: label: expected \"y\", is \"x\""])
        #expect(failed["job"]?.objectValue?["status"] == "Finished")
    }

    @Test("the cases of Examples hold for its controllers, bypass included, which runs dry")
    func examples() async throws {
        let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Examples").path
        let configuration = try FerryConfiguration.load(
            path: "\(examples)/ferry.yaml", environment: ["FERRY_BROKER_URL": "amqp://127.0.0.1"],
            controllers: Atlas.controllers(exports: "\(folder.path)/exports"))
        let files = try TypesTestCommand.defaultFiles(of: configuration)
        let cases = try TypesTestCommand.cases(in: files, configuration: configuration, environment: [:])
        let results = try await TypesTestCommand.results(of: cases, by: TypeCaseRun(configuration: configuration))
        #expect(results.count >= 8)
        #expect(results.filter { !$0.isPassed }.flatMap { TypeCaseText().lines($0) } == [])
        #expect(!folder.exists("exports"))
    }
}
