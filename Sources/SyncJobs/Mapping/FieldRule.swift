// Where the value of one target field comes from. The order is fixed: origin → as → map → using → default; `only` says
// whether the rule applies at all. Null passes through as, map and using; a missing path leaves the target's field alone.
// Rules are pure: what a lookup found stands in the scope.

/// A registered pure function of `using:`.
///
/// Null and missing values never reach it. What it throws fails the job for good, naming the field; a ``JobFailure``
/// goes on as it says itself.
public typealias MappingFunction = @Sendable (JSONValue) throws -> JSONValue

/// The rule for one target field.
///
/// A class, because each job looks at every rule of its type.
final class FieldRule: Sendable {
    enum Origin: Sendable, Hashable {
        case path(Path)
        case constant(JSONValue)
        case text(Template)
        case lookup(Lookup)
    }

    /// When the rule applies.
    enum Limit: String, Sendable, CaseIterable {
        /// Only to new documents or rows.
        case insert
        /// Only where the target's field is missing, null or "".
        case empty
    }

    struct ValueMap: Sendable {
        enum Otherwise: String, Sendable, CaseIterable { case fail, keep, null }
        var entries: [(key: String, value: JSONValue)]
        var otherwise: Otherwise
        private let positions: [ExactString: Int]

        init(_ entries: [(key: String, value: JSONValue)], otherwise: Otherwise) {
            self.entries = entries
            self.otherwise = otherwise
            positions = Dictionary(
                entries.enumerated().map { (ExactString($1.key), $0) }, uniquingKeysWith: { first, _ in first })
        }

        subscript(value: JSONValue) -> JSONValue? {
            value.writtenText.flatMap { positions[ExactString($0)] }.map { entries[$0].value }
        }
    }

    let field: String
    let origin: Origin
    let conversions: [Conversion]
    let map: ValueMap?
    let using: (name: String, function: MappingFunction)?
    let fallback: JSONValue?
    let limit: Limit?
    let line: Int
    let place: String

    init(
        field: String, origin: Origin, conversions: [Conversion] = [], map: ValueMap? = nil,
        using: (name: String, function: MappingFunction)? = nil, fallback: JSONValue? = nil, limit: Limit? = nil,
        line: Int, place: String
    ) {
        self.field = field
        self.origin = origin
        self.conversions = conversions
        self.map = map
        self.using = using
        self.fallback = fallback
        self.limit = limit
        self.line = line
        self.place = place
    }

    /// The paths it reads.
    var paths: [Path] {
        switch origin {
        case .path(let path): [path]
        case .constant: []
        case .text(let template): template.paths
        case .lookup(let lookup): [lookup.key]
        }
    }

    /// What the rule does to a field.
    enum Effect: Sendable, Hashable {
        case set(JSONValue)
        case leave(Reason)
    }

    /// Why a field is left alone, in the words that `ferry try` shows.
    enum Reason: String, Sendable {
        case isUpdate = "only on insert: not applied"
        case isNotEmpty = "only where the target has nothing: not applied"
        case isMissing = "missing: left alone"
        case isSameSet = "the same set: the target's order stays"
    }

    /// Whether the rule applies, given the field's value in the target.
    func applies(isInsert: Bool, current: JSONValue?) -> Bool {
        reasonNotToApply(isInsert: isInsert, current: current) == nil
    }

    private func reasonNotToApply(isInsert: Bool, current: JSONValue?) -> Reason? {
        switch limit {
        case .insert where !isInsert: .isUpdate
        case .empty where !(current == nil || current == .null || current == ""): .isNotEmpty
        default: nil
        }
    }

    /// The value for the target; nil leaves the field alone.
    ///
    /// - Throws: ``RuleFailure``, or a ``JobFailure`` of the registered function.
    func value(in scope: Scope) throws -> JSONValue? {
        guard var value = try read(scope) else { return fallback }
        if !value.isNull {
            for conversion in conversions {
                guard let converted = conversion.apply(to: value) else {
                    throw RuleFailure(
                        rule: self, code: .coercionFailed, problem: "is not \(conversion.expectation)", value: value,
                        remedy: "correct the source, or convert it otherwise with as: or using:")
                }
                value = converted
                if value.isNull { break }
            }
        }
        if !value.isNull, let map { value = try mapped(value, by: map) }
        if !value.isNull, let using { value = try call(using.function, named: using.name, with: value) }
        if value.isNull, let fallback { return fallback }
        return value
    }

    /// What the rule does to a field that holds `current`.
    ///
    /// - Throws: as `value(in:)`.
    func effect(on current: JSONValue?, in scope: Scope, isInsert: Bool) throws -> Effect {
        if let reason = reasonNotToApply(isInsert: isInsert, current: current) { return .leave(reason) }
        guard let value = try value(in: scope) else { return .leave(.isMissing) }
        // A set has no order: the target may keep its own.
        if conversions.contains(.set), let current, Conversion.set.apply(to: current) == value {
            return .leave(.isSameSet)
        }
        return .set(value)
    }

    /// Sets the field if the rule applies and has a value.
    ///
    /// - Throws: as `value(in:)`.
    func apply(to object: inout JSONObject, in scope: Scope, isInsert: Bool) throws {
        let current = object[field]
        guard case .set(let value) = try effect(on: current, in: scope, isInsert: isInsert) else { return }
        // Mostly the target has it already: to set it would copy what it holds together with its image before.
        if let current, current.isWritten(like: value) { return }
        object[field] = value
    }

    private func read(_ scope: Scope) throws -> JSONValue? {
        switch origin {
        case .path(let path): path.value(in: scope)
        case .constant(let value): value
        case .text(let template): .string(template.text(in: scope))
        case .lookup(let lookup): try found(lookup, in: scope)
        }
    }

    private func found(_ lookup: Lookup, in scope: Scope) throws -> JSONValue {
        let key = lookup.key.value(in: scope) ?? .null
        let question: LookupQuestion?
        do { question = try lookup.question(key) } catch {
            throw RuleFailure(
                rule: self, code: .coercionFailed, problem: "is no document's name", value: key,
                remedy: "look up by a field that holds the name of a source document of \"\(lookup.type)\"")
        }
        guard let question else { return .null }
        if let name = scope.lookups[question] { return .string(name) }
        guard lookup.missing != .null else { return .null }
        throw RuleFailure(
            rule: self, code: .lookupMissing, problem: "has no target by \"\(lookup.type)\" yet", value: key,
            remedy: lookup.missing == .retry
                ? "it is tried again; sync that document by \"\(lookup.type)\", or write missing: null"
                : "sync that document by \"\(lookup.type)\" first, then retry this job",
            disposition: lookup.missing == .retry ? .retryable(after: nil) : .permanent)
    }

    private func mapped(_ value: JSONValue, by map: ValueMap) throws -> JSONValue {
        if let mapped = map[value] { return mapped }
        switch map.otherwise {
        case .keep: return value
        case .null: return .null
        case .fail:
            throw RuleFailure(
                rule: self, code: .unmappedValue, problem: "is not in the map", value: value,
                remedy: "add it to map:, or say otherwise: keep or null")
        }
    }

    private func call(_ function: MappingFunction, named name: String, with value: JSONValue) throws -> JSONValue {
        do { return try function(value) } catch let failure as JobFailure { throw failure } catch {
            // Its text is not shown: it may hold the value.
            throw RuleFailure(
                rule: self, code: .coercionFailed,
                problem: "is refused by the function \"\(name)\" (\(type(of: error)))",
                value: value, remedy: "correct the source, or the function")
        }
    }
}

/// A rule that failed on a value.
///
/// It becomes a ``JobFailure`` where it is known whether the value may be shown.
struct RuleFailure: Error {
    let rule: FieldRule
    let code: JobFailure.Code
    let problem: String
    let value: JSONValue
    let remedy: String
    var disposition = JobFailure.Disposition.permanent

    /// The failure of the job; `table` is the target's child table, if the field is in one.
    func failure(table: String?, row: Int?, isSensitive: Bool) -> JobFailure {
        let field = table.map { "\($0).\(rule.field)" } ?? rule.field
        let shown = isSensitive ? "•••" : value.shortText
        let position = row.map { " in row \($0 + 1)" } ?? ""
        return JobFailure(
            code, "the field \"\(field)\"\(position): \(shown) \(problem)", remedy: remedy, disposition: disposition)
    }
}

extension JSONValue {
    /// Canonical JSON cut to what a message may hold.
    var shortText: String {
        let text = canonicalText
        return text.count <= 60 ? text : text.prefix(60) + "…"
    }
}
