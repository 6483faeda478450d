// SHA-256 by libcrypto (which librabbitmq links already). Hashes name things here: ids that derive from others, requests
// that must be told apart, documents that must not have changed.
internal import CCrypto

/// The first 16 bytes of a SHA-256: enough to tell any two things apart, short enough to keep for every job.
public struct Digest: Sendable, Hashable {
    /// The bytes as two numbers, the first byte the highest: they need no room of their own.
    private let first: UInt64
    private let second: UInt64

    /// Looked up once: to find it by its name takes as long as to hash a request.
    // Right to share: it is never changed.
    private nonisolated(unsafe) static let sha256 = EVP_MD_fetch(nil, "SHA256", nil)

    /// Takes 16 bytes that were stored; nil for any other count.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        first = number(0..<8)
        second = number(8..<16)
    }

    /// Hashes `input`.
    public init(of input: [UInt8]) {
        let half = ferry_half_of_hash(Self.sha256, input, input.count)
        precondition(half.hashed == 1, "libcrypto has no SHA-256")
        first = half.first
        second = half.second
    }

    /// Hashes the canonical text of `value`.
    public init(of value: JSONValue) { self.init(of: value.canonicalBytes) }

    /// Hashes `parts` so that no two different lists run together.
    public init(ofParts parts: [String]) { self.init(of: .array(parts.map { .string($0) })) }

    /// The 16 bytes.
    public var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? first : second) >> (56 - 8 * ($0 & 7))) }
    }

    /// 32 hexadecimal digits.
    public var hex: String {
        func digit(_ value: UInt8) -> UInt8 { value + UInt8(ascii: value < 10 ? "0" : "W") }
        var digits: [UInt8] = []
        digits.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            digits.append(digit(byte >> 4))
            digits.append(digit(byte & 15))
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
