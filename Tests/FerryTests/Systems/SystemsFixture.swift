// A configuration with a SQLite file of somebody else's in a folder of its own.

import Foundation
import GRDB
import Logging

@testable import Ferry

/// Swift Testing has an `ExitStatus` too; here there is only one.
typealias CommandStatus = ExitStatus

enum SystemsFixture {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Makes `shop.sqlite` with `schema` and `ferry.yaml` with `configuration`, runs `body` on the folder, removes all.
    static func with<Result>(
        _ schema: String, configuration: String = "", _ body: (_ folder: String) async throws -> Result
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let queue = try DatabaseQueue(path: "\(folder)/shop.sqlite")
        try await queue.write { db in try db.execute(sql: schema) }
        try queue.close()
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: "\(folder)/ferry.yaml"))
        do {
            let result = try await body(folder)
            try FileManager.default.removeItem(atPath: folder)
            return result
        } catch {
            try FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }
}
