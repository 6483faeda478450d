// Bindings in rows. They change only in a job's commit, which compares the source's version first.
internal import GRDB
public import SyncJobs

enum BindingRow {
    private static let keyCondition =
        "source_name = ? AND type_slug = ? AND key = ? AND source_type = ? AND source_system = ?"
    private static let content = """
        target_system, target_type, target_name, is_deleted, version_order, source_version, sent_hash, stored_hash
        """
    private static let select = "SELECT \(content) FROM bindings WHERE \(keyCondition)"
    /// Stores a binding in place of what was there; a run that knows no version leaves the fence where it stands.
    static let upsert = """
        INSERT INTO bindings (
            source_name, type_slug, key, source_type, source_system, target_system, target_type, target_name,
            is_deleted, version_order, source_version, sent_hash, stored_hash, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET
            target_system = excluded.target_system, target_type = excluded.target_type,
            target_name = excluded.target_name, is_deleted = excluded.is_deleted,
            version_order = coalesce(excluded.version_order, version_order),
            source_version = coalesce(excluded.source_version, source_version),
            sent_hash = excluded.sent_hash, stored_hash = excluded.stored_hash, updated_at = excluded.updated_at
        """

    private static func keyValues(_ key: BindingKey) -> [DatabaseValue] {
        [
            key.source.name.nameValue, key.typeSlug.nameValue, key.key.nameValue, key.source.type.name.nameValue,
            key.source.type.system.nameValue,
        ]
    }

    /// The binding of `key`; nil when there is none.
    static func binding(_ key: BindingKey, in db: Database) throws -> Binding? {
        try db.firstRow(select, keyValues(key)) { row in
            var columns = ColumnReader(row)
            return try binding(of: key, from: &columns)
        }
    }

    /// The binding in a row whose next columns are those of `content`.
    private static func binding(of key: BindingKey, from columns: inout ColumnReader) throws -> Binding {
        let targetType = DocumentType(system: try columns.text(), name: try columns.text())
        let target = DocumentKey(type: targetType, name: try columns.text())
        let isDeleted = try columns.bool()
        let version = try columns.version()
        let sentHash = try columns.optionalDigest()
        return Binding(
            key: key, target: target, isDeleted: isDeleted, sourceVersion: version, sentHash: sentHash,
            storedHash: try columns.optionalDigest())
    }

    /// All bindings that meet `condition`.
    static func bindings(_ condition: String, _ arguments: [DatabaseValue], in db: Database) throws -> [Binding] {
        let sql = """
            SELECT source_name, type_slug, key, source_type, source_system, \(content) FROM bindings WHERE \(condition)
            """
        return try db.allRows(sql, arguments) { row in
            var columns = ColumnReader(row)
            let sourceName = try columns.text()
            let typeSlug = try columns.text()
            let key = try columns.text()
            let typeName = try columns.text()
            let source = DocumentKey(type: DocumentType(system: try columns.text(), name: typeName), name: sourceName)
            return try binding(of: BindingKey(typeSlug: typeSlug, source: source, key: key), from: &columns)
        }
    }

    /// Removes the binding of a source that was renamed.
    static func remove(_ key: BindingKey, in context: WriteContext) throws {
        try context.execute("DELETE FROM bindings WHERE \(keyCondition)", keyValues(key))
    }

    /// Whether a source of a later version than the binding's was applied already, where the binding is or, for a renamed
    /// source, where it was.
    static func isStale(_ binding: Binding, renamedFrom old: BindingKey?, in db: Database) throws -> Bool {
        if try isStale(binding, against: binding.key, in: db) { return true }
        return try old.map { try isStale(binding, against: $0, in: db) } ?? false
    }

    private static func isStale(_ binding: Binding, against key: BindingKey, in db: Database) throws -> Bool {
        guard let version = binding.sourceVersion else { return false }
        let sql = "SELECT version_order, source_version, is_deleted FROM bindings WHERE \(keyCondition)"
        let stored = try db.firstRow(sql, keyValues(key)) { row in
            var columns = ColumnReader(row)
            return (version: try columns.version(), isDeleted: try columns.bool())
        }
        guard let stored, let fence = stored.version, !(stored.isDeleted && binding.isNewIncarnation) else {
            return false
        }
        return version.isOlder(than: fence)
    }

    /// The columns' values for `upsert`.
    static func values(of binding: Binding, at time: Timestamp) -> [DatabaseValue] {
        keyValues(binding.key) + [
            binding.target.type.system.nameValue, binding.target.type.name.nameValue, binding.target.name.nameValue,
            binding.isDeleted.databaseValue, binding.sourceVersion?.order.rawValue.databaseValue ?? .null,
            (binding.sourceVersion?.text).nameValue, binding.sentHash?.columnValue ?? .null,
            binding.storedHash?.columnValue ?? .null, time.columnValue,
        ]
    }
}

extension JobStore {
    /// The binding of `key`, tombstones included; nil when there is none.
    ///
    /// - Throws: ``JobStoreError``.
    public func binding(_ key: BindingKey) async throws(JobStoreError) -> Binding? {
        try await read("binding") { db in try BindingRow.binding(key, in: db) }
    }

    /// All bindings of a source document, tombstones included, in byte order of their keys.
    ///
    /// - Throws: ``JobStoreError``.
    public func bindings(typeSlug: String, source: DocumentKey) async throws(JobStoreError) -> [Binding] {
        let found = try await read("bindings") { db in
            try BindingRow.bindings(
                "source_name = ? AND type_slug = ? AND source_type = ? AND source_system = ?",
                [
                    source.name.nameValue, typeSlug.nameValue, source.type.name.nameValue,
                    source.type.system.nameValue,
                ], in: db)
        }
        return found.sorted { $0.key.key.precedesByBytes($1.key.key) }
    }

    /// The bindings to a target document, tombstones included: which sources were synced into it.
    ///
    /// - Throws: ``JobStoreError``.
    public func bindings(target: DocumentKey) async throws(JobStoreError) -> [Binding] {
        try await read("bindings") { db in
            try BindingRow.bindings(
                "target_name = ? AND target_type = ? AND target_system = ?",
                [target.name.nameValue, target.type.name.nameValue, target.type.system.nameValue], in: db)
        }
    }
}
