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
    }

    /// The one that was used last comes last.
    private let entries = Mutex<[Entry]>([])

    /// The document of `key` whose fields have this hash, as it was read before; nil when it is not kept.
    func document(_ key: DocumentKey, hash: Digest) -> Document? {
        entries.withLock { entries in
            guard let position = entries.firstIndex(where: { $0.hash == hash && $0.document.key == key }) else {
                return nil
            }
            let entry = entries.remove(at: position)
            entries.append(entry)
            return entry.document
        }
    }

    /// Keeps a document, in place of what it was before.
    func keep(_ document: Document, hash: Digest, bytes: Int) {
        entries.withLock { entries in
            entries.removeAll { $0.document.key == document.key }
            var total = entries.reduce(bytes) { $0 + $1.bytes }
            while total > Self.maximumBytes, !entries.isEmpty { total -= entries.removeFirst().bytes }
            entries.append(Entry(hash: hash, bytes: bytes, document: document))
        }
    }
}

extension DocumentRow {
    private static let selectState = JobStatement(
        "SELECT \(columns), hash FROM documents WHERE name = ? AND type_id = ?")

    /// What is known of a document; a large one that was read before, and is as it was, is not parsed again.
    static func state(
        of key: DocumentKey, types: DocumentTypeIDs, large: LargeDocuments, in db: Database,
        _ statements: StatementShelf
    ) throws -> DocumentState {
        guard let typeID = try types.idForReading(of: key.type, in: db) else { return .absent }
        return try statements.firstRow(selectState, typeID, arguments: { $0.add(name: key.name) }) { row in
            var columns = ColumnReader(row)
            let text = try columns.bytes()
            let version = try columns.version()
            let isDeleted = try columns.bool()
            let hash = try columns.digest()
            var document: Document
            let isLarge = text.count >= LargeDocuments.minimumBytes
            if isLarge, let known = large.document(key, hash: hash) {
                document = known
                if known.version != version { document.version = version }
            } else {
                document = Document(
                    key: key, fields: try columns.object(text), version: version, storedWith: hash,
                    byteCount: text.count)
                if isLarge { large.keep(document, hash: hash, bytes: text.count) }
            }
            return isDeleted ? .deleted(document) : .present(document)
        } ?? .absent
    }
}
