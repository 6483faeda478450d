// Ids for requests that bring none. Foundation's UUID() opens the system's source of random bytes anew each time, which costs
// as much as publishing.

/// Makes random ids.
enum RandomID {
    private static let digits = Array("0123456789abcdef".utf8)

    /// A random UUID (RFC 9562, version 4) in small letters.
    static func uuid() -> String {
        let high = UInt64.random(in: 0 ... .max) & ~0xF000 | 0x4000
        let low = UInt64.random(in: 0 ... .max) & ~(0xC << 60) | 0x8 << 60
        return String(unsafeUninitializedCapacity: 36) { text in
            var place = 0
            for nibble in 0..<32 {
                if [8, 12, 16, 20].contains(nibble) {
                    text[place] = UInt8(ascii: "-")
                    place += 1
                }
                let half = nibble < 16 ? high : low
                text[place] = digits[Int(half >> (60 - 4 * UInt64(nibble % 16)) & 0xF)]
                place += 1
            }
            return place
        }
    }
}
