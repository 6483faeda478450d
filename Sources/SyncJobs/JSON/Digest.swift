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
    public init?(bytes: [UInt8]) { self.init(bytes: bytes.span) }

    /// Takes 16 bytes where they are stored; nil for any other count.
    public init?(bytes: Span<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var first: UInt64 = 0
        var second: UInt64 = 0
        for position in 0..<8 {
            first = first << 8 | UInt64(bytes[position])
            second = second << 8 | UInt64(bytes[position + 8])
        }
        self.first = first
        self.second = second
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
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        append(to: &bytes)
        return bytes
    }

    /// Appends the 16 bytes to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: first >> shift)) }
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: second >> shift)) }
    }

    /// 32 hexadecimal digits.
    public var hex: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(32)
        func append(_ number: UInt64) {
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: number >> shift) & 15
                digits.append(digit + UInt8(ascii: digit < 10 ? "0" : "W"))
            }
        }
        append(first)
        append(second)
        return String(decoding: digits, as: UTF8.self)
    }
}
