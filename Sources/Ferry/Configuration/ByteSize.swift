// Sizes as people write them: whole numbers with their unit. A bare number is refused, as with durations, because some
// would read bytes and others kibibytes; decimal units are refused, because half the world reads them as binary ones.

/// A number of bytes that is written with its unit: `64KiB`, `1MiB`.
public struct ByteSize: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// How many bytes.
    public let bytes: Int

    private static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// Takes a number of bytes.
    public init(bytes: Int) { self.bytes = bytes }

    /// So many times 1024 bytes.
    public static func kibibytes(_ count: Int) -> ByteSize { ByteSize(bytes: count << 10) }

    /// So many times 1024 × 1024 bytes.
    public static func mebibytes(_ count: Int) -> ByteSize { ByteSize(bytes: count << 20) }

    /// Reads `512B`, `64KiB`, `1MiB` or `1GiB`; nil for anything else, bare numbers and decimal units among it.
    public init?(text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard digits.count <= 12, let count = Int(digits),
            let factor = Self.units.first(where: { $0.name == unit })?.bytes
        else { return nil }
        bytes = count * factor
    }

    /// The largest unit that divides it: `1MiB`, `1536KiB`.
    public var description: String {
        let unit = Self.units.first { bytes % $0.bytes == 0 && bytes >= $0.bytes } ?? ("B", 1)
        return "\(bytes / unit.bytes)\(unit.name)"
    }

    /// Order of the numbers of bytes.
    public static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }
}
