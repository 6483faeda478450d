// From a trial to a case for ferry types test. The documents are those that were read, with sensitive values masked; what is
// expected is what the case itself gives in memory, so that it passes as it stands, and where that is not what the trial
// said, this is told.

internal import Foundation
internal import SyncJobs

/// Adds a trial to a file of cases.
struct CaseRecording: Sendable {
    let configuration: FerryConfiguration
    let environment: [String: String]

    /// What was recorded.
    struct Recorded: Sendable, Hashable {
        var name: String
        var line: Int
        /// What has to be completed by hand.
        var warnings: [String]
    }

    /// Adds the case to `file`, which is made when it is not there.
    ///
    /// - Parameter documents: those that the trial has read.
    /// - Throws: ``CommandFailure`` (usage) when the file holds something else, or can't be written.
    func record(_ report: TrialReport, documents: [Document], into file: String) async throws -> Recorded {
        let before = try existing(file)
        var testCase = testCase(report, documents: documents, file: file)
        testCase.name = freeName(report, among: before.cases.map(\.name))
        let result = try await TypeCaseRun(configuration: configuration).result(of: testCase)
        testCase.expected = expectation(of: result)
        let entry = TypeCaseWriter.text(of: testCase, in: configuration)
        let separator = before.text.isEmpty ? "" : before.text.hasSuffix("\n") ? "\n" : "\n\n"
        let text = before.text + separator + entry
        try check(text, file: file, ends: testCase)
        do { try Data(text.utf8).write(to: URL(filePath: file), options: .atomic) } catch {
            throw CommandFailure(
                .usage, "\(VisibleText.word(file)) can't be written: \(error.localizedDescription)",
                remedy: "let your user write the folder, or name another file")
        }
        let line = (before.text + separator).count { $0 == "\n" } + 1
        return Recorded(name: testCase.name, line: line, warnings: warnings(report, result))
    }

    // MARK: the file

    private func existing(_ file: String) throws(CommandFailure) -> (text: String, cases: [TypeCase]) {
        guard FileManager.default.fileExists(atPath: file) else { return ("", []) }
        let cases = try TypesTestCommand.cases(in: [file], configuration: configuration, environment: environment)
        let bytes: [UInt8]
        do { bytes = try FilePath.read(file, maximumBytes: YAMLDocument.maximumBytes) } catch {
            throw CommandFailure(.usage, "\(VisibleText.word(file)): \(error.words)", remedy: "name another file")
        }
        return (String(decoding: bytes, as: UTF8.self), cases)
    }

    /// What was written must be read as what was meant; a document that YAML can't hold is refused instead.
    private func check(_ text: String, file: String, ends testCase: TypeCase) throws(CommandFailure) {
        let read = TypeCaseReader.read(
            Array(text.utf8), file: file, configuration: configuration, environment: environment)
        guard read.problems.isEmpty, let last = read.cases.last, last.expected.json == testCase.expected.json,
            Set(last.documents) == Set(testCase.documents)
        else {
            let problem = read.problems.first.map { ": \($0.message)" } ?? ""
            throw CommandFailure(
                .usage, "the documents can't be written as a case\(problem)",
                remedy: "write the case by hand: ferry types test --help")
        }
    }

    private func freeName(_ report: TrialReport, among taken: [String]) -> String {
        let source = report.request.sourceDocumentName.map { " of \(VisibleText.bare($0, limit: 80))" } ?? ""
        let key = report.request.targetKey.map { ", \(VisibleText.bare($0, limit: 80))" } ?? ""
        let name = "\(report.type.name)\(source)\(key)"
        guard taken.contains(where: { $0.hasSameBytes(as: name) }) else { return name }
        var number = 2
        while taken.contains(where: { $0.hasSameBytes(as: "\(name) (\(number))") }) { number += 1 }
        return "\(name) (\(number))"
    }

    // MARK: the case

    private func testCase(_ report: TrialReport, documents: [Document], file: String) -> TypeCase {
        var request = report.request
        request.id = "case"
        var testCase = TypeCase(name: "", file: file, line: 1, type: report.type, request: request)
        if case .bypass = report.type.controller.way { testCase.request.dryRun = true }
        func place(_ document: Document?, isDeleted: Bool = false, isTarget: Bool = false) {
            guard let document, let key = document.key,
                !testCase.documents.contains(where: { $0.key == key })
            else { return }
            testCase.documents.append(
                .init(key: key, fields: masked(document, of: key.type), isDeleted: isDeleted, isTarget: isTarget))
        }
        let isDeleted = report.handle?.isSourceDeleted == true
        place(report.handle?.source, isDeleted: isDeleted)
        if isDeleted { testCase.request.document = testCase.documents.first?.fields }
        place(report.before, isTarget: true)
        for document in documents { place(document) }
        if let binding = report.handle?.binding, let source = report.request.sourceDocumentName {
            testCase.bindings.append(
                .init(
                    typeSlug: report.type.slug, source: source, target: binding.target.name, key: binding.key.key,
                    version: binding.sourceVersion, isDeleted: binding.isDeleted))
        }
        return testCase
    }

    /// The fields without what is declared sensitive: of the same kind, and no one's.
    private func masked(_ document: Document, of type: DocumentType) -> JSONObject {
        guard let shape = configuration.document(type)?.shape else { return document.fields }
        var fields = document.fields
        for (field, declared) in shape.fields where declared.isSensitive {
            fields[field] = fields[field].map(Self.masked)
        }
        for (table, declared) in shape.tables {
            guard let rows = fields[table]?.arrayValue else { continue }
            fields[table] = .array(
                rows.map { row in
                    guard var object = row.objectValue else { return row }
                    for (field, shape) in declared.fields where shape.isSensitive {
                        object[field] = object[field].map(Self.masked)
                    }
                    return .object(object)
                })
        }
        return fields
    }

    private static func masked(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null: .null
        case .bool: false
        case .number: 0
        case .string, .array, .object: SensitiveFields.mask
        }
    }

    private func expectation(of result: TypeCaseResult) -> TypeCase.Expectation {
        var expected = TypeCase.Expectation()
        guard let job = result.job else {
            expected.error = result.refusal?.code
            return expected
        }
        expected.status = job.status
        expected.skipReason = job.skipReason
        expected.noTargetReason = job.noTargetReason
        expected.error = job.error?.code
        if let diff = job.diff, job.status == .finished || job.skipReason == .dryRun {
            expected.operation = job.operation
            expected.diff = diff
        }
        if job.status == .relayed { expected.children = result.children }
        return expected
    }

    /// Where the case gives something else than the trial said, it lacks something that only people can add.
    private func warnings(_ report: TrialReport, _ result: TypeCaseResult) -> [String] {
        let remedy = "complete it by hand: documents:, bindings: (ferry types test --help)"
        guard let job = result.job else { return ["the case is refused in memory; \(remedy)"] }
        let reason = job.skipReason == .dryRun ? nil : job.skipReason?.rawValue ?? job.noTargetReason?.rawValue
        let said = TrialReport.End(status: job.status, reason: reason ?? job.error?.code.rawValue)
        var isBypass = false
        if case .bypass = report.type.controller.way { isBypass = true }
        guard isBypass || said == report.end else {
            return ["the case ends \(said.text) in memory, the trial \(report.end.text); \(remedy)"]
        }
        let fields = (job.diff?.changed.map(\.field) ?? [], report.outcome.diff?.changed.map(\.field) ?? [])
        guard Set(fields.0) == Set(fields.1) else {
            return ["the case changes \(fields.0.shown) in memory, the trial \(fields.1.shown); \(remedy)"]
        }
        return []
    }
}

extension TrialReport.End {
    /// `Skipped (no_changes)`.
    var text: String { status.rawValue + (reason.map { " (\($0))" } ?? "") }
}

extension [String] {
    fileprivate var shown: String { isEmpty ? "nothing" : map { VisibleText.word($0) }.joined(separator: ", ") }
}
