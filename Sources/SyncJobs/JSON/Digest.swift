// SHA-256 by libcrypto (which librabbitmq links already). Hashes name things here: ids that derive from others, requests
// that must be told apart, documents that must not have changed.
internal import CCrypto

/// The first 16 bytes of a SHA-256: enough to tell any two things apart, short enough to keep for every job.
public struct Digest: Sendable, Hashable {
    /// The 16 bytes.
    public let bytes: [UInt8]

    /// Takes 16 bytes that were stored; nil for any other count.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Hashes `input`.
    public init(of input: [UInt8]) {
        var full = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        _ = SHA256(input, input.count, &full)
        bytes = Array(full.prefix(16))
    }

    /// Hashes the canonical text of `value`.
    public init(of value: JSONValue) { self.init(of: value.canonicalBytes) }

    /// Hashes `parts` so that no two different lists run together.
    public init(ofParts parts: [String]) { self.init(of: .array(parts.map { .string($0) })) }

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
