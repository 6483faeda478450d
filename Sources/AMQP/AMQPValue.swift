// A value in an AMQP field table (message headers, queue and exchange arguments) and what it weighs on the wire.
// Invariant: `encodedBytes` is exactly what librabbitmq writes, so that a header frame which cannot fit is refused
// before its first byte is sent; half a message on the wire would cost the whole connection.

/// A value in an AMQP field table.
///
/// What other clients may send beyond these cases is read as the nearest exact one: all signed and unsigned widths as
/// ``int(_:)`` (a number above `Int64.max` and a decimal as ``string(_:)`` of their digits), a float as
/// ``double(_:)``, a string that is not UTF-8 as ``bytes(_:)``, and what is nested deeper than 64 levels as ``null``.
public enum AMQPValue: Sendable, Hashable {
    /// UTF-8 text (field type `S`).
    case string(String)
    /// A signed 64-bit number (field type `l`).
    case int(Int64)
    /// A 64-bit float (field type `d`).
    case double(Double)
    /// A truth value (field type `t`).
    case bool(Bool)
    /// Bytes (field type `x`).
    case bytes([UInt8])
    /// Seconds since 1970-01-01 UTC (field type `T`).
    case timestamp(Int64)
    /// A nested table (field type `F`).
    case table(AMQPTable)
    /// A list (field type `A`).
    case array([AMQPValue])
    /// No value (field type `V`).
    case null
}

/// A field table: headers of a message, arguments of a queue, an exchange, a binding or a consumer.
public typealias AMQPTable = [String: AMQPValue]

extension AMQPValue {
    /// Nesting beyond this is refused when sent and read as ``null`` when received.
    static let maximumDepth = 64

    /// Bytes on the wire, the type octet included.
    var encodedBytes: Int {
        switch self {
        case .string(let text): 5 + text.utf8.count
        case .int, .double, .timestamp: 9
        case .bool: 2
        case .bytes(let bytes): 5 + bytes.count
        case .table(let table): 1 + AMQPValue.encodedBytes(of: table)
        case .array(let values): values.reduce(5) { $0 + $1.encodedBytes }
        case .null: 1
        }
    }

    /// Bytes on the wire of a whole table, its length field included.
    static func encodedBytes(of table: AMQPTable) -> Int {
        table.reduce(4) { $0 + 1 + $1.key.utf8.count + $1.value.encodedBytes }
    }

    /// What forbids sending this table, or nothing: a field name is a short string (AMQP 0-9-1, 4.2.5.5), and
    /// librabbitmq truncates the length of a longer one in silence.
    static func objection(to table: AMQPTable, depth: Int = 0) -> String? {
        if depth > maximumDepth { return "nested deeper than \(maximumDepth) levels" }
        for (name, value) in table {
            if name.utf8.count > 255 { return "a field name of \(name.utf8.count) bytes; at most 255 are possible" }
            if let objection = value.objection(depth: depth + 1) { return objection }
        }
        return nil
    }

    private func objection(depth: Int) -> String? {
        switch self {
        case .table(let table): return AMQPValue.objection(to: table, depth: depth)
        case .array(let values):
            if depth > AMQPValue.maximumDepth { return "nested deeper than \(AMQPValue.maximumDepth) levels" }
            return values.lazy.compactMap { $0.objection(depth: depth + 1) }.first
        default: return nil
        }
    }
}
