// The rule for one child table: rows of the source are paired with rows of the target by the row key. The result holds
// whole rows, in the target's order, so that nothing but what the rules name ever changes.

/// The rule for one child table of the target.
struct TableRule: Sendable {
    /// What happens to target rows whose source row is gone.
    enum Removed: String, Sendable, CaseIterable { case delete, keep }

    var table: String
    var from: Path
    var rowKey: FieldRule
    var when: Expression?
    var removed: Removed
    var fields: [FieldRule]
    var line: Int
    var place: String

    /// A failure in one row of the table.
    struct RowFailure: Error {
        let failure: RuleFailure
        let table: TableRule
        let row: Int
    }

    /// Sets the table; a missing or null source leaves it alone.
    ///
    /// - Throws: ``RowFailure``, or ``JobFailure`` (permanent) when rows can't be read or paired.
    func apply(to object: inout JSONObject, in scope: Scope, shape: DocumentShape) throws {
        guard let pairing = try TablePairing(self, object: object, scope: scope, shape: shape) else { return }
        var mapped = try pairing.rows { pair in
            var row = pair.before ?? [rowKey.field: pair.key]
            for rule in fields { try rule.apply(to: &row, in: pair.scope, isInsert: pair.before == nil) }
            return row
        }
        var result: [JSONValue] = []
        for row in pairing.existing {
            let key = row[rowKey.field] ?? .null
            if key.isNull {
                // A row without a key never came from here: it is somebody's own.
                result.append(.object(row))
            } else if let after = mapped.take(key) {
                result.append(.object(after))
            } else if removed == .keep {
                result.append(.object(row))
            }
        }
        result += mapped.remaining.map { .object($0) }
        object[table] = .array(result)
    }
}
