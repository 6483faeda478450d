// Exact decimals: order, integers, rounding half to even, against the machine's own integer arithmetic.
import SyncJobs
import Testing

@Suite("An exact decimal")
struct ExactDecimalTests {
    @Test(
        "is ordered by value",
        arguments: [
            ("-2", "-1"), ("-1", "0"), ("0", "1e-99"), ("9", "10"), ("0.9", "1"), ("1e-5", "1e-4"), ("-1e5", "-1e4"),
            ("1.1", "1.11"), ("9007199254740992", "9007199254740993"), ("-0.2", "-0.19"), ("99", "1e2"), ("-1", "1e-9"),
        ])
    func order(smaller: String, larger: String) throws {
        let (left, right) = (try #require(ExactDecimal(smaller)), try #require(ExactDecimal(larger)))
        #expect(left < right)
        #expect(!(right < left))
        #expect(left != right)
    }

    @Test("knows equal values and hashes them alike")
    func equality() throws {
        for (left, right) in [
            ("0.10", "1e-1"), ("-0", "0.000"), ("1200", "1.2E3"), ("00e0".replacing("00", with: "0"), "0"),
        ] {
            let (left, right) = (try #require(ExactDecimal(left)), try #require(ExactDecimal(right)))
            #expect(left == right && left.hashValue == right.hashValue && !(left < right))
        }
    }

    @Test(
        "is none where RFC 8259 has no number",
        arguments: ["", "-", "1.", ".1", "01", "1e", "+1", " 1", "1 ", "1e1234567", "١"])
    func none(text: String) {
        #expect(ExactDecimal(text) == nil)
    }

    @Test(
        "rounds half to even",
        arguments: [
            ("0.125", 2, "0.12"), ("0.135", 2, "0.14"), ("0.1251", 2, "0.13"), ("2.5", 0, "2"), ("3.5", 0, "4"),
            ("-2.5", 0, "-2"), ("-0.5", 0, "0"), ("-0.51", 0, "-1"), ("0.5", 0, "0"), ("1.5", 0, "2"),
            ("9.99", 1, "10.0"),
            ("999.5", 0, "1000"), ("0.05", 1, "0.0"), ("0.15", 1, "0.2"), ("0.004", 2, "0.00"), ("0.006", 2, "0.01"),
            ("0.0000001", 2, "0.00"), ("12", 2, "12.00"), ("1e3", 1, "1000.0"), ("0", 3, "0.000"), ("0.95", 1, "1.0"),
            ("0.6", 0, "1"), ("0.06", 1, "0.1"), ("0.05000001", 1, "0.1"),
        ])
    func rounding(text: String, places: Int, rounded: String) throws {
        #expect(try #require(ExactDecimal(text)).rounded(toPlaces: places) == rounded)
    }

    @Test("rounds as integer arithmetic does, 10,000 times")
    func roundingProperty() throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<10_000 {
            let thousandths = Int64.random(in: -1_000_000...1_000_000, using: &generator)
            let text =
                (thousandths < 0 ? "-" : "") + "\(abs(thousandths) / 1000)."
                + String("00\(abs(thousandths) % 1000)".suffix(3))
            let (quotient, rest) = abs(thousandths).quotientAndRemainder(dividingBy: 100)
            let tenths = rest > 50 || (rest == 50 && quotient % 2 == 1) ? quotient + 1 : quotient
            let expected = (thousandths < 0 && tenths != 0 ? "-" : "") + "\(tenths / 10).\(tenths % 10)"
            #expect(try #require(ExactDecimal(text)).rounded(toPlaces: 1) == expected, "\(text)")
        }
    }

    @Test(
        "is a 64-bit integer where it fits",
        arguments: [
            ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("9223372036854775808", nil),
            ("-9223372036854775809", nil), ("1.0", 1), ("1e3", 1000), ("1.5", nil), ("0", 0), ("-0", 0), ("1e19", nil),
            ("1e400", nil), ("0.1", nil), ("-12", -12), ("1e18", 1_000_000_000_000_000_000),
        ] as [(String, Int64?)])
    func integers(text: String, value: Int64?) throws {
        #expect(try #require(ExactDecimal(text)).int64 == value)
        #expect(try #require(JSONNumber(text)).int64 == value)
    }

    @Test("orders random integers as the machine does")
    func orderProperty() throws {
        var generator = SeededGenerator(seed: 6)
        for _ in 0..<5_000 {
            let left = Int64.random(in: -2_000...2_000, using: &generator)
            let right = Int64.random(in: -2_000...2_000, using: &generator)
            let power = Int.random(in: -30...30, using: &generator)
            let (a, b) = (
                try #require(ExactDecimal("\(left)e\(power)")), try #require(ExactDecimal("\(right)e\(power)"))
            )
            #expect((a < b) == (left < right))
            #expect((a == b) == (left == right))
        }
    }
}
