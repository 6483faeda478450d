// Programs of other people, and our own as a process: run to their end, or killed.
import Foundation

/// How a program ended.
struct CommandResult: Sendable {
    let status: Int32
    let output: String
    let errors: String
}

/// Runs a program to its end and answers what it printed.
///
/// - Throws: ``NeverHappened`` with its error output when it ends with another status than 0.
@discardableResult
func run(
    _ program: String, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
) async throws -> String {
    let result = try await runToEnd(program, arguments, input: input, environment: environment)
    guard result.status == 0 else {
        throw NeverHappened(
            description:
                "\(program) \(arguments.first ?? "") ended with \(result.status): \(result.errors)\(result.output)")
    }
    return result.output
}

/// Runs a program to its end, however it ends.
func runToEnd(
    _ program: String, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
) async throws -> CommandResult {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-command-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let files = ["in", "out", "err"].map { folder.appending(path: $0) }
    try Data(input).write(to: files[0])
    for file in files.dropFirst() { try Data().write(to: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    let status = try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int32, any Error>) in
        process.terminationHandler = { done.resume(returning: $0.terminationStatus) }
        do {
            try process.run()
        } catch {
            process.terminationHandler = nil
            done.resume(throwing: error)
        }
    }
    let texts = try files.dropFirst().map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    try FileManager.default.removeItem(at: folder)
    return CommandResult(status: status, output: texts[0], errors: texts[1])
}

/// The `ferry` that this test run was built with.
var ferryProgram: String {
    PrivateBroker.repository.appending(path: ".build/debug/ferry").path
}
