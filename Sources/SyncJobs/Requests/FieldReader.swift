// Reading a message's fields by name and type: the first thing that is wrong is said with the field, what was found and
// what belongs there.

/// The fields that a message may have.
struct FieldNames: CustomStringConvertible {
    private let list: [String]
    /// The names by their length: few have the same.
    private let byLength: [[String]]

    init(_ list: [String]) {
        self.list = list
        let longest = list.map(\.utf8.count).max() ?? 0
        byLength = (0...longest).map { length in list.filter { $0.utf8.count == length } }
    }

    func contains(_ field: String) -> Bool {
        let length = field.utf8.count
        return length < byLength.count && byLength[length].contains { $0.hasSameBytes(as: field) }
    }

    var description: String { list.joined(separator: ", ") }
}

/// Reads the fields of one JSON object and refuses what is of the wrong kind.
struct FieldReader {
    private let object: JSONObject
    /// The lengths of the object's keys, a bit for each below 64: most fields that are left out are told by theirs.
    private let lengths: UInt64

    init(_ object: JSONObject) {
        self.object = object
        lengths = object.members.reduce(0) { $0 | Self.bit($1.key) }
    }

    private static func bit(_ field: String) -> UInt64 { 1 << UInt64(field.utf8.count & 63) }

    /// What is said in a field; nil where it is left out, or null.
    private func value(_ field: String) -> JSONValue? {
        guard lengths & Self.bit(field) != 0, let value = object[field], !value.isNull else { return nil }
        return value
    }

    func string(_ field: String, maximumBytes: Int = 16_384) throws(JobFailure) -> String? {
        guard let value = value(field) else { return nil }
        guard let text = value.stringValue else { throw wrong(field, value, "a string") }
        guard text.utf8.count <= maximumBytes else {
            throw JobFailure(
                .invalidField, "\"\(field)\" is \(text.utf8.count) bytes long; at most \(maximumBytes) are taken",
                remedy: "send a shorter \"\(field)\"")
        }
        return text
    }

    func bool(_ field: String) throws(JobFailure) -> Bool? {
        guard let value = value(field) else { return nil }
        guard let flag = value.boolValue else { throw wrong(field, value, "true or false") }
        return flag
    }

    func object(_ field: String) throws(JobFailure) -> JSONObject? {
        guard let value = value(field) else { return nil }
        guard let nested = value.objectValue else { throw wrong(field, value, "an object") }
        return nested
    }

    func count(_ field: String, maximum: Int64) throws(JobFailure) -> Int? {
        guard let value = value(field) else { return nil }
        guard let number = value.numberValue?.int64, number >= 0, number <= maximum else {
            throw wrong(field, value, "a whole number from 0 to \(maximum)")
        }
        return Int(number)
    }

    func duration(_ field: String) throws(JobFailure) -> Duration? {
        guard let value = value(field) else { return nil }
        guard let text = value.stringValue, let duration = Duration(text: text) else {
            throw wrong(field, value, "a duration with its unit, such as \"30s\", \"5m\" or \"2h\"")
        }
        guard duration <= .seconds(366 * 86_400) else { throw wrong(field, value, "a duration of at most 366d") }
        return duration
    }

    /// A version: a string, or a number as written.
    func version(_ field: String) throws(JobFailure) -> String? {
        guard let value = value(field) else { return nil }
        guard let text = value.nameText else { throw wrong(field, value, "a string or a number") }
        return text
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ field: String, _ read: (String) -> Choice?
    ) throws(JobFailure) -> Choice? where Choice.RawValue == String {
        guard let value = value(field) else { return nil }
        guard let text = value.stringValue, let choice = read(text) else {
            throw wrong(field, value, "one of " + Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))
        }
        return choice
    }

    func timestamp(_ field: String) throws(JobFailure) -> String? {
        guard let text = try string(field) else { return nil }
        guard Timestamp(text) != nil else { throw wrong(field, .string(text), "an RFC 3339 time with its offset") }
        return text
    }

    func refuseUnknown(among known: FieldNames, in message: String) throws(JobFailure) {
        for position in object.members.indices where !known.contains(object.members[position].key) {
            throw JobFailure(
                .unknownField, "\(message) has no field \"\(object.members[position].key.prefix(80))\"",
                remedy: "known fields: \(known); free data belongs into \"context\"")
        }
    }

    func wrong(_ field: String, _ value: JSONValue, _ expected: String) -> JobFailure {
        JobFailure(
            .invalidField, "\"\(field)\" is \(value.kind) that is not taken here", remedy: "send \(expected)")
    }
}
