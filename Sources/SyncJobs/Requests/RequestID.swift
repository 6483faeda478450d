// The ids that Ferry gives to requests whose sender gave none.

extension SyncRequest {
    /// A new id: a UUID of version 7 (RFC 9562, section 5.7) in small letters, whose first 48 bits are the milliseconds of
    /// `time`.
    ///
    /// What is asked for at about the same time stands together in an index of ids; random ids scatter it over the file,
    /// which costs a third of what it takes to write a record.
    public static func newID(at time: Timestamp) -> String {
        let milliseconds = UInt64(max(0, time.microseconds / 1_000)) & 0xFFFF_FFFF_FFFF
        let random = SystemRandomNumberGenerator.twoNumbers
        let high = milliseconds << 16 | 0x7000 | random.0 & 0xFFF
        let low = random.1 & ~(0b11 << 62) | 0b10 << 62
        var id: [UInt8] = []
        id.reserveCapacity(36)
        for place in 0..<32 {
            if [8, 12, 16, 20].contains(place) { id.append(UInt8(ascii: "-")) }
            let digit = UInt8((place < 16 ? high : low) >> (60 - 4 * UInt64(place % 16)) & 0xF)
            id.append(digit + UInt8(ascii: digit < 10 ? "0" : "W"))
        }
        return String(decoding: id, as: UTF8.self)
    }
}

extension SystemRandomNumberGenerator {
    fileprivate static var twoNumbers: (UInt64, UInt64) {
        var generator = SystemRandomNumberGenerator()
        return (generator.next(), generator.next())
    }
}
