// JSON text from values: canonical (no spaces, keys in byte order, digits as written) for storage and hashing, or
// indented for people.

extension JSONValue {
    /// Canonical JSON text as UTF-8 bytes: no spaces, keys in byte order, numbers as written.
    public var canonicalBytes: [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }

    /// Appends the canonical JSON text to `bytes`.
    public func writeCanonical(to bytes: inout [UInt8]) {
        var writer = JSONWriter(behind: bytes)
        // Else the writer's would be a copy.
        bytes = []
        writer.write(self)
        bytes = writer.bytes
    }

    /// Canonical JSON text.
    public var canonicalText: String { String(decoding: canonicalBytes, as: UTF8.self) }

    /// JSON text indented by two spaces a level, for people and files.
    public var prettyText: String {
        var writer = JSONWriter(isPretty: true)
        writer.write(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private let isPretty: Bool
    private var level = 0

    init(isPretty: Bool = false) {
        self.isPretty = isPretty
        bytes.reserveCapacity(1_000)
    }

    init(behind bytes: [UInt8]) {
        isPretty = false
        self.bytes = bytes
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: bytes.append(utf8Of: "null")
        case .bool(let value): bytes.append(utf8Of: value ? "true" : "false")
        case .number(let number): bytes.append(utf8Of: number.text)
        case .string(let text): writeString(text)
        case .array(let elements):
            writeList(count: elements.count, open: "[", close: "]") { writer, position in
                writer.write(elements[position])
            }
        case .object(let object):
            writeList(count: object.count, open: "{", close: "}") { writer, position in
                writer.writeString(object.members[position].key)
                writer.bytes.append(UInt8(ascii: ":"))
                if writer.isPretty { writer.bytes.append(0x20) }
                writer.write(object.members[position].value)
            }
        }
    }

    private mutating func writeList(
        count: Int, open: Unicode.Scalar, close: Unicode.Scalar, _ writeElement: (inout JSONWriter, Int) -> Void
    ) {
        bytes.append(UInt8(ascii: open))
        level += 1
        for position in 0..<count {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            breakLine()
            writeElement(&self, position)
        }
        level -= 1
        if count > 0 { breakLine() }
        bytes.append(UInt8(ascii: close))
    }

    private mutating func breakLine() {
        guard isPretty else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: level * 2))
    }

    private mutating func writeString(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        let isPlain = text.utf8.withContiguousStorageIfAvailable { utf8 in
            // Without a branch for each byte, so that many are looked at at once.
            let special = utf8.reduce(0 as UInt8) { $0 | (Self.isPlain($1) ? 0 : 1) }
            guard special == 0 else { return false }
            bytes.append(contentsOf: utf8)
            return true
        }
        if isPlain != true { writeEscaped(text) }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func writeEscaped(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes.append(utf8Of: "\\n")
            case 0x0D: bytes.append(utf8Of: "\\r")
            case 0x09: bytes.append(utf8Of: "\\t")
            case 0..<0x20:
                bytes.append(utf8Of: byte < 16 ? "\\u000" : "\\u00")
                bytes.append(utf8Of: String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
    }
}
