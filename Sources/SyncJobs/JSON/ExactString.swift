// Text that is compared, ordered and hashed by its UTF-8 bytes.
// Swift's own String equality is canonical equivalence, under which "é" composed and decomposed are one key; upstream
// systems hold them apart, so names, keys and values are compared through the functions here and never with `==`.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A string whose equality, order and hash are those of its UTF-8 bytes.
public struct ExactString: Sendable, Hashable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The text itself.
    public let text: String

    /// Wraps `text` unchanged.
    public init(_ text: String) { self.text = text }

    /// Wraps a literal.
    public init(stringLiteral value: String) { self.text = value }

    /// The text itself.
    public var description: String { text }

    /// Byte-for-byte equality.
    public static func == (left: ExactString, right: ExactString) -> Bool { left.text.hasSameBytes(as: right.text) }

    /// Order of the UTF-8 bytes, which is the order of the code points.
    public static func < (left: ExactString, right: ExactString) -> Bool { left.text.precedesByBytes(right.text) }

    /// Hashes the UTF-8 bytes.
    public func hash(into hasher: inout Hasher) {
        let count: Void? = text.utf8.withContiguousStorageIfAvailable { bytes in
            hasher.combine(bytes: .init(bytes))
            hasher.combine(bytes.count)
        }
        // Text that is not Swift's own, which its own would have to equal.
        if count == nil { ExactString(String(decoding: Array(text.utf8), as: UTF8.self)).hash(into: &hasher) }
    }
}

extension String {
    /// Whether both strings are the same UTF-8 bytes.
    public func hasSameBytes(as other: String) -> Bool {
        let count = utf8.count
        guard count == other.utf8.count else { return false }
        return utf8.withContiguousStorageIfAvailable { mine in
            other.utf8.withContiguousStorageIfAvailable { theirs in
                guard let mine = mine.baseAddress, let theirs = theirs.baseAddress else { return count == 0 }
                return memcmp(mine, theirs, count) == 0
            }
        }.flatMap { $0 } ?? utf8.elementsEqual(other.utf8)
    }

    /// Whether this string's UTF-8 bytes come before the other's.
    public func precedesByBytes(_ other: String) -> Bool {
        utf8.withContiguousStorageIfAvailable { mine in
            other.utf8.withContiguousStorageIfAvailable { mine.lexicographicallyPrecedes($0) }
        }.flatMap { $0 } ?? utf8.lexicographicallyPrecedes(other.utf8)
    }

    /// The longest beginning of whole characters within so many UTF-8 bytes, with "…" where something was cut.
    ///
    /// A single character may be of any length, so a count of characters bounds nothing.
    public func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var result = String.UnicodeScalarView()
        var bytes = 3
        for scalar in unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > limit { break }
            result.append(scalar)
        }
        return String(result) + "…"
    }
}

extension [UInt8] {
    /// Appends the UTF-8 bytes of a text.
    public mutating func append(utf8Of text: String) {
        // Swift's own text is one piece, and is copied as that.
        let isCopied: Void? = text.utf8.withContiguousStorageIfAvailable { append(contentsOf: $0) }
        if isCopied == nil { append(contentsOf: text.utf8) }
    }
}
