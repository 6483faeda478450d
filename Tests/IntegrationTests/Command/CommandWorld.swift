// A world as the processes see it: the ferry command on its configuration, and its files read past Ferry.
// Invariant: whatever a test lets the command say is searched for the broker's passwords.
import Foundation
import JobStore
import SyncJobs
import Testing

@testable import Ferry

extension EngineWorld {
    /// The `ferry` command on this world's configuration.
    ///
    /// - Parameter url: the broker's address; the operator's by default, as the world's topology is not the one that
    ///   the worker's user may use.
    func ferry(_ arguments: String..., input: String = "", url: String? = nil) -> Program {
        Program(
            ferryProgram, arguments, folder: folder.path, input: Array(input.utf8),
            environment: [
                "FERRY_BROKER_URL": url ?? broker.operatorURL,
                "FERRY_CONFIG": folder.appending(path: "ferry.yaml").path,
            ])
    }

    /// Runs a program to its end and expects this status of it.
    @discardableResult
    func expect(
        _ status: Int32 = 0, from program: Program, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ProgramResult {
        let result = try await program.result(within: .seconds(120))
        #expect(
            result.status == status, "\(program.description)\n\(result.errors)\(result.output)",
            sourceLocation: sourceLocation)
        expectNoPasswords(in: result, sourceLocation: sourceLocation)
        return result
    }

    /// Nothing that a program says may hold a password of the broker.
    func expectNoPasswords(in result: ProgramResult, sourceLocation: SourceLocation = #_sourceLocation) {
        let urls = [broker.operatorURL, broker.workerURL, broker.producerURL, broker.managementURL]
        let passwords = urls.compactMap { URLComponents(string: $0)?.password }
        #expect(passwords.count == urls.count, sourceLocation: sourceLocation)
        for password in passwords {
            #expect(!result.text.contains(password), "a password was printed", sourceLocation: sourceLocation)
        }
    }

    /// How many jobs have ended, over all processes on the store.
    func endedJobs() async throws -> Int {
        try await store.countJobs().filter(\.key.isEnd).values.reduce(0, +)
    }

    /// Rows of the job store, read past Ferry.
    func storeRows(_ sql: String) async throws -> String {
        try await Program("sqlite3", ["-readonly", folder.appending(path: "ferry.sqlite").path, sql]).run()
    }

    /// Runs `body` while another program holds the shop's file locked for writing.
    func whileShopIsLocked<Result>(_ body: () async throws -> Result) async throws -> Result {
        let held = folder.appending(path: "held").path
        let wait = ".shell touch '\(held)'; while [ -e '\(held)' ]; do sleep 0.02; done"
        let shop = folder.appending(path: "shop.sqlite").path
        return try await Program("sqlite3", [shop, "BEGIN IMMEDIATE", wait, "COMMIT"]).whileRunning { lock in
            try await eventually("the shop is locked") { FileManager.default.fileExists(atPath: held) }
            let result = try await body()
            try FileManager.default.removeItem(atPath: held)
            _ = try await lock.end()
            return result
        }
    }
}

extension ProgramResult {
    /// Standard output as JSON.
    ///
    /// - Throws: `JSONError` when it is none.
    var json: JSONValue { get throws { try JSONParser.parse(Array(output.utf8)) } }
}
