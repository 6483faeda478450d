// A SQLite file as its owner made it, with one document type on the table that a test gives.
import DocumentSystems
import SyncJobs
import Testing

struct SQLiteBench: Sendable {
    static let type = DocumentType(system: "shop", name: "Thing")

    let folder: Folder
    let system: SQLiteFileSystem
    let shape: DocumentShape

    /// Makes the file with `schema` and opens it with `table` as the layout of "Thing".
    init(
        _ schema: String, _ table: SQLiteTable, wal: Bool = false, maximumDocumentBytes: Int = 1 << 20,
        busyTimeout: Duration = .seconds(10)
    ) throws {
        folder = try Folder()
        shape = table.shape
        try folder.sql(wal: wal, schema)
        system = try SQLiteFileSystem(
            name: "shop", path: folder.file("app.sqlite"), tables: ["Thing": table],
            maximumDocumentBytes: maximumDocumentBytes, busyTimeout: busyTimeout, logger: quietLogger)
    }

    func key(_ name: String) -> DocumentKey { DocumentKey(type: Self.type, name: name) }

    func load(_ name: String) async throws -> Document? {
        try #require(try await system.load([key(name)]).first).document
    }

    func insert(_ fields: JSONObject, name: String? = nil) async throws -> WriteResult {
        let document = Document(key: name.map { key($0) }, fields: fields)
        return try #require(
            try await system.write([Bench.write(from: nil, to: document, type: Self.type, shape: shape)]).first)
    }

    func update(_ before: Document, _ change: JSONObject) async throws -> WriteResult {
        let after = Document(key: before.key, fields: change)
        return try #require(
            try await system.write([Bench.write(from: before, to: after, type: Self.type, shape: shape)]).first)
    }

    func delete(_ before: Document) async throws -> WriteResult {
        try #require(try await system.write([Bench.write(from: before, to: nil, type: Self.type, shape: shape)]).first)
    }

    func find(_ fields: JSONObject) async throws -> [String] {
        let found = try await system.find([DocumentQuery(type: Self.type, fields: fields)])
        return try #require(found.first).compactMap(\.key?.name)
    }

    /// The failure of loading a document that can't be carried.
    func loadFailure(_ name: String) async throws -> JobFailure? {
        await #expect(throws: JobFailure.self) { try await system.load([key(name)]) }
    }
}
