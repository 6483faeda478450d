// The sync logic of a declarative type: a mapping applied to a job. The only doors to the outside are the job's own:
// find candidates for `match`, ask for a declared shape.

/// Runs a ``Mapping``.
public struct MappingController: SingleTargetController {
    /// The plan.
    public let mapping: Mapping
    /// The target's system and type, in which `match` searches.
    public let target: DocumentType
    /// True.
    public var isDeclarative: Bool { true }
    let readsJobRoot: Bool

    /// Makes a controller for a type that syncs into `target`.
    public init(mapping: Mapping, target: DocumentType) {
        self.mapping = mapping
        self.target = target
        readsJobRoot = mapping.readsJob
    }

    /// Delete first (which skips `when` and `require`), then condition, requirements, binding, match.
    ///
    /// - Throws: ``JobFailure``: `required_field_missing`, `ambiguous_match`, `target_not_found` for an update of nothing,
    ///   and what a rule of `match` fails with.
    public func target(for job: JobHandle) async throws -> TargetDecision {
        if job.isDelete { return try targetOfDelete(job) }
        let scope = scope(
            of: job, operation: job.boundTargetName == nil ? nil : .update, targetName: job.boundTargetName)
        if let when = mapping.when, !when.expression.isTrue(in: scope) { return .none(.condition) }
        try checkRequirements(in: scope)
        if let bound = job.boundTargetName { return .update(bound) }
        if let found = try await matchedName(job, in: scope) { return .update(found) }
        guard job.job.request.operation != .update else {
            throw JobFailure(
                .targetNotFound, "an update is asked for, and no target is bound or matched",
                remedy: "send the request without operation, so that the target is inserted")
        }
        return .insert()
    }

    /// Sets the fields and child tables; after a delete of the source, those of `on_delete: update`.
    ///
    /// - Throws: ``JobFailure``, permanent: `required_field_missing`, `coercion_failed`, `unmapped_value`,
    ///   `missing_row_key`, `duplicate_row_key`, `invalid_target`.
    public func update(_ target: inout Document, for job: JobHandle) async throws {
        // An insert begins with an empty document; its name may be known already, when the request named it.
        let isInsert = target.key == nil || target.fields.isEmpty
        let scope = scope(
            of: job, operation: isInsert ? .insert : .update, targetName: target.key?.name ?? job.boundTargetName)
        if job.isDelete, case .update(let rules) = mapping.onDelete {
            try apply(rules, to: &target.fields, in: scope, isInsert: isInsert, job: job)
            return
        }
        try checkRequirements(in: scope)
        try apply(mapping.fields, to: &target.fields, in: scope, isInsert: isInsert, job: job)
        guard !mapping.tables.isEmpty else { return }
        let shape = job.lookups.shape(of: self.target)
        for table in mapping.tables {
            do { try table.apply(to: &target.fields, in: scope, shape: shape) } catch let error as TableRule.RowFailure
            {
                throw error.failure.failure(
                    table: table.table, row: error.row,
                    isSensitive: isSensitive(error.failure.rule, in: table, job: job))
            }
        }
    }

    private func targetOfDelete(_ job: JobHandle) throws -> TargetDecision {
        guard let onDelete = mapping.onDelete else {
            throw JobFailure.permanent(
                "the source was deleted, and the type does not say what that means for its target",
                remedy: "add on_delete: delete, keep or {update: …} to the type, then send it again")
        }
        guard let bound = job.boundTargetName else { return .none(.alreadyGone) }
        switch onDelete {
        case .delete: return .delete(bound)
        case .keep: return .none(.sourceDeleted)
        case .update: return .update(bound)
        }
    }

    private func checkRequirements(in scope: Scope) throws {
        for requirement in mapping.require {
            let value = requirement.path.value(in: scope) ?? .null
            guard value.isNull || value == "" else { continue }
            throw JobFailure(
                .requiredFieldMissing, "\(requirement.path) is required, and is missing, null or empty",
                remedy: "complete the source document, then send it again")
        }
    }

    private func matchedName(_ job: JobHandle, in scope: Scope) async throws -> String? {
        guard !mapping.match.isEmpty else { return nil }
        var fields: JSONObject = [:]
        for rule in mapping.match {
            do {
                // Nothing equals null: such a source matches nothing.
                guard let value = try rule.value(in: scope), !value.isNull else { return nil }
                fields[rule.field] = value
            } catch let failure as RuleFailure {
                throw failure.failure(table: nil, row: nil, isSensitive: isSensitive(failure.rule, in: nil, job: job))
            }
        }
        let found = try await job.lookups.find(DocumentQuery(type: target, fields: fields))
        let names = found.compactMap { $0.key?.name }
        guard names.count > 1 else { return names.first }
        let shown = names.prefix(5).map { JSONValue.string($0).shortText }.joined(separator: ", ")
        throw JobFailure(
            .ambiguousMatch,
            "\(fields.keys.joined(separator: ", ")) matches \(names.count) or more documents of \(target): \(shown)",
            remedy: "merge them, or match by fields that only one document has")
    }

    private func apply(
        _ rules: [FieldRule], to fields: inout JSONObject, in scope: Scope, isInsert: Bool, job: JobHandle
    ) throws {
        for rule in rules {
            do { try rule.apply(to: &fields, in: scope, isInsert: isInsert) } catch let failure as RuleFailure {
                throw failure.failure(table: nil, row: nil, isSensitive: isSensitive(rule, in: nil, job: job))
            }
        }
    }

    /// Whether the target field or anything that the rule reads is declared sensitive.
    private func isSensitive(_ rule: FieldRule, in table: TableRule?, job: JobHandle) -> Bool {
        let targetShape = job.lookups.shape(of: target)
        let targetFields = table.map { targetShape.tables[$0.table]?.fields ?? [:] } ?? targetShape.fields
        if targetFields[rule.field]?.isSensitive == true { return true }
        let sourceShape = job.lookups.shape(of: job.type.source)
        return rule.paths.contains { path in
            guard let field = path.fields.first else { return false }
            switch path.root {
            case .source: return sourceShape.fields[field]?.isSensitive == true || sourceShape.tables[field] != nil
            case .row:
                let rows = table?.from.fields.first.flatMap { sourceShape.tables[$0] }
                return rows?.fields[field]?.isSensitive == true
            case .context, .job, .document: return false
            }
        }
    }
}
