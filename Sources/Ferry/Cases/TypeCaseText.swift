// What a run of cases says: failures in full, a line of totals, or JSON.

internal import SyncJobs

/// Renders results of cases.
struct TypeCaseText: Sendable {
    var style = Style.plain
    /// Whether cases that passed are named too.
    var isVerbose = false

    /// A result, a line each; none for a case that passed, unless everything is said.
    func lines(_ result: TypeCaseResult) -> [String] {
        let testCase = result.testCase
        let place = "\(testCase.file):\(testCase.line): \(VisibleText.bare(testCase.name))"
        if result.isPassed {
            return isVerbose ? ["\(style(.good, "ok    ")) \(place) (\(Quantity.time(result.time)))"] : []
        }
        return ["\(style(.bad, "failed")) \(place)"]
            + result.differences.flatMap { $0.split(separator: "\n") }.map { "         \($0)" }
    }

    /// `12 cases: 11 passed, 1 failed`.
    func total(_ results: [TypeCaseResult]) -> String {
        let passed = results.count(where: \.isPassed)
        let failed = results.count - passed
        let tail = failed == 0 ? "" : ", \(style(.bad, "\(failed) failed"))"
        return "\(Quantity.count(results.count, "case")): \(passed) passed\(tail)"
    }

    /// The results for programs.
    static func json(_ results: [TypeCaseResult]) -> JSONValue {
        [
            "cases": .int(results.count), "passed": .int(results.count(where: \.isPassed)),
            "failed": .int(results.count { !$0.isPassed }),
            "results": .array(
                results.map { result in
                    var object: JSONObject = [
                        "name": .string(result.testCase.name), "file": .string(result.testCase.file),
                        "line": .int(result.testCase.line), "type": .string(result.testCase.type.name),
                        "passed": .bool(result.isPassed),
                        "differences": .array(result.differences.map { .string($0) }),
                    ]
                    object["job"] = result.job?.json
                    return .object(object)
                }),
        ]
    }
}
