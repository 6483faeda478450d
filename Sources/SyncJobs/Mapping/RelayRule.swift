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
            guard keys.insert(ExactString(key)).inserted else { throw duplicate }
            rows.append(Row(key: key, fields: fields))
        }
        return rows
    }

    /// What became of one row.
    enum Search {
        /// It is there, and counts.
        case found(JSONObject)
        /// There is no such row that counts.
        case missing
        /// The rows are missing or null, which leaves all targets alone.
        case unsaid

        /// The row's fields; nil without one.
        var fields: JSONObject? { if case .found(let fields) = self { fields } else { nil } }
    }

    /// Looks for the row with the key `wanted`, without regard to what the others are like.
    ///
    /// - Parameter source: the document whose rows they are: where many look into it, its rows are indexed once.
    /// - Throws: ``JobFailure`` as ``rows(in:)``, of this row alone.
    func row(_ wanted: String, in scope: Scope, of source: Document?) throws(JobFailure) -> Search {
        guard let value = each.value(in: scope), !value.isNull else { return .unsaid }
        func index() throws(JobFailure) -> RowIndex {
            guard let rows = value.rows else {
                throw JobFailure(
                    .coercionFailed, "\(each) is no list of rows", remedy: "correct the source, or relay another field")
            }
            return RowIndex(rows, key: key)
        }
        let isOfSource = each.root == .source && key.root == .row
        let rows: RowIndex
        if isOfSource, let facts = source?.facts {
            rows = try facts.value("rows of \(each) by \(key)", index)
        } else {
            rows = try index()
        }
        let counting = rows[wanted].filter { fields in
            var rowScope = scope
            rowScope.row = fields
            return when?.isTrue(in: rowScope) ?? true
        }
        guard counting.count < 2 else { throw duplicate }
        return counting.first.map { .found($0) } ?? .missing
    }

    private var duplicate: JobFailure {
        JobFailure(
            .duplicateRowKey, "two rows of \(each) have the same \(key)",
            remedy: "correct the rows, or tell them apart by another key")
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

/// Rows by their key; one without a usable key is nobody's.
private struct RowIndex: Sendable {
    private let rows: [JSONObject]
    private var positions: [ExactString: [Int]] = [:]

    init(_ rows: [JSONObject], key: Path) {
        self.rows = rows
        var scope = Scope()
        for (position, row) in rows.enumerated() {
            scope.row = row
            guard let text = key.value(in: scope)?.rowKeyText else { continue }
            positions[ExactString(text), default: []].append(position)
        }
    }

    subscript(key: String) -> [JSONObject] { (positions[ExactString(key)] ?? []).map { rows[$0] } }
}

extension JSONValue {
    /// The text of a row's key: a whole number has one spelling, however it is written.
    fileprivate var rowKeyText: String? {
        if let number = numberValue?.int64 { return String(number) }
        return nameText
    }
}
