// What a target would hold if it had stored exactly what it was sent. Its hash beside that of what is really there tells a
// target that normalises (cuts, trims, numbers rows) from one that somebody changed; else its answer would be a diff anew in
// each run.

extension DocumentShape {
    /// `stored`, as the target answered, with the values of `sent`, as they were written.
    ///
    /// Rows of declared child tables are taken together by their row key and keep what the target added to them; rows that
    /// were not sent are left out. The order is the target's, as a mapping keeps it.
    public func fields(sent: JSONObject, storedAs stored: JSONObject) -> JSONObject {
        var result = stored
        for member in sent {
            guard let table = tables[member.key], let sentRows = member.value.rows, let rows = stored[member.key]?.rows
            else {
                result[member.key] = member.value
                continue
            }
            result[member.key] = .array(table.rows(sent: sentRows, storedAs: rows).map { .object($0) })
        }
        return result
    }
}

extension TableShape {
    fileprivate func rows(sent: [JSONObject], storedAs stored: [JSONObject]) -> [JSONObject] {
        var byKey = KeyedRowList(kind: fields[rowKey]?.kind)
        var others: [JSONObject] = []
        for row in sent {
            // Rows without a key are somebody's own: they were sent as they are there.
            guard let key = row[rowKey], !key.isNull else { continue }
            if !byKey.add(row, key: key) { others.append(row) }
        }
        let kept = stored.compactMap { row -> JSONObject? in
            guard let key = row[rowKey], !key.isNull else { return row }
            return byKey.take(key).map { sent in
                var row = row
                for member in sent { row[member.key] = member.value }
                return row
            }
        }
        return kept + byKey.remaining + others
    }
}
