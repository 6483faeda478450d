// RFC 8259, strictly, over bytes. Ours because no library at hand keeps a number's digits, tells duplicate keys and
// holds keys of different bytes apart; a request that is read loosely is a document that is written wrongly.

/// A strict JSON parser with limits; numbers keep their digits, duplicate keys are errors.
public struct JSONParser {
    /// How deep arrays and objects may nest unless told otherwise.
    public static let defaultMaximumDepth = 100

    private var position = 0
    private var depth = 0
    private let maximumDepth: Int

    private init(maximumDepth: Int) { self.maximumDepth = maximumDepth }

    /// Parses one JSON text.
    ///
    /// - Throws: ``JSONError`` with the offset of the first offending byte.
    public static func parse(
        _ bytes: [UInt8], maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONError) -> JSONValue {
        try parse(bytes.span, maximumDepth: maximumDepth)
    }

    /// Parses one JSON text where it lies.
    ///
    /// - Throws: ``JSONError`` with the offset of the first offending byte.
    public static func parse(
        _ bytes: Span<UInt8>, maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONError) -> JSONValue {
        var parser = JSONParser(maximumDepth: maximumDepth)
        do {
            return try parser.parseText(bytes)
        } catch  where error.code == .invalidJSON {
            // "Not UTF-8" is the better reason when it is one; found only here, off the fast path.
            if let offset = Self.firstInvalidUTF8(in: bytes) {
                throw JSONError(
                    code: .invalidUTF8, offset: offset, message: "byte \(hex(bytes[offset])) is not UTF-8 text")
            }
            throw error
        }
    }

    /// Parses one JSON text.
    ///
    /// - Throws: ``JSONError`` with the offset of the first offending byte.
    public static func parse(_ text: String) throws(JSONError) -> JSONValue { try parse(Array(text.utf8)) }

    private mutating func parseText(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
        skipSpace(bytes)
        guard position < bytes.count else { throw fail("the text is empty") }
        let value = try parseValue(bytes)
        skipSpace(bytes)
        guard position == bytes.count else { throw fail("unexpected \(found(bytes)) after the end of the value") }
        return value
    }

    private mutating func parseValue(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        guard position < bytes.count else { throw fail("the text ends where a value is due") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try parseObject(bytes)
        case UInt8(ascii: "["): return try parseArray(bytes)
        case UInt8(ascii: "\""): return .string(try parseString(bytes))
        case UInt8(ascii: "-"), 0x30...0x39: return .number(try parseNumber(bytes))
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true), bytes)
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false), bytes)
        case UInt8(ascii: "n"): return try parseWord("null", .null, bytes)
        default: throw fail("unexpected \(found(bytes))")
        }
    }

    private mutating func parseWord(_ word: String, _ value: JSONValue, _ bytes: Span<UInt8>) throws(JSONError)
        -> JSONValue
    {
        let start = position
        for byte in word.utf8 where !take(byte, bytes) {
            position = start
            throw fail("unexpected \(found(bytes))")
        }
        return value
    }

    private mutating func descend(_ bytes: Span<UInt8>) throws(JSONError) {
        depth += 1
        guard depth <= maximumDepth else {
            throw JSONError(code: .tooDeep, offset: position, message: "nested deeper than \(maximumDepth) levels")
        }
        position += 1
        skipSpace(bytes)
    }

    private mutating func parseArray(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        try descend(bytes)
        defer { depth -= 1 }
        var elements: [JSONValue] = []
        if take(UInt8(ascii: "]"), bytes) { return .array(elements) }
        while true {
            elements.append(try parseValue(bytes))
            skipSpace(bytes)
            if take(UInt8(ascii: "]"), bytes) { return .array(elements) }
            guard take(UInt8(ascii: ","), bytes) else { throw fail("expected , or ] and found \(found(bytes))") }
            skipSpace(bytes)
        }
    }

    private mutating func parseObject(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        let start = position
        try descend(bytes)
        defer { depth -= 1 }
        if take(UInt8(ascii: "}"), bytes) { return .object(JSONObject()) }
        var members: [JSONObject.Member] = []
        members.reserveCapacity(8)
        while true {
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw fail("expected a key in quotes and found \(found(bytes))")
            }
            let key = try parseString(bytes)
            skipSpace(bytes)
            guard take(UInt8(ascii: ":"), bytes) else {
                throw fail("expected : after the key and found \(found(bytes))")
            }
            skipSpace(bytes)
            members.append(JSONObject.Member(key: key, value: try parseValue(bytes)))
            skipSpace(bytes)
            if take(UInt8(ascii: "}"), bytes) { break }
            guard take(UInt8(ascii: ","), bytes) else { throw fail("expected , or } and found \(found(bytes))") }
            skipSpace(bytes)
        }
        switch JSONObject.sorting(members) {
        case .success(let object): return .object(object)
        case .failure(let duplicate):
            throw JSONError(
                code: .duplicateKey, offset: start, message: "the key \"\(duplicate.key.prefix(80))\" occurs twice")
        }
    }

    private mutating func parseNumber(_ bytes: Span<UInt8>) throws(JSONError) -> JSONNumber {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let first = position
        var isInteger = true
        while position < bytes.count, Self.isNumberByte(bytes[position]) {
            isInteger = isInteger && Self.isDigit(bytes[position])
            position += 1
        }
        let text = try text(of: start..<position, bytes)
        // Plain integers, the common case, need no second look.
        if isInteger, first < position, position - start <= 18, bytes[first] != 0x30 || position - start == 1 {
            return JSONNumber(checked: text)
        }
        if let number = JSONNumber(text) { return number }
        let isGrammatical = position - start > JSONNumber.maximumBytes || Self.hasNumberShape(text)
        throw JSONError(
            code: isGrammatical ? .numberOutOfRange : .invalidJSON, offset: start,
            message: isGrammatical
                ? "a number of over \(JSONNumber.maximumBytes) digits or with an exponent beyond "
                    + "\(JSONNumber.maximumExponent) can't be carried exactly; send it as a string"
                : "\"\(text.prefix(40))\" is no JSON number")
    }

    private static func hasNumberShape(_ text: String) -> Bool {
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard let mantissa = parts.first, ExactDecimal(String(mantissa)) != nil, parts.count == 2 else { return false }
        let exponent = parts[1].first == "-" || parts[1].first == "+" ? parts[1].dropFirst() : parts[1]
        return !exponent.isEmpty && exponent.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isNumberByte(_ byte: UInt8) -> Bool { isDigit(byte) || "+-.eE".utf8.contains(byte) }

    private mutating func parseString(_ bytes: Span<UInt8>) throws(JSONError) -> String {
        position += 1
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let text = try text(of: start..<position, bytes)
                position += 1
                return text
            case UInt8(ascii: "\\"): return try parseEscapedString(from: start, bytes)
            case 0..<0x20: throw fail("a control character must be escaped in a string")
            default: position += 1
            }
        }
        throw fail("the text ends inside a string")
    }

    private func text(of range: Range<Int>, _ bytes: Span<UInt8>) throws(JSONError) -> String {
        let part = bytes.extracting(range)
        do { return String(copying: try UTF8Span(validating: part)) } catch {
            let offset = range.lowerBound + (Self.firstInvalidUTF8(in: part) ?? 0)
            throw JSONError(
                code: .invalidUTF8, offset: offset, message: "byte \(Self.hex(bytes[offset])) is not UTF-8 text")
        }
    }

    private mutating func parseEscapedString(from start: Int, _ bytes: Span<UInt8>) throws(JSONError) -> String {
        var result = try text(of: start..<position, bytes)
        var run = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                result += try text(of: run..<position, bytes)
                position += 1
                return result
            case UInt8(ascii: "\\"):
                result += try text(of: run..<position, bytes)
                result.unicodeScalars.append(try parseEscape(bytes))
                run = position
            case 0..<0x20: throw fail("a control character must be escaped in a string")
            default: position += 1
            }
        }
        throw fail("the text ends inside a string")
    }

    private mutating func parseEscape(_ bytes: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
        position += 1
        guard position < bytes.count else { throw fail("the text ends inside an escape") }
        let mark = bytes[position]
        position += 1
        switch mark {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(mark)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try parseUnicodeEscape(bytes)
        default:
            position -= 1
            throw fail("unknown escape \\ \(found(bytes))")
        }
    }

    private mutating func parseUnicodeEscape(_ bytes: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
        let first = try parseHexQuad(bytes)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw fail("half of a surrogate pair stands alone") }
        position += 2
        let second = try parseHexQuad(bytes)
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fail("half of a surrogate pair stands alone") }
        return scalar
    }

    private mutating func parseHexQuad(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw fail("the text ends inside an escape") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            switch bytes[position] {
            case let byte where (0x30...0x39).contains(byte): value = value << 4 + UInt32(byte - 0x30)
            case let byte where (0x61...0x66).contains(byte | 0x20): value = value << 4 + UInt32((byte | 0x20) - 0x57)
            default: throw fail("expected four hexadecimal digits and found \(found(bytes))")
            }
            position += 1
        }
        return value
    }

    private mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private func found(_ bytes: Span<UInt8>) -> String {
        guard position < bytes.count else { return "the end of the text" }
        let byte = bytes[position]
        return (0x21...0x7E).contains(byte) ? "\"\(Character(Unicode.Scalar(byte)))\"" : "byte \(Self.hex(byte))"
    }

    private func fail(_ message: String) -> JSONError {
        JSONError(code: .invalidJSON, offset: position, message: message)
    }

    private static func hex(_ byte: UInt8) -> String { "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    private static func firstInvalidUTF8(in bytes: Span<UInt8>) -> Int? {
        do {
            _ = try UTF8Span(validating: bytes)
            return nil
        } catch { return error.byteOffsets.lowerBound }
    }
}
