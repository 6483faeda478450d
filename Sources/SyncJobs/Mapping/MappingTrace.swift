// A mapping told rule by rule instead of applied: the same effects as a run's, from the same functions, put into lines. A
// rule that fails is a line with its failure, and the others go on.

extension MappingRun {
    /// What each rule would do to `before`, in the order in which the rules run; nothing where the target is deleted.
    func trace(_ before: Document?) async throws -> [FieldTrace] {
        let isInsert = isInsert(before)
        let fields = before?.fields ?? [:]
        let scope = scope(
            operation: isInsert ? .insert : .update, targetName: before?.key?.name ?? job.boundTargetName)
        guard !isEnd else {
            guard case .update(let rules) = ready.mapping.onDelete else { return [] }
            let answered = try await answering(rules, about: fields, isInsert: isInsert, in: scope)
            return rules.map { line($0, object: fields, scope: answered, isInsert: isInsert) }
        }
        let answered = try await answering(
            ready.mapping.fields, tables: ready.mapping.tables, about: fields, isInsert: isInsert, in: scope)
        return ready.mapping.fields.map { line($0, object: fields, scope: answered, isInsert: isInsert) }
            + ready.mapping.tables.flatMap { lines($0, object: fields, scope: answered) }
    }

    private func line(
        _ rule: FieldRule, in table: TableRule? = nil, pair: TablePairing.Pair? = nil, object: JSONObject,
        scope: Scope, isInsert: Bool
    ) -> FieldTrace {
        let current = object[rule.field]
        var line = FieldTrace(
            field: rule.field, table: table?.table, rowKey: pair?.key, rule: rule.origination, current: current,
            isSensitive: isSensitive(rule, in: table))
        do {
            switch try rule.effect(on: current, in: scope, isInsert: isInsert) {
            case .leave(let reason): line.note = reason.rawValue
            case .set(let value):
                line.value = value
                line.changes = !FieldComparison.areEqual(current ?? .null, value, kind: kind(of: rule, in: table))
            }
        } catch let error as RuleFailure {
            line.note = "fails: \(failure(error, in: table, row: pair?.position).message)"
        } catch { line.note = "fails: \(JobFailure(error).message)" }
        return line
    }

    private func kind(of rule: FieldRule, in table: TableRule?) -> FieldKind? {
        let shape = job.lookups.shape(of: target)
        let fields = table.map { shape.tables[$0.table]?.fields ?? [:] } ?? shape.fields
        return fields[rule.field]?.kind
    }

    private func lines(_ table: TableRule, object: JSONObject, scope: Scope) -> [FieldTrace] {
        var lines: [FieldTrace] = []
        let whole = FieldTrace(field: table.table, rule: table.origination, current: object[table.table])
        do {
            let shape = job.lookups.shape(of: target)
            guard let pairing = try TablePairing(table, object: object, scope: scope, shape: shape) else {
                var line = whole
                line.note = FieldRule.Reason.isMissing.rawValue
                return [line]
            }
            let rows = try pairing.rows { pair in
                if pair.before == nil { lines.append(newRow(pair.key, of: table)) }
                lines += table.fields.map { rule in
                    line(
                        rule, in: table, pair: pair, object: pair.before ?? [:], scope: pair.scope,
                        isInsert: pair.before == nil)
                }
                return pair.before ?? [:]
            }
            lines += pairing.existing.compactMap { row in
                guard let key = row[table.rowKey.field], !key.isNull, rows[key] == nil else { return nil }
                return goneRow(key, of: table)
            }
        } catch let error as TableRule.RowFailure {
            var line = whole
            line.note = "fails: \(failure(error.failure, in: table, row: error.row).message)"
            lines.append(line)
        } catch {
            var line = whole
            line.note = "fails: \(JobFailure(error).message)"
            lines.append(line)
        }
        return lines
    }

    private func newRow(_ key: JSONValue, of table: TableRule) -> FieldTrace {
        FieldTrace(
            field: table.rowKey.field, table: table.table, rowKey: key, rule: table.rowKey.origination, value: key,
            changes: true, isSensitive: isSensitive(table.rowKey, in: table), note: "a new row")
    }

    private func goneRow(_ key: JSONValue, of table: TableRule) -> FieldTrace {
        FieldTrace(
            field: table.rowKey.field, table: table.table, rowKey: key, rule: table.rowKey.origination, current: key,
            changes: table.removed == .delete, isSensitive: isSensitive(table.rowKey, in: table),
            note: table.removed == .delete ? "the row is gone: deleted" : "the row is gone: kept")
    }
}
