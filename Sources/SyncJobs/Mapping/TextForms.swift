// The text conversions of mappings: white space, line ends, composition. By Unicode, independent of any locale.
internal import Foundation

extension String {
    /// Without white space at both ends.
    var trimmingWhiteSpace: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }

    /// With `\n` for every `\r\n` and `\r`.
    var withUnixLines: String {
        guard utf8.contains(0x0D) else { return self }
        var result: [UInt8] = []
        var afterReturn = false
        for byte in utf8 {
            if byte == 0x0D {
                result.append(0x0A)
            } else if !(byte == 0x0A && afterReturn) {
                result.append(byte)
            }
            afterReturn = byte == 0x0D
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// In Unicode normalization form C.
    var composed: String { utf8.allSatisfy { $0 < 0x80 } ? self : precomposedStringWithCanonicalMapping }
}
