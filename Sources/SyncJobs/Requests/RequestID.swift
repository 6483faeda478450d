// The ids that Ferry gives to requests whose sender gave none.

extension SyncRequest {
    /// A new id: a UUID of version 7 (RFC 9562, section 5.7), whose first 48 bits are the milliseconds of `time`.
    ///
    /// What is asked for at about the same time stands together in an index of ids; random ids scatter it over the file,
    /// which costs a third of a record's writing.
    public static func newID(at time: Timestamp) -> String {
        let milliseconds = UInt64(max(0, time.microseconds / 1_000)) & 0xFFFF_FFFF_FFFF
        let high = milliseconds << 16 | 0x7000 | UInt64.random(in: 0...0xFFF)
        let low = UInt64.random(in: 0...(1 << 62 - 1)) | 1 << 63
        let digits = (high.hexDigits + low.hexDigits).utf8
        var id: [UInt8] = []
        for (position, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(position) { id.append(UInt8(ascii: "-")) }
            id.append(digit)
        }
        return String(decoding: id, as: UTF8.self)
    }
}

extension UInt64 {
    /// All 16 digits.
    fileprivate var hexDigits: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
