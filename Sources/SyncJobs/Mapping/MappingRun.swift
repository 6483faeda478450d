// A mapping applied to one job, or to one row of its source: the target, its fields, what is written back. Lookups are
// answered first; from there on everything is pure, so that `ferry try` can tell the same things that a run does.

/// A mapping with what is known of it before any job, held once by all runs of a type.
final class ReadyMapping: Sendable {
    let mapping: Mapping
    let needs: Mapping.Needs
    let target: DocumentType

    init(_ mapping: Mapping, target: DocumentType) {
        self.mapping = mapping
        self.target = target
        needs = mapping.needs
    }
}

/// One mapping and one job.
struct MappingRun {
    let ready: ReadyMapping
    let job: JobHandle
    /// The row that the root `row` means outside of child tables; nil where there is none.
    let row: JSONObject?
    /// Whether the end of the source, or of its row, is to be synced: `on_delete` instead of the other rules.
    let isEnd: Bool

    init(_ ready: ReadyMapping, job: JobHandle, row: JSONObject? = nil, isEnd: Bool) {
        self.ready = ready
        self.job = job
        self.row = row
        self.isEnd = isEnd
    }

    var target: DocumentType { ready.target }

    // MARK: target

    /// End first (which skips `when` and `require`), then condition, requirements, binding, match.
    func plan() async throws -> TargetPlan {
        if isEnd { return .decided(try decisionOfEnd()) }
        let scope = scope(operation: job.boundTargetName == nil ? nil : .update, targetName: job.boundTargetName)
        guard ready.mapping.holds(in: scope) else { return .decided(.none(.condition)) }
        try checkRequirements(in: scope)
        if let bound = job.boundTargetName { return .decided(.update(bound)) }
        let search = TargetSearch(
            query: DocumentQuery(type: target, fields: try await matchedFields(in: scope)),
            isUpdate: job.job.request.operation == .update)
        return search.query.fields.isEmpty ? .decided(try search.decision(finding: [])) : .search(search)
    }

    private func decisionOfEnd() throws -> TargetDecision {
        let effect = try ready.mapping.effectOfEnd
        guard let bound = job.boundTargetName else { return .none(.alreadyGone) }
        switch effect {
        case .delete: return .delete(bound)
        case .keep: return .none(.sourceDeleted)
        case .update: return .update(bound)
        }
    }

    func checkRequirements(in scope: Scope) throws {
        for requirement in ready.mapping.require {
            let value = requirement.path.value(in: scope) ?? .null
            guard value.isNull || value == "" else { continue }
            throw JobFailure(
                .requiredFieldMissing, "\(requirement.path) is required, and is missing, null or empty",
                remedy: "complete the source document, then send it again")
        }
    }

    /// The fields that a target must have to be the one; none where nothing can be.
    private func matchedFields(in scope: Scope) async throws -> JSONObject {
        guard !ready.mapping.match.isEmpty else { return [:] }
        let scope = try await answering(ready.mapping.match, about: [:], isInsert: true, in: scope)
        var fields: JSONObject = [:]
        for rule in ready.mapping.match {
            do {
                // Nothing equals null: such a source matches nothing.
                guard let value = try rule.value(in: scope), !value.isNull else { return [:] }
                fields[rule.field] = value
            } catch let error as RuleFailure { throw failure(error) }
        }
        return fields
    }

    // MARK: fields

    /// Sets the fields and child tables; at an end those of `on_delete: update`.
    func update(_ document: inout Document) async throws {
        let isInsert = isInsert(document)
        let name = document.key?.name ?? job.boundTargetName
        let scope = scope(operation: isInsert ? .insert : .update, targetName: name)
        if isEnd, case .update(let rules) = ready.mapping.onDelete {
            let scope = try await answering(rules, about: document.fields, isInsert: isInsert, in: scope)
            return try apply(rules, to: &document.fields, in: scope, isInsert: isInsert)
        }
        try checkRequirements(in: scope)
        let answered = try await answering(
            ready.mapping.fields, tables: ready.mapping.tables, about: document.fields, isInsert: isInsert, in: scope)
        try apply(ready.mapping.fields, to: &document.fields, in: answered, isInsert: isInsert)
        if !ready.mapping.tables.isEmpty {
            let shape = job.lookups.shape(of: target)
            for table in ready.mapping.tables {
                do { try table.apply(to: &document.fields, in: answered, shape: shape) } catch let error
                    as TableRule.RowFailure
                { throw failure(error.failure, in: error.table, row: error.row) }
            }
        }
    }

    /// Whether `document` is a new one; its name may be known already, when the request named it.
    func isInsert(_ document: Document?) -> Bool { document?.key == nil || document?.fields.isEmpty != false }

    /// Sets the fields of `write_back` in the source; nothing at an end.
    func writeBack(_ source: inout Document, target written: DocumentKey) async throws {
        guard !ready.mapping.writeBack.isEmpty, !isEnd else { return }
        let scope = scope(operation: job.boundTargetName == nil ? nil : .update, targetName: written.name)
        let answered = try await answering(ready.mapping.writeBack, about: source.fields, isInsert: false, in: scope)
        try apply(ready.mapping.writeBack, to: &source.fields, in: answered, isInsert: false, document: job.type.source)
    }

    private func apply(
        _ rules: [FieldRule], to fields: inout JSONObject, in scope: Scope, isInsert: Bool,
        document: DocumentType? = nil
    ) throws {
        for rule in rules {
            do { try rule.apply(to: &fields, in: scope, isInsert: isInsert) } catch let error as RuleFailure {
                throw failure(error, document: document)
            }
        }
    }

    /// `scope` with the answers to everything that the rules will look up about `object`.
    func answering(
        _ rules: [FieldRule], tables: [TableRule] = [], about object: JSONObject, isInsert: Bool, in scope: Scope
    ) async throws -> Scope {
        guard ready.needs.lookups else { return scope }
        var resolution = LookupResolution()
        resolution.collect(rules, object: object, isInsert: isInsert, scope: scope)
        for table in tables { resolution.collect(table, scope: scope) }
        var scope = scope
        scope.lookups = try await resolution.answers(by: job)
        return scope
    }

    // MARK: failures

    /// The failure of the job for a rule that failed, its value masked where it may be sensitive.
    ///
    /// - Parameter document: the type that the rule's field belongs to; nil for the target's.
    func failure(
        _ error: RuleFailure, in table: TableRule? = nil, row: Int? = nil, document: DocumentType? = nil
    ) -> JobFailure {
        let failure = error.failure(
            table: table?.table, row: row, isSensitive: isSensitive(error.rule, in: table, document: document))
        guard case .lookup(let lookup) = error.rule.origin, error.code == .lookupMissing,
            let names = LookupCircle.names(from: job.type, through: lookup.type.text, type: job.services.type)
        else { return failure }
        return JobFailure(
            failure.code, "\(failure.message); the types wait for each other: \(names.joined(separator: " → "))",
            remedy: "if the two documents name each other, write missing: null on one side; else: \(failure.remedy)",
            disposition: failure.disposition)
    }

    /// Whether the field that the rule sets, or anything that the rule reads, is declared sensitive.
    func isSensitive(_ rule: FieldRule, in table: TableRule? = nil, document: DocumentType? = nil) -> Bool {
        let shape = job.lookups.shape(of: document ?? target)
        let fields = table.map { shape.tables[$0.table]?.fields ?? [:] } ?? shape.fields
        if fields[rule.field]?.isSensitive == true { return true }
        let source = job.lookups.shape(of: job.type.source)
        return rule.paths.contains { path in
            guard let field = path.fields.first else { return false }
            switch path.root {
            case .source: return source.fields[field]?.isSensitive == true || source.tables[field] != nil
            case .row:
                let rows = (table?.from ?? ready.mapping.relay?.each)?.fields.first.flatMap { source.tables[$0] }
                return rows?.fields[field]?.isSensitive == true
            case .context, .job, .document: return false
            }
        }
    }
}
