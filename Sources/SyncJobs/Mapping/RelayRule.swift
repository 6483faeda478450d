// The rule by which one source document has a target for each of its rows. A row is known by its key as text, which is
// the key of its binding and of its child job; that is why a key must be there, and be one row's only.

/// The rule `relay:`.
struct RelayRule: Sendable {
    /// What happens to the target of a row that is gone.
    enum Removed: String, Sendable, CaseIterable {
        case onDelete = "on_delete"
        case keep
    }

    /// Where the rows stand.
    var each: Path
    /// Where a row's key stands.
    var key: Path
    var when: Expression?
    var removed: Removed
    var line: Int
    var place: String

    /// A row that counts.
    struct Row {
        let key: String
        let fields: JSONObject
    }

    /// The rows that count, in the source's order; nil when they are missing or null, which leaves all targets alone.
    ///
    /// - Throws: ``JobFailure``, permanent: `coercion_failed` for what is no list of rows or no usable key,
    ///   `missing_row_key`, `duplicate_row_key`.
    func rows(in scope: Scope) throws(JobFailure) -> [Row]? {
        guard let value = each.value(in: scope), !value.isNull else { return nil }
        guard let objects = value.rows else {
            throw JobFailure(
                .coercionFailed, "\(each) is no list of rows", remedy: "correct the source, or relay another field")
        }
        var rows: [Row] = []
        var keys: Set<ExactString> = []
        for fields in objects {
            var rowScope = scope
            rowScope.row = fields
            if let when, !when.isTrue(in: rowScope) { continue }
            let key = try key(in: rowScope)
            guard keys.insert(ExactString(key)).inserted else {
                throw JobFailure(
                    .duplicateRowKey, "two rows of \(each) have the same \(self.key)",
                    remedy: "correct the rows, or tell them apart by another key")
            }
            rows.append(Row(key: key, fields: fields))
        }
        return rows
    }

    private func key(in scope: Scope) throws(JobFailure) -> String {
        guard let value = key.value(in: scope), !value.isNull, value != "" else {
            throw JobFailure(
                .missingRowKey, "a row of \(each) has no \(key)",
                remedy: "give every row its key, or leave such rows out with when:")
        }
        guard let text = value.rowKeyText, text.utf8.count <= SyncRequest.maximumKeyBytes else {
            throw JobFailure(
                .coercionFailed,
                "a row of \(each) has a \(key) that is no text or number of at most \(SyncRequest.maximumKeyBytes) bytes",
                remedy: "correct the source, or tell the rows apart by another key")
        }
        return text
    }
}

extension JSONValue {
    /// The text of a row's key: a whole number has one spelling, however it is written.
    fileprivate var rowKeyText: String? {
        if let number = numberValue?.int64 { return String(number) }
        return nameText
    }
}
