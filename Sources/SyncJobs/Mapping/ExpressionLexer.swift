// From text to tokens, for paths and expressions alike. Over bytes, so that names are what was written and nothing that
// Unicode holds to be equal.

/// A token of an expression.
enum ExpressionToken: Hashable {
    /// A name with its segments: `source.email`; keywords are names of one plain segment.
    case name([String], isPlain: Bool)
    /// A text literal.
    case text(String)
    /// A number literal.
    case number(JSONNumber)
    /// An operator or bracket.
    case symbol(String)
    /// The end of the text.
    case end
}

/// Cuts a text into tokens, one at a time.
struct ExpressionLexer {
    private let bytes: [UInt8]
    private(set) var offset = 0
    /// The offset at which the last token began.
    private(set) var start = 0

    init(_ text: String, maximumBytes: Int) throws(ExpressionError) {
        bytes = Array(text.utf8)
        guard bytes.count <= maximumBytes else {
            throw ExpressionError(
                code: .tooLong, position: 1, message: "\(bytes.count) bytes long; at most \(maximumBytes) are taken",
                remedy: "write it shorter, or write a controller")
        }
    }

    mutating func next() throws(ExpressionError) -> ExpressionToken {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
        start = offset
        guard offset < bytes.count else { return .end }
        let byte = bytes[offset]
        if Self.beginsName(byte) { return try name() }
        if Self.isDigit(byte)
            || (byte == UInt8(ascii: "-") && offset + 1 < bytes.count && Self.isDigit(bytes[offset + 1]))
        {
            return try number()
        }
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return .text(try quoted()) }
        return try symbol()
    }

    private mutating func name() throws(ExpressionError) -> ExpressionToken {
        var segments = [plainSegment()]
        var isPlain = true
        while offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") {
                segments.append(try quoted())
                isPlain = false
                continue
            }
            let segment = plainSegment()
            guard !segment.isEmpty else {
                throw fail("a field name is missing behind the dot", remedy: "write root.field, such as source.name")
            }
            segments.append(segment)
        }
        return .name(segments, isPlain: isPlain && segments.count == 1)
    }

    private mutating func plainSegment() -> String {
        let first = offset
        while offset < bytes.count, Self.continuesName(bytes[offset]) { offset += 1 }
        return String(decoding: bytes[first..<offset], as: UTF8.self)
    }

    private mutating func number() throws(ExpressionError) -> ExpressionToken {
        let first = offset
        while offset < bytes.count,
            Self.isDigit(bytes[offset]) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(bytes[offset])
        {
            offset += 1
        }
        let text = String(decoding: bytes[first..<offset], as: UTF8.self)
        guard let number = JSONNumber(text) else {
            throw ExpressionError(
                code: .unexpected, position: position(of: first), message: "\"\(text.prefix(40))\" is no number",
                remedy: "write a number such as 5 or 0.25, or a text in quotes")
        }
        return .number(number)
    }

    private mutating func quoted() throws(ExpressionError) -> String {
        let mark = bytes[offset]
        let opening = offset
        offset += 1
        var content: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if byte == mark { return String(decoding: content, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\"), offset < bytes.count else {
                content.append(byte)
                continue
            }
            switch bytes[offset] {
            case UInt8(ascii: "n"): content.append(0x0A)
            case UInt8(ascii: "t"): content.append(0x09)
            case UInt8(ascii: "r"): content.append(0x0D)
            case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): content.append(bytes[offset])
            default: throw fail("an unknown escape", remedy: "in quotes, \\n \\t \\r \\\\ \\\" and \\' are known")
            }
            offset += 1
        }
        throw ExpressionError(
            code: .unexpected, position: position(of: opening), message: "a quote is opened and not closed",
            remedy: "close it with the same mark")
    }

    private mutating func symbol() throws(ExpressionError) -> ExpressionToken {
        let pair = String(decoding: bytes[offset..<min(offset + 2, bytes.count)], as: UTF8.self)
        if ["==", "!=", "<=", ">="].contains(pair) {
            offset += 2
            return .symbol(pair)
        }
        let mistaken = ["&&": "and", "||": "or", "<>": "!=", "=~": "=="]
        if let meant = mistaken[pair] { throw fail("\"\(pair)\" is not known here", remedy: "write \(meant)") }
        let byte = bytes[offset]
        let single = String(decoding: [byte], as: UTF8.self)
        if ["<", ">", "(", ")", "[", "]", ","].contains(single) {
            offset += 1
            return .symbol(single)
        }
        switch single {
        case "=": throw fail("a single = is not known here", remedy: "write == to compare")
        case "!": throw fail("\"!\" is not known here", remedy: "write not")
        default:
            throw fail("unexpected \"\(single)\"", remedy: "a field name with it stands in quotes: source.\"a field\"")
        }
    }

    func fail(_ message: String, remedy: String) -> ExpressionError {
        ExpressionError(code: .unexpected, position: position(of: offset), message: message, remedy: remedy)
    }

    /// The character, from 1, that stands at a byte offset.
    func position(of offset: Int) -> Int {
        1 + bytes.prefix(offset).count { $0 & 0xC0 != 0x80 }
    }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    static func beginsName(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    static func continuesName(_ byte: UInt8) -> Bool {
        beginsName(byte) || isDigit(byte) || byte == UInt8(ascii: "-")
    }
}
