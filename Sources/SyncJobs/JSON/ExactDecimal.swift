// An exact decimal: sign, digits without leading or trailing zeros, power of ten. Pure arithmetic of text; no rounding
// ever happens here unless `rounded(toPlaces:)` is asked for.

/// The exact value of a decimal number: `(-1)^isNegative × 0.d₁d₂… × 10^exponent` in normal form.
public struct ExactDecimal: Sendable, Hashable, Comparable {
    /// Whether the value is below zero; never true for zero.
    public let isNegative: Bool
    /// The significant digits (0–9), the first and the last not zero; empty for zero.
    public let digits: [UInt8]
    /// The power of ten of the point before the first digit; 0 for zero.
    public let exponent: Int

    /// Zero.
    public static let zero = ExactDecimal(isNegative: false, digits: [], exponent: 0)

    /// Normalises: strips zeros at both ends of `digits`, whose point stands before the first one at `exponent`.
    init(isNegative: Bool, digits: [UInt8], exponent: Int) {
        let leading = digits.prefix { $0 == 0 }.count
        var significant = digits[leading...]
        while significant.last == 0 { significant.removeLast() }
        self.digits = Array(significant)
        self.isNegative = isNegative && !significant.isEmpty
        self.exponent = significant.isEmpty ? 0 : exponent - leading
    }

    /// Reads a number in the grammar of RFC 8259 section 6; nil when it is none or its exponent has over 6 digits.
    public init?(_ text: String) {
        var bytes = Substring(text).utf8[...]
        let negative = bytes.first == UInt8(ascii: "-")
        if negative { bytes.removeFirst() }
        func takeDigits() -> [UInt8] {
            let run = bytes.prefix { (0x30...0x39).contains($0) }
            bytes.removeFirst(run.count)
            return run.map { $0 - 0x30 }
        }
        let whole = takeDigits()
        guard let first = whole.first, first != 0 || whole.count == 1 else { return nil }
        var fraction: [UInt8] = []
        if bytes.first == UInt8(ascii: ".") {
            bytes.removeFirst()
            fraction = takeDigits()
            guard !fraction.isEmpty else { return nil }
        }
        var power = 0
        if let mark = bytes.first, mark | 0x20 == UInt8(ascii: "e") {
            bytes.removeFirst()
            let minus = bytes.first == UInt8(ascii: "-")
            if minus || bytes.first == UInt8(ascii: "+") { bytes.removeFirst() }
            let written = takeDigits()
            guard !written.isEmpty, written.count <= 6 else { return nil }
            power = written.reduce(0) { $0 * 10 + Int($1) } * (minus ? -1 : 1)
        }
        guard bytes.isEmpty else { return nil }
        self.init(isNegative: negative, digits: whole + fraction, exponent: whole.count + power)
    }

    /// The value as a 64-bit integer, nil when it has a fraction or does not fit.
    public var int64: Int64? {
        guard exponent >= digits.count, exponent <= 19 else { return digits.isEmpty ? 0 : nil }
        var value: Int64 = 0
        for position in 0..<exponent {
            let digit = Int64(position < digits.count ? digits[position] : 0)
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, borrow) = shifted.subtractingReportingOverflow(digit)
            if overflow || borrow { return nil }
            value = next
        }
        if isNegative { return value }
        return value == Int64.min ? nil : -value
    }

    /// Plain notation with exactly `places` digits after the point, rounded half to even.
    public func rounded(toPlaces places: Int) -> String {
        let kept = exponent + places
        guard kept >= 0, !digits.isEmpty else { return Self.plain([], places: places, isNegative: false) }
        var scaled = (0..<kept).map { $0 < digits.count ? digits[$0] : 0 }
        let rest = kept < digits.count ? digits[kept...] : []
        let isAboveHalf = (rest.first ?? 0) > 5 || (rest.first == 5 && rest.count > 1)
        let isHalf = rest.count == 1 && rest.first == 5
        if isAboveHalf || (isHalf && (scaled.last ?? 0) % 2 == 1) { Self.increment(&scaled) }
        return Self.plain(scaled, places: places, isNegative: isNegative)
    }

    private static func increment(_ digits: inout [UInt8]) {
        var position = digits.count - 1
        while position >= 0, digits[position] == 9 {
            digits[position] = 0
            position -= 1
        }
        if position >= 0 { digits[position] += 1 } else { digits.insert(1, at: 0) }
    }

    private static func plain(_ scaled: [UInt8], places: Int, isNegative: Bool) -> String {
        let padded = Array(repeating: 0, count: max(0, places + 1 - scaled.count)) + scaled
        let text = padded.map { String($0) }.joined()
        let sign = isNegative && scaled.contains { $0 != 0 } ? "-" : ""
        guard places > 0 else { return sign + text }
        return sign + text.dropLast(places) + "." + text.suffix(places)
    }

    /// Numerical order.
    public static func < (left: ExactDecimal, right: ExactDecimal) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative ? right.isSmallerInMagnitude(than: left) : left.isSmallerInMagnitude(than: right)
    }

    private func isSmallerInMagnitude(than other: ExactDecimal) -> Bool {
        if digits.isEmpty || other.digits.isEmpty { return digits.isEmpty && !other.digits.isEmpty }
        if exponent != other.exponent { return exponent < other.exponent }
        return digits.lexicographicallyPrecedes(other.digits)
    }
}
