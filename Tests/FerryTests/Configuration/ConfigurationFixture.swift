// Configurations as text, read without files: what they say, or what is said about them, word for word.

import Foundation
import SyncJobs
import Testing

@testable import Ferry

enum ConfigurationFixture {
    static func read(
        _ text: String, environment: [String: String] = [:], file: String = "ferry.yaml",
        controllers: [String: any SyncController] = [:]
    ) throws(ConfigurationError) -> FerryConfiguration {
        try FerryConfiguration.read(Array(text.utf8), file: file, environment: environment, controllers: controllers)
    }

    /// What is said about `text`, as it is printed; empty when there is nothing to say.
    static func problems(_ text: String, environment: [String: String] = [:]) -> String {
        do {
            _ = try read(text, environment: environment)
            return ""
        } catch { return error.description }
    }

    /// The tree of `text`, which must be free of problems.
    static func tree(_ text: String, environment: [String: String] = [:]) throws -> ConfigNode {
        let document = YAMLDocument(
            Array(text.utf8), references: ReferenceExpansion(environment: environment, folder: "."))
        try #require(document.problems.isEmpty, "\(document.problems)")
        return document.root
    }

    /// A folder of its own, removed at the end.
    static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let result = Swift.Result { try body(folder) }
        try FileManager.default.removeItem(atPath: folder)
        return try result.get()
    }
}

/// A controller that does nothing.
struct IdleController: SingleTargetController {
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}
