// A look at some values of one field: what all of them have in common. Pure; it keeps counts, never a value.
internal import SyncJobs

/// What the values of a field look like, null and missing ones left out.
struct FieldSample: Sendable, Hashable {
    /// How many values were looked at.
    private(set) var count = 0
    private var truths = 0
    private var zeroesAndOnes = 0
    private var integers = 0
    private var numbers = 0
    private var places = 0
    private var instants = 0
    private var localTimes = 0
    private var dates = 0
    private var jsonTexts = 0
    private var textsThatAreNoJSON = 0
    private var nested = 0

    /// Looks at one value.
    mutating func add(_ value: JSONValue) {
        if value.isNull { return }
        count += 1
        switch value {
        case .bool: truths += 1
        case .number(let number):
            numbers += 1
            guard let integer = number.int64 else {
                places = max(places, Self.places(of: number.decimal))
                break
            }
            integers += 1
            if integer == 0 || integer == 1 { zeroesAndOnes += 1 }
        case .string(let text): add(text: text)
        case .array, .object: nested += 1
        case .null: break
        }
    }

    /// Looks at a text; of one that is cut, the beginning has to do.
    mutating func add(beginning text: String) {
        count += 1
        if text.hasPrefix("{") || text.hasPrefix("[") { jsonTexts += 1 }
    }

    private mutating func add(text: String) {
        let json = Result(catching: { try JSONParser.parse(text) })
        switch json {
        case .failure: textsThatAreNoJSON += 1
        case .success(.array), .success(.object): jsonTexts += 1
        case .success: break
        }
        if Timestamp(text) != nil {
            instants += 1
        } else if Timestamp(text + "Z") != nil {
            localTimes += 1
        } else if Timestamp(text + "T00:00:00Z") != nil {
            dates += 1
        }
    }

    private static func places(of value: ExactDecimal) -> Int { max(0, value.digits.count - value.exponent) }

    /// Whether all values are points in time.
    var isTime: Bool { count > 0 && instants + localTimes == count }
    /// Whether all of them carry their offset.
    var areInstants: Bool { count > 0 && instants == count }

    /// The kind that all values have; nil when they differ or are plain text.
    var kind: FieldKind? {
        switch count {
        case 0: nil
        case truths: .bool
        case zeroesAndOnes where count >= 3: .bool
        case integers: .integer
        case numbers where places <= 6: .decimal(places: places)
        case nested + jsonTexts: .json
        case instants + localTimes: .timestamp
        case dates: .date
        default: nil
        }
    }

    /// The kind, when declaring it makes a difference: a value that is a boolean, a whole number, a date or an object
    /// already is read as one.
    var kindWorthDeclaring: FieldKind? {
        switch kind {
        case .bool: truths == count ? nil : .bool
        case .json: jsonTexts == 0 ? nil : .json
        case .integer, .text, .date, nil: nil
        case let kind?: kind
        }
    }

    /// Why a column's declared kind can't be right; nil when its values fit, or there are none.
    func objection(to kind: FieldKind) -> String? {
        switch kind {
        case .json: textsThatAreNoJSON > 0 ? "not all of its values are JSON" : nil
        case .timestamp: numbers > 0 ? "its values are numbers" : nil
        case .bool: numbers > zeroesAndOnes ? "its values are not only 0 and 1" : nil
        case .date: count > dates ? "not all of its values are dates" : nil
        default: nil
        }
    }
}
