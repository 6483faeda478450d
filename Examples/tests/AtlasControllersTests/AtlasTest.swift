// What the tests of the three controllers share: the types as ferry.yaml has them, so that a mistake there fails a test.

import AtlasControllers
import Ferry
import FerryTesting
import Foundation
import Testing

/// A test of the configured types on documents in memory, with a folder of its own for exports.
final class AtlasTest: Sendable {
    let sync: SyncTest
    let exports: String

    init() throws {
        exports = NSTemporaryDirectory() + "atlas-" + UUID().uuidString
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "ferry.yaml").path
        let configuration = try FerryConfiguration.load(
            path: file, environment: ["FERRY_BROKER_URL": "amqp://127.0.0.1"],
            controllers: Atlas.controllers(exports: exports))
        sync = try SyncTest(types: configuration.types.all, shapes: configuration.shapes)
    }

    deinit {
        // A test that exported nothing has no folder.
        try? FileManager.default.removeItem(atPath: exports)
    }
}
