// Routing keys: what publishers put on a message so that the bindings lead it to the right queue.
// Invariant: a key never has more than 255 bytes (AMQP 0-9-1, shortstr), and text from outside never adds a word to it.

extension Topology {
    /// The routing key of a request for a known queue, on ``requests``: `<queue>.<slug>`.
    public func requestRoutingKey(queue: String, slug: String) -> String { "\(queue).\(Self.word(slug))" }

    /// The routing key of a request of which only the type is known, on ``requests``: `type.<slug>`.
    ///
    /// It arrives in the queue `default`; the worker that gets it forwards it when the type belongs elsewhere.
    public func requestRoutingKey(slug: String) -> String { "\(Self.typeWord).\(Self.word(slug))" }

    /// The routing key of a change event, on ``changes``: `<document type>.<event>`.
    ///
    /// Bytes of the document type's UTF-8 other than `[A-Za-z0-9_-]` are written as `%XX`, so that "a.b" is one word
    /// and differs from every other type. A word that would be longer than 200 bytes is cut and ends with `~` and 16
    /// hexadecimal digits (FNV-1a, 64 bit, of the whole name). Ferry itself reads the body, never this key; it is for
    /// subscribers that want only some of the events.
    public func changeRoutingKey(documentType: String, event: String) -> String {
        "\(Self.word(documentType)).\(Self.word(event, limit: 40))"
    }

    /// One word of a routing key for any text: percent-encoded, and cut with a hash when it is too long.
    static func word(_ text: String, limit: Int = 200) -> String {
        var encoded = ""
        for byte in text.utf8 {
            if isWordByte(byte) || isUpperCase(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += "%" + hex(UInt64(byte), digits: 2).uppercased()
            }
        }
        guard encoded.utf8.count > limit else { return encoded }
        var kept = encoded.prefix(limit - 17)
        // Never half of an escape: a '%' among the last two is dropped with what follows it.
        if let escape = kept.suffix(2).firstIndex(of: "%") { kept = kept[..<escape] }
        return kept + "~" + hex(fnv1a(text.utf8), digits: 16)
    }

    private static func hex(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// FNV-1a, 64 bit (http://www.isthe.com/chongo/tech/comp/fnv/): tells long names apart, guards nothing.
    private static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
