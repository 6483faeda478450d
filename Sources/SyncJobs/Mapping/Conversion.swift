// The conversions of `as:`. Exact: a number's digits never pass through a Double, a date never through a zone. What can't
// be converted for certain fails and is never guessed.

/// One conversion of a value; null never comes here.
enum Conversion: Sendable, Hashable {
    case trim, lower, upper, lines, nfc, text, integer, bool, date, timestamp, set, json
    case decimal(places: Int)

    /// What is known, as it is written.
    static let names = [
        "trim", "lower", "upper", "lines", "nfc", "text", "integer", "decimal(2)", "bool", "date", "timestamp", "set",
        "json",
    ]

    /// The most places of a decimal.
    static let maximumPlaces = 30

    private static let plain: [String: Conversion] = [
        "trim": .trim, "lower": .lower, "upper": .upper, "lines": .lines, "nfc": .nfc, "text": .text,
        "integer": .integer, "bool": .bool, "date": .date, "timestamp": .timestamp, "set": .set, "json": .json,
    ]

    init?(_ text: String) {
        if let plain = Self.plain[text] {
            self = plain
        } else if let places = Self.places(inDecimal: text) {
            self = .decimal(places: places)
        } else {
            return nil
        }
    }

    /// The places of `decimal(2)`; nil for anything else.
    static func places(inDecimal text: String) -> Int? {
        guard text.hasPrefix("decimal("), text.hasSuffix(")") else { return nil }
        let digits = text.dropFirst("decimal(".count).dropLast()
        guard digits.utf8.allSatisfy(ExpressionLexer.isDigit), let places = Int(digits), places <= maximumPlaces else {
            return nil
        }
        return places
    }

    /// The converted value; nil when it can't be converted.
    func apply(to value: JSONValue) -> JSONValue? {
        switch self {
        case .trim: Self.mapText(value) { $0.trimmingWhiteSpace }
        case .lower: Self.mapText(value) { $0.lowercased() }
        case .upper: Self.mapText(value) { $0.uppercased() }
        case .lines: Self.mapText(value) { $0.withUnixLines }
        case .nfc: Self.mapText(value) { $0.composed }
        case .text: value.writtenText.map { .string($0) }
        case .integer: Self.integer(value)
        case .decimal(let places): Self.decimal(value, places: places)
        case .bool: Self.bool(value)
        case .date: Self.date(value)
        case .timestamp: value.stringValue.flatMap { Timestamp($0) }.map { .string($0.description) }
        case .set: Self.set(value)
        case .json: Self.json(value)
        }
    }

    /// What the value would have to be, for the message.
    var expectation: String {
        switch self {
        case .trim, .lower, .upper, .lines, .nfc: "a text"
        case .text: "a value"
        case .integer: "a whole number"
        case .decimal: "a decimal number"
        case .bool: "true, false, 0 or 1"
        case .date: "a calendar date such as 2026-11-21"
        case .timestamp: "an RFC 3339 time with its offset"
        case .set: "a list of scalars"
        case .json: "JSON"
        }
    }

    var name: String { if case .decimal(let places) = self { "decimal(\(places))" } else { "\(self)" } }

    /// Text is changed; numbers and truth values, which have no case and no spaces, pass.
    private static func mapText(_ value: JSONValue, _ change: (String) -> String) -> JSONValue? {
        switch value {
        case .string(let text): .string(change(text))
        case .number, .bool: value
        default: nil
        }
    }

    /// A number, or text of one: leading zeros and a plus sign, which JSON does not know, are taken.
    private static func number(_ value: JSONValue) -> JSONNumber? {
        if let number = value.numberValue { return number }
        guard let text = value.stringValue else { return nil }
        let isNegative = text.hasPrefix("-")
        let unsigned = isNegative || text.hasPrefix("+") ? text.dropFirst() : Substring(text)
        let whole = unsigned.prefix { $0.isASCII && $0.isWholeNumber }
        guard !whole.isEmpty else { return nil }
        let significant = whole.drop { $0 == "0" }
        let rest = unsigned.dropFirst(whole.count)
        return JSONNumber((isNegative ? "-" : "") + (significant.isEmpty ? "0" : significant) + rest)
    }

    private static func integer(_ value: JSONValue) -> JSONValue? {
        if let truth = value.boolValue { return truth ? 1 : 0 }
        guard let decimal = number(value)?.decimal else { return nil }
        guard decimal.exponent >= decimal.digits.count, decimal.exponent < JSONNumber.maximumBytes else { return nil }
        return JSONNumber(decimal.rounded(toPlaces: 0)).map { .number($0) }
    }

    private static func decimal(_ value: JSONValue, places: Int) -> JSONValue? {
        guard let decimal = number(value)?.decimal, decimal.exponent < JSONNumber.maximumBytes else { return nil }
        return JSONNumber(decimal.rounded(toPlaces: places)).map { .number($0) }
    }

    private static func bool(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .bool: value
        case .number(let number): number.int64 == 0 ? false : number.int64 == 1 ? true : nil
        case .string(let text): ["0": false, "1": true, "false": false, "true": true][text.lowercased()]
        default: nil
        }
    }

    /// The date as written, of a date or an instant; never moved to another zone.
    private static func date(_ value: JSONValue) -> JSONValue? {
        guard let text = value.stringValue else { return nil }
        if Timestamp(text + "T00:00:00Z") != nil { return .string(text) }
        guard Timestamp(text) != nil || Timestamp(text + "Z") != nil else { return nil }
        return .string(String(text.prefix(10)))
    }

    private static func set(_ value: JSONValue) -> JSONValue? {
        guard let elements = value.arrayValue else { return nil }
        guard elements.allSatisfy({ $0.arrayValue == nil && $0.objectValue == nil }) else { return nil }
        var seen: Set<JSONValue> = []
        let distinct = elements.filter { seen.insert($0).inserted }
        return .array(distinct.sorted { $0.canonicalText.precedesByBytes($1.canonicalText) })
    }

    /// Text is read as JSON; anything else is JSON already.
    private static func json(_ value: JSONValue) -> JSONValue? {
        guard let text = value.stringValue else { return value }
        do { return try JSONParser.parse(text) } catch { return nil }
    }
}
