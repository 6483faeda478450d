// The numbers that stand for document types in rows. They never change, so what was once read from the disk is kept.
internal import GRDB
internal import SyncJobs
internal import Synchronization

/// A document type's name, compared by bytes.
struct TypeName: Hashable, Sendable {
    let system: ExactString
    let name: ExactString

    init(_ type: DocumentType) {
        system = ExactString(type.system)
        name = ExactString(type.name)
    }
}

/// The known numbers of document types.
final class DocumentTypeIDs: Sendable {
    /// Types come from the configuration; more than this many are looked up each time.
    private static let maximumCount = 10_000
    private let known = Mutex<[TypeName: Int64]>([:])

    /// The number of a type; nil when there is no document of it.
    func id(of type: TypeName, in db: Database) throws -> Int64? {
        if let id = known.withLock({ $0[type] }) { return id }
        let sql = "SELECT id FROM document_types WHERE system = ? AND name = ?"
        return try db.firstRow(sql, [type.system.text.nameValue, type.name.text.nameValue]) { $0[0] }
    }

    /// Keeps numbers that are on the disk.
    func add(_ types: [TypeName: Int64]) {
        guard !types.isEmpty else { return }
        known.withLock { known in
            if known.count < Self.maximumCount { known.merge(types) { $1 } }
        }
    }

    /// Looks up a type outside a write transaction, and keeps what is found.
    func idForReading(of type: DocumentType, in db: Database) throws -> Int64? {
        let name = TypeName(type)
        if let id = known.withLock({ $0[name] }) { return id }
        let id = try self.id(of: name, in: db)
        if let id { add([name: id]) }
        return id
    }
}

/// The types that one transaction has met: so few that to look at each is quicker than to hash a name.
struct MetDocumentTypes {
    private static let most = 8
    private var met: [(type: DocumentType, id: Int64)] = []

    /// The number of a type; what `find` answers where it was not met before.
    mutating func id(of type: DocumentType, orElse find: () throws -> Int64?) rethrows -> Int64? {
        for known in met where known.type == type { return known.id }
        guard let id = try find() else { return nil }
        if met.count < Self.most { met.append((type, id)) }
        return id
    }

    /// Forgets them, as their numbers may have been taken back.
    mutating func removeAll() { met.removeAll() }
}
