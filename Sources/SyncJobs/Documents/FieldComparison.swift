// When two values of a field are the same value. Undeclared fields compare as JSON does (numbers by exact value, text by
// bytes); a declared kind adds what is meant by it and nothing else.

/// Equality of field values under a declared kind.
public enum FieldComparison {
    /// Whether `old` and `new` are one value for a field of this kind.
    public static func areEqual(_ old: JSONValue, _ new: JSONValue, kind: FieldKind?) -> Bool {
        if old == new { return true }
        if old.isNull || new.isNull { return false }
        switch kind {
        case nil, .date, .json: return false
        case .text: return same(old, new) { $0.writtenText.map { ExactString($0) } }
        case .integer: return same(old, new) { number($0).map { JSONValue.number($0) } }
        case .decimal(let places): return same(old, new) { number($0).map { $0.decimal.rounded(toPlaces: places) } }
        case .bool: return same(old, new, truth)
        case .timestamp: return same(old, new) { $0.stringValue.flatMap { Timestamp($0) } }
        }
    }

    private static func same<Value: Equatable>(
        _ old: JSONValue, _ new: JSONValue, _ read: (JSONValue) -> Value?
    ) -> Bool {
        guard let left = read(old), let right = read(new) else { return false }
        return left == right
    }

    private static func number(_ value: JSONValue) -> JSONNumber? {
        value.numberValue ?? value.stringValue.flatMap { JSONNumber($0) }
    }

    private static func truth(_ value: JSONValue) -> Bool? {
        switch value {
        case .bool(let value): value
        case .number(let number): number.int64 == 0 ? false : number.int64 == 1 ? true : nil
        default: nil
        }
    }
}
