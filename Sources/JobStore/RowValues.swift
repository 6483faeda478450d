// A row's values in one piece, for the statements that every job runs: a value by itself for each column costs more to make,
// pass on and let go of than to store. Invariant: what is a name from outside is text or, where it holds a NUL, a BLOB, as
// everywhere (see Columns.swift).
internal import SyncJobs

/// The values of a row, or the arguments of a statement, in the order of their columns.
struct RowValues: Sendable {
    enum Value: Sendable {
        case null
        case number(Int64)
        case text(Range<Int>)
        case blob(Range<Int>)
    }

    private(set) var values: [Value] = []
    /// What the texts and BLOBs are ranges of.
    private(set) var bytes: [UInt8] = []

    init() {}

    /// No values yet; room for so many.
    init(columns: Int, bytes count: Int) {
        values.reserveCapacity(columns)
        bytes.reserveCapacity(count)
    }

    /// About how many bytes are stored.
    var size: Int { bytes.count + 4 * values.count }

    /// Lets go of the values, and keeps the room.
    mutating func removeAll() {
        values.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }

    mutating func add(_ number: Int64?) { values.append(number.map { .number($0) } ?? .null) }
    mutating func add(_ number: Int?) { add(number.map { Int64($0) }) }
    mutating func add(_ truth: Bool?) { add(truth.map { $0 ? 1 : 0 } as Int64?) }
    mutating func add(_ instant: Timestamp?) { add(instant?.microseconds) }

    mutating func add(_ digest: Digest?) {
        guard let digest else { return values.append(.null) }
        let start = bytes.count
        digest.append(to: &bytes)
        values.append(.blob(start..<bytes.count))
    }

    mutating func add(blob: [UInt8]) { values.append(.blob(append(blob))) }

    /// A name from outside.
    mutating func add(name: String?) {
        guard let name else { return values.append(.null) }
        let start = bytes.count
        bytes.append(utf8Of: name)
        let range = start..<bytes.count
        values.append(hasNUL(in: range) ? .blob(range) : .text(range))
    }

    /// Text of ours, which holds no NUL.
    mutating func add(text: String?) {
        guard let text else { return values.append(.null) }
        let start = bytes.count
        bytes.append(utf8Of: text)
        values.append(.text(start..<bytes.count))
    }

    /// Canonical text; control characters are escaped in it, so it never holds a NUL.
    mutating func add(json: JSONValue?) {
        guard let json else { return values.append(.null) }
        let start = bytes.count
        json.writeCanonical(to: &bytes)
        values.append(.text(start..<bytes.count))
    }

    /// Canonical text that was made before.
    mutating func add(canonical: [UInt8]) { values.append(.text(append(canonical))) }

    private mutating func append(_ more: [UInt8]) -> Range<Int> {
        let start = bytes.count
        bytes.append(contentsOf: more)
        return start..<bytes.count
    }

    private func hasNUL(in range: Range<Int>) -> Bool {
        for position in range where bytes[position] == 0 { return true }
        return false
    }
}
