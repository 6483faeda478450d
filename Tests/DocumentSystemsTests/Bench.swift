// What the conformance suite runs on: each kind of system with one document type, "Item", on real files in a folder
// of its own that goes away with the bench.
import DocumentSystems
import FerryTesting
import Foundation
import GRDB
import JobStore
import Logging
import SyncJobs
import Testing

/// The kinds of systems that must answer alike.
enum Kind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case columns, columnsWAL, jsonColumn, embedded, memory

    var testDescription: String { rawValue }
}

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A folder of its own for each test.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "ferry-systems-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("the folder \(path) can't be removed: \(error)")
        }
    }

    func file(_ name: String) -> String { path + "/" + name }

    /// Runs statements on a file as its owner would.
    func sql(wal: Bool = false, _ statements: String) throws {
        let queue = try DatabaseQueue(path: file("app.sqlite"))
        if wal { _ = try queue.inDatabase { db in try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") } }
        try queue.inDatabase { db in try db.execute(sql: statements) }
        try queue.close()
    }

    /// The owner's own connection, which may leave a transaction open.
    func owner() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: file("app.sqlite"), configuration: configuration)
    }

    /// One value out of a file, as its owner would see it.
    func value(_ sql: String) throws -> String? {
        let queue = try DatabaseQueue(path: file("app.sqlite"))
        let value = try queue.inDatabase { db in try String.fetchOne(db, sql: sql) }
        try queue.close()
        return value
    }
}

/// One system of a kind.
struct Bench: Sendable {
    static let item = DocumentType(system: "shop", name: "Item")
    static let shape = DocumentShape(
        nameField: "sku", fields: ["active": FieldShape(kind: .bool), "tags": FieldShape(kind: .json)],
        tables: ["parts": TableShape(rowKey: "line")])

    let folder: Folder
    let system: any DocumentSystem

    init(_ kind: Kind) throws {
        folder = try Folder()
        let path = folder.file("app.sqlite")
        switch kind {
        case .embedded:
            system = EmbeddedSystem(
                name: "shop", store: try JobStore(path: path, logger: quietLogger), shapes: ["Item": Self.shape])
        case .columns, .columnsWAL:
            try folder.sql(
                wal: kind == .columnsWAL,
                """
                CREATE TABLE items (
                    sku TEXT PRIMARY KEY, label TEXT, "group" TEXT, quantity INTEGER, price TEXT, active INTEGER,
                    tags TEXT
                );
                CREATE TABLE item_parts (
                    item TEXT NOT NULL REFERENCES items(sku), line INTEGER, part TEXT, quantity INTEGER,
                    PRIMARY KEY (item, line)
                );
                CREATE INDEX items_by_label ON items(label);
                """)
            system = try SQLiteFileSystem(
                name: "shop", path: path,
                tables: [
                    "Item": SQLiteTable(
                        table: "items", nameColumn: "sku", shape: Self.shape,
                        childTables: [
                            "parts": SQLiteChildTable(table: "item_parts", parentColumn: "item", rowKey: "line")
                        ])
                ], logger: quietLogger)
        case .memory: system = MemorySystem("shop", shapes: ["Item": Self.shape])
        case .jsonColumn:
            try folder.sql("CREATE TABLE items (sku TEXT PRIMARY KEY, doc TEXT)")
            system = try SQLiteFileSystem(
                name: "shop", path: path,
                tables: ["Item": SQLiteTable(table: "items", nameColumn: "sku", jsonColumn: "doc", shape: Self.shape)],
                logger: quietLogger)
        }
    }

    func key(_ name: String) -> DocumentKey { DocumentKey(type: Self.item, name: name) }

    /// The insert of a document.
    func insertion(_ name: String, _ fields: JSONObject) throws -> DocumentWrite {
        var fields = fields
        fields["sku"] = .string(name)
        return try Self.write(from: nil, to: Document(key: key(name), fields: fields))
    }

    /// Inserts a document and answers it as it is stored.
    @discardableResult
    func insert(_ name: String, _ fields: JSONObject = [:]) async throws -> Document {
        let result = try await write(try insertion(name, fields))
        guard case .written(let receipt) = result, let stored = receipt.stored else {
            throw Unexpected(result: result)
        }
        return stored
    }

    /// The write of a change to what was read.
    func change(_ before: Document, _ change: (inout Document) -> Void) throws -> DocumentWrite {
        var after = before
        change(&after)
        return try Self.write(from: before, to: after)
    }

    func write(_ write: DocumentWrite) async throws -> WriteResult {
        try #require(try await system.write([write]).first)
    }

    func load(_ name: String) async throws -> DocumentState { try #require(try await system.load([key(name)]).first) }

    func find(_ fields: JSONObject, limit: Int = 5) async throws -> [String] {
        let query = DocumentQuery(type: Self.item, fields: fields, limit: limit)
        return try #require(try await system.find([query]).first).compactMap(\.key?.name)
    }

    static func write(
        from before: Document?, to after: Document?, type: DocumentType = item, shape: DocumentShape = shape,
        fallbackName: String = "fallback"
    ) throws -> DocumentWrite {
        DocumentWrite(
            type: type, before: before, after: after, fallbackName: fallbackName,
            diff: try Diff(from: before, to: after, shape: shape), idempotencyKey: Digest(ofParts: [fallbackName]))
    }
}

struct Unexpected: Error, CustomStringConvertible {
    let result: WriteResult
    var description: String { "\(result)" }
}

extension WriteResult {
    /// The document that was written; nil for anything else.
    var stored: Document? { if case .written(let receipt) = self { receipt.stored } else { nil } }
    var isConflict: Bool { if case .conflict = self { true } else { false } }
    var isWritten: Bool { if case .written = self { true } else { false } }
    var refusal: JobFailure? { if case .refused(let failure) = self { failure } else { nil } }
}
