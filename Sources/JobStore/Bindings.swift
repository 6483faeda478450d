// Bindings in rows. They change only in a job's commit, which compares the source's version first.
internal import GRDB
public import SyncJobs

enum BindingRow {
    private static let keyCondition =
        "source_name = ? AND type_slug = ? AND key = ? AND source_type = ? AND source_system = ?"
    private static let select = """
        SELECT target_system, target_type, target_name, is_deleted, version_order, source_version, sent_hash,
            stored_hash
        FROM bindings WHERE \(keyCondition)
        """
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
            let targetType = DocumentType(system: try columns.text(), name: try columns.text())
            let target = DocumentKey(type: targetType, name: try columns.text())
            let isDeleted = try columns.bool()
            let version = try columns.version()
            let sentHash = try columns.optionalDigest()
            return Binding(
                key: key, target: target, isDeleted: isDeleted, sourceVersion: version, sentHash: sentHash,
                storedHash: try columns.optionalDigest())
        }
    }

    /// Whether a source of a later version than the binding's was applied already.
    static func isStale(_ binding: Binding, in db: Database) throws -> Bool {
        guard let version = binding.sourceVersion else { return false }
        let sql = "SELECT version_order, source_version, is_deleted FROM bindings WHERE \(keyCondition)"
        let stored = try db.firstRow(sql, keyValues(binding.key)) { row in
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
}
