// Runs one case: its documents in memory, its bindings in a store of its own, the job through the engine, and then what is
// not as expected. No configured system is touched, no broker is asked.

internal import FerryTesting
internal import SyncJobs

/// How a case ended.
struct TypeCaseResult: Sendable {
    let testCase: TypeCase
    /// The record after the run; nil when the request was refused before it became a job.
    let job: SyncJob?
    /// Why the request was refused; nil when it became a job.
    var refusal: JobFailure?
    /// The keys of the children, in their order.
    var children: [String] = []
    /// What is not as expected, a line each; empty when the case passed.
    let differences: [String]
    /// How long it took.
    let time: Duration

    var isPassed: Bool { differences.isEmpty }
}

/// Runs cases.
struct TypeCaseRun: Sendable {
    let configuration: FerryConfiguration

    /// Runs the case and compares.
    ///
    /// - Throws: ``JobStoreError`` when the temporary store can't be used; ``JobFailure`` for documents that can't be placed.
    func result(of testCase: TypeCase) async throws -> TypeCaseResult {
        let start = ContinuousClock.now
        let test = try SyncTest(types: configuration.types.all, systems: configuration.systems.map(memory))
        for document in testCase.documents {
            try await test.put(document.key.type.description, document.key.name, document.fields)
            if document.isDeleted { try await test.delete(document.key.type.description, document.key.name) }
        }
        for bound in testCase.bindings {
            try await test.bind(
                bound.typeSlug, source: bound.source, to: bound.target, key: bound.key, version: bound.version,
                isDeleted: bound.isDeleted)
        }
        do {
            let job = try await test.engine.deliver(testCase.request)
            return try await compare(job, testCase, in: test, since: start)
        } catch let failure as JobFailure {
            let differences = refusalDifferences(failure, testCase.expected)
            return TypeCaseResult(
                testCase: testCase, job: nil, refusal: failure, differences: differences, time: .now - start)
        }
    }

    private func memory(_ system: SystemSettings) -> MemorySystem {
        let documents = configuration.documents.filter { $0.type.system.hasSameBytes(as: system.name) }
        let shapes = documents.map { ($0.type.name, $0.shape) }
        // A row that is gone from a SQL table leaves nothing behind.
        return MemorySystem(
            system.name, shapes: Dictionary(shapes) { first, _ in first }, keepsDeleted: system.kind == .embedded)
    }

    private func compare(
        _ job: SyncJob, _ testCase: TypeCase, in test: SyncTest, since start: ContinuousClock.Instant
    ) async throws -> TypeCaseResult {
        let expected = testCase.expected
        let type = job.targetType ?? testCase.type.target
        let name = job.targetName ?? testCase.bindings.last?.target
        var target: Document?
        if let type, let name, configuration.system(type.system) != nil {
            target = try await test.document(type.description, name)
        }
        var lines = Self.statusDifferences(job, expected)
        if let wanted = expected.diff {
            lines += Difference(expected: wanted.withKeys(of: job.diff), actual: job.diff).lines
        }
        switch expected.target {
        case .fields(let fields):
            let shape = type.flatMap { configuration.document($0)?.shape } ?? DocumentShape()
            lines += Difference(expected: fields, actual: target?.fields, shape: shape).lines.map { "target: \($0)" }
        case .absent: if target != nil { lines.append("target: expected none, and it is there") }
        case nil: break
        }
        let children = try await test.children(of: job).map { $0.request.targetKey ?? $0.targetName ?? $0.id }
        if let wanted = expected.children, wanted.sorted() != children.sorted() {
            lines.append("children: expected \(Self.list(wanted)), are \(Self.list(children))")
        }
        if !lines.isEmpty, let error = job.error { lines.append("it failed: \(error)") }
        return TypeCaseResult(
            testCase: testCase, job: job, children: children, differences: lines, time: .now - start)
    }

    // MARK: one word each

    private static func statusDifferences(_ job: SyncJob, _ expected: TypeCase.Expectation) -> [String] {
        func line(_ field: String, _ wanted: String?, _ found: String?) -> String? {
            guard let wanted, wanted != found else { return nil }
            return "\(field): expected \(wanted), is \(found ?? "none")"
        }
        return [
            line("status", expected.status?.rawValue, job.status.rawValue),
            line("skip_reason", expected.skipReason?.rawValue, job.skipReason?.rawValue),
            line("no_target_reason", expected.noTargetReason?.rawValue, job.noTargetReason?.rawValue),
            line("operation", expected.operation?.rawValue, job.operation?.rawValue),
            line("error", expected.error?.rawValue, job.error?.code.rawValue),
            line("target_document_name", expected.targetName, job.targetName),
        ].compactMap { $0 }
    }

    /// A request that is refused makes no job; a case may expect that by its error.
    private func refusalDifferences(_ failure: JobFailure, _ expected: TypeCase.Expectation) -> [String] {
        if expected.error == failure.code { return [] }
        return ["the request was refused: \(failure)"]
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.sorted().map { VisibleText.word($0) }.joined(separator: ", ")
    }
}

extension Diff {
    /// This expected diff with the row keys that `actual` has: a file of cases writes them as names of a map, where 1 and
    /// "1" are the same.
    fileprivate func withKeys(of actual: Diff?) -> Diff {
        var diff = self
        for position in diff.rowChanged.indices {
            let row = diff.rowChanged[position]
            let found = actual?.rowChanged.first { candidate in
                candidate.table.hasSameBytes(as: row.table)
                    && candidate.rowKey.nameText?.hasSameBytes(as: row.rowKey.stringValue ?? "") == true
            }
            if let found { diff.rowChanged[position].rowKey = found.rowKey }
        }
        return diff
    }
}
