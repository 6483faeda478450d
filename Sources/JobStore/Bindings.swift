// Bindings in rows. They change only in a job's commit, which compares the source's version first.
internal import GRDB
public import SyncJobs

enum BindingRow {
    private static let keyCondition =
        "source_name = ? AND type_slug = ? AND key = ? AND source_type = ? AND source_system = ?"
    private static let content = """
        target_system, target_type, target_name, is_deleted, version_order, source_version, sent_hash, stored_hash
        """
    private static let select = JobStatement("SELECT \(content) FROM bindings WHERE \(keyCondition)")
    private static let delete = JobStatement("DELETE FROM bindings WHERE \(keyCondition)")
    /// Stores a binding in place of what was there; a run that knows no version leaves the fence where it stands.
    private static let upsert = JobStatement(
        """
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
        """)
    /// The same for a binding that is known to be there with this target: its entry in the index of targets is not
    /// written again.
    private static let updateSameTarget = JobStatement(
        """
        UPDATE bindings SET
            is_deleted = ?9, version_order = coalesce(?10, version_order),
            source_version = coalesce(?11, source_version), sent_hash = ?12, stored_hash = ?13, updated_at = ?14
        WHERE source_name = ?1 AND type_slug = ?2 AND key = ?3 AND source_type = ?4 AND source_system = ?5
        """)

    /// How many of the values are the binding's own; the fence that a run has read stands behind them.
    private static let ownCount = 14
    private static let isAsRead = """
        target_system = ?6 AND target_type = ?7 AND target_name = ?8 AND is_deleted = ?15 AND version_order IS ?16
            AND source_version IS ?17
        """
    /// The same where the stored one still has the target and the fence that were read.
    private static let updateAsRead = JobStatement("\(updateSameTarget.sql) AND \(isAsRead)")
    /// Whether it still has them, where nothing else changes.
    private static let selectAsRead = JobStatement(
        """
        SELECT 1 FROM bindings
        WHERE source_name = ?1 AND type_slug = ?2 AND key = ?3 AND source_type = ?4 AND source_system = ?5
            AND \(isAsRead)
        """)

    /// How a binding stands to what is stored.
    enum Standing {
        /// A later version of the source was applied already.
        case stale
        /// It is stored as it is.
        case same
        /// It is stored with the same target.
        case sameTarget
        /// It is stored with another target.
        case otherTarget
        /// It is not stored: a first contact.
        case new

        /// The statement that stores it; nil where nothing is to be written.
        var store: JobStatement? {
            switch self {
            case .stale, .same: nil
            case .sameTarget: updateSameTarget
            case .otherTarget, .new: upsert
            }
        }
    }

    static func keyValues(_ key: BindingKey) -> [DatabaseValue] {
        [
            key.source.name.nameValue, key.typeSlug.nameValue, key.key.nameValue, key.source.type.name.nameValue,
            key.source.type.system.nameValue,
        ]
    }

    private static func row(_ key: BindingKey) -> RowValues {
        var row = RowValues(columns: 14, bytes: 300)
        add(key, to: &row)
        return row
    }

    private static func add(_ key: BindingKey, to row: inout RowValues) {
        row.add(name: key.source.name)
        row.add(name: key.typeSlug)
        row.add(name: key.key)
        row.add(name: key.source.type.name)
        row.add(name: key.source.type.system)
    }

    /// The binding of `key`; nil when there is none.
    static func binding(_ key: BindingKey, in db: Database) throws -> Binding? {
        try binding(key, in: StatementShelf(db))
    }

    /// The same where many are looked up.
    static func binding(_ key: BindingKey, in statements: StatementShelf) throws -> Binding? {
        try statements.firstRow(select, arguments: { add(key, to: &$0) }) { row in
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

    private static let wholeColumns = "source_name, type_slug, key, source_type, source_system, \(content)"
    private static let selectOfSource = JobStatement(
        """
        SELECT \(wholeColumns) FROM bindings
        WHERE source_name = ? AND type_slug = ? AND source_type = ? AND source_system = ?
        """)
    private static let selectOfTarget = JobStatement(
        "SELECT \(wholeColumns) FROM bindings WHERE target_name = ? AND target_type = ? AND target_system = ?")

    /// All bindings of a source document.
    static func bindings(typeSlug: String, source: DocumentKey, in statements: StatementShelf) throws -> [Binding] {
        try bindings(selectOfSource, in: statements) { row in
            row.add(name: source.name)
            row.add(name: typeSlug)
            row.add(name: source.type.name)
            row.add(name: source.type.system)
        }
    }

    /// All bindings to a target document.
    static func bindings(target: DocumentKey, in statements: StatementShelf) throws -> [Binding] {
        try bindings(selectOfTarget, in: statements) { row in
            row.add(name: target.name)
            row.add(name: target.type.name)
            row.add(name: target.type.system)
        }
    }

    private static func bindings(
        _ select: JobStatement, in statements: StatementShelf, arguments: (inout RowValues) -> Void
    ) throws -> [Binding] {
        var bindings: [Binding] = []
        try statements.eachRow(select, arguments: arguments) { row in
            var columns = ColumnReader(row)
            let sourceName = try columns.text()
            let typeSlug = try columns.text()
            let key = try columns.text()
            let typeName = try columns.text()
            let source = DocumentKey(type: DocumentType(system: try columns.text(), name: typeName), name: sourceName)
            let bindingKey = BindingKey(typeSlug: typeSlug, source: source, key: key)
            bindings.append(try binding(of: bindingKey, from: &columns))
            return true
        }
        return bindings
    }

    /// Removes the binding of a source that was renamed.
    static func remove(_ key: BindingKey, in context: WriteContext) throws {
        try context.statements.run(delete, row(key))
    }

    /// Compares a binding with what is stored where it is or, for a renamed source, where it was.
    static func standing(
        of binding: Binding, renamedFrom old: BindingKey?, in statements: StatementShelf
    ) throws -> Standing {
        if let old, let stored = try self.binding(old, in: statements), standing(of: binding, to: stored) == .stale {
            return .stale
        }
        return try self.binding(binding.key, in: statements).map { standing(of: binding, to: $0) } ?? .new
    }

    /// Without a version a source is older than nothing.
    private static func standing(of binding: Binding, to stored: Binding) -> Standing {
        if let fence = stored.sourceVersion, let version = binding.sourceVersion,
            !(stored.isDeleted && binding.isNewIncarnation), version.isOlder(than: fence)
        {
            return .stale
        }
        guard stored.target == binding.target else { return .otherTarget }
        let isSame =
            stored.sentHash == binding.sentHash && stored.storedHash == binding.storedHash
            && stored.isDeleted == binding.isDeleted
            && (binding.sourceVersion ?? stored.sourceVersion) == stored.sourceVersion
        return isSame ? .same : .sameTarget
    }

    /// How a binding stands to what the run has read, where that decides as long as it is stored; nil where it doesn't: another
    /// target is bound, or a later version was applied.
    static func standing(of binding: Binding, asRead read: Binding) -> Standing? {
        let standing = standing(of: binding, to: read)
        return binding.key == read.key && (standing == .same || standing == .sameTarget) ? standing : nil
    }

    /// Stores a binding in place of what was read, where that is still stored; answers whether it is.
    static func store(_ values: RowValues, _ standing: Standing, asReadIn statements: StatementShelf) throws -> Bool {
        guard standing == .same else { return try statements.run(updateAsRead, values) > 0 }
        return try statements.firstRow(selectAsRead, values) { _ in true } ?? false
    }

    /// Stores a binding, unless it is there as it is.
    static func store(_ values: RowValues, _ standing: Standing, in statements: StatementShelf) throws {
        if let statement = standing.store { try statements.run(statement, values, first: ownCount) }
    }

    /// Whether another source of the type is bound to the target of a binding.
    ///
    /// - Parameter old: the binding that it takes over; nil for none.
    static func isTargetTaken(
        from binding: Binding, renamedFrom old: BindingKey?, in statements: StatementShelf
    ) throws -> Bool {
        try bindings(target: binding.target, in: statements).contains {
            !$0.isDeleted && $0.key.typeSlug == binding.key.typeSlug && $0.key != binding.key && $0.key != old
        }
    }

    /// The columns' values, the key's first, and the fence of what the run has read behind them, if there is one.
    static func values(of binding: Binding, inPlaceOf read: Binding? = nil, at time: Timestamp) -> RowValues {
        var row = RowValues(columns: 17, bytes: 400)
        add(binding.key, to: &row)
        row.add(name: binding.target.type.system)
        row.add(name: binding.target.type.name)
        row.add(name: binding.target.name)
        row.add(binding.isDeleted)
        row.add(text: binding.sourceVersion?.order.rawValue)
        row.add(name: binding.sourceVersion?.text)
        row.add(binding.sentHash)
        row.add(binding.storedHash)
        row.add(time)
        if let read {
            row.add(read.isDeleted)
            row.add(text: read.sourceVersion?.order.rawValue)
            row.add(name: read.sourceVersion?.text)
        }
        return row
    }
}

extension Binding {
    /// Takes what the write has come to; unless that is news, it is shared with its copies.
    mutating func settle(_ target: DocumentKey, isDeleted: Bool) {
        if self.target != target { self.target = target }
        if self.isDeleted != isDeleted { self.isDeleted = isDeleted }
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
            try BindingRow.bindings(typeSlug: typeSlug, source: source, in: StatementShelf(db))
        }
        return found.sorted { $0.key.key.precedesByBytes($1.key.key) }
    }

    /// The bindings to a target document, tombstones included: which sources were synced into it.
    ///
    /// - Throws: ``JobStoreError``.
    public func bindings(target: DocumentKey) async throws(JobStoreError) -> [Binding] {
        try await bindings(targets: [target])[0]
    }

    /// The bindings to each of these documents, in one read transaction; answers in the order of `targets`.
    ///
    /// - Throws: ``JobStoreError``.
    public func bindings(targets: [DocumentKey]) async throws(JobStoreError) -> [[Binding]] {
        try await read("bindings") { db in
            let statements = StatementShelf(db)
            return try targets.map { try BindingRow.bindings(target: $0, in: statements) }
        }
    }
}
