// The files of contracts/, as this checkout has them.

import Foundation
import SyncJobs
import Testing

enum ContractFiles {
    /// The folder, found from this file.
    static let folder: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.appendingPathComponent("contracts").path
    }()

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
    }

    static func json(_ name: String) throws -> JSONValue { try JSONParser.parse(try bytes(name)) }

    static func schema(_ name: String) throws -> SchemaValidator {
        SchemaValidator(root: try #require(try json(name).objectValue))
    }
}
