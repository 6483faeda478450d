// Large documents that were read lately, parsed. A relay of 10,000 rows is one document that 10,000 jobs look into; to parse
// it for each would cost more than their work. Invariant: an entry is used only where the row still has its hash.
internal import GRDB
internal import SyncJobs
internal import Synchronization

/// Parsed documents by key and hash; smaller ones are parsed anew each time.
final class LargeDocuments: Sendable {
    /// From this size of its JSON on a document is kept.
    static let minimumBytes = 64 << 10
    /// How much JSON is kept; parsed it takes some ten times as much.
    ///
    /// One document is kept whatever its size.
    static let maximumBytes = 4 << 20

    private struct Entry {
        let hash: Digest
        let bytes: Int
        let document: Document
        /// The entry that was used last has the highest.
        var use: Int
    }

    private struct Kept {
        var entries: [DocumentKey: Entry] = [:]
        var uses = 0
    }

    private let kept = Mutex(Kept())

    /// The document of `key` as it was read before, and the hash that its fields had; nil when it is not kept.
    func document(_ key: DocumentKey) -> (document: Document, hash: Digest)? {
        kept.withLock { kept in
            guard !kept.entries.isEmpty, let entry = kept.entries[key] else { return nil }
            kept.uses += 1
            kept.entries[key]?.use = kept.uses
            return (entry.document, entry.hash)
        }
    }

    /// Keeps a document, in place of what it was before.
    func keep(_ document: Document, as key: DocumentKey, hash: Digest, bytes: Int) {
        kept.withLock { kept in
            kept.entries[key] = nil
            var total = kept.entries.values.reduce(bytes) { $0 + $1.bytes }
            while total > Self.maximumBytes, let oldest = kept.entries.min(by: { $0.value.use < $1.value.use }) {
                total -= oldest.value.bytes
                kept.entries[oldest.key] = nil
            }
            kept.uses += 1
            kept.entries[key] = Entry(hash: hash, bytes: bytes, document: document, use: kept.uses)
        }
    }
}

extension DocumentRow {
    private static let selectState = JobStatement(
        "SELECT \(columns), hash FROM documents WHERE name = ? AND type_id = ?")
    private static let selectUnchanged = JobStatement(
        "SELECT version_order, version, is_deleted FROM documents WHERE name = ? AND hash = ? AND type_id = ?")

    /// What is known of a document; a large one that was read before, and is as it was, is not read and parsed again.
    static func state(
        of key: DocumentKey, types: DocumentTypeIDs, large: LargeDocuments, in db: Database,
        _ statements: StatementShelf
    ) throws -> DocumentState {
        guard let typeID = try statements.typeID(of: key.type, among: types) else { return .absent }
        if let known = large.document(key), let state = try unchanged(known, key, typeID: typeID, statements) {
            return state
        }
        return try statements.firstRow(selectState, typeID, arguments: { $0.add(name: key.name) }) { row in
            var columns = ColumnReader(row)
            let bytes = columns.byteCount
            let fields = try columns.object()
            let version = try columns.version()
            let isDeleted = try columns.bool()
            let hash = try columns.digest()
            let document = Document(
                key: key, fields: fields, version: version, storedWith: hash, byteCount: bytes)
            if bytes >= LargeDocuments.minimumBytes { large.keep(document, as: key, hash: hash, bytes: bytes) }
            return document.state(version, isDeleted: isDeleted)
        } ?? .absent
    }

    /// The state of a document whose fields are those that are known; nil where they are others now.
    private static func unchanged(
        _ known: (document: Document, hash: Digest), _ key: DocumentKey, typeID: Int64, _ statements: StatementShelf
    ) throws -> DocumentState? {
        try statements.firstRow(
            selectUnchanged, typeID,
            arguments: { row in
                row.add(name: key.name)
                row.add(known.hash)
            }
        ) { row in
            var columns = ColumnReader(row)
            let version = try columns.version()
            return known.document.state(version, isDeleted: try columns.bool())
        }
    }
}

extension Document {
    fileprivate func state(_ version: DocumentVersion?, isDeleted: Bool) -> DocumentState {
        var document = self
        if document.version != version { document.version = version }
        return isDeleted ? .deleted(document) : .present(document)
    }
}
