// A JSON object with its members sorted by the UTF-8 bytes of their keys: lookup is a binary search, equality is a walk,
// and what is written is canonical, so that equal objects have equal bytes and equal hashes.

/// A JSON object: unordered by meaning, kept sorted by key bytes, no key twice.
public struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral, Sequence {
    /// One member of an object.
    public struct Member: Sendable, Hashable {
        /// The member's name.
        public let key: String
        /// The member's value.
        public var value: JSONValue

        /// Pairs a key and a value.
        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }

        /// Byte equality of the keys and equality of the values.
        public static func == (left: Member, right: Member) -> Bool {
            left.key.hasSameBytes(as: right.key) && left.value == right.value
        }

        /// Hashes the key's bytes and the value.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(ExactString(key))
            hasher.combine(value)
        }
    }

    /// So few are looked through one by one: most keys are told apart by their length alone.
    private static let fewMembers = 12

    /// The members, sorted by key bytes.
    public private(set) var members: [Member]

    /// An object without members.
    public init() { members = [] }

    /// Literal members; a later one replaces an earlier one of the same key.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = []
        members.reserveCapacity(elements.count)
        for (key, value) in elements { self[key] = value }
    }

    /// Sorts `members`; nil with the key when one occurs twice.
    static func sorting(_ unsorted: [Member]) -> Result<JSONObject, DuplicateKey> {
        var object = JSONObject()
        object.members = unsorted
        let isSorted = unsorted.indices.dropFirst().allSatisfy {
            unsorted[$0 - 1].key.precedesByBytes(unsorted[$0].key)
        }
        guard !isSorted else { return .success(object) }
        object.members.sort { $0.key.precedesByBytes($1.key) }
        for (left, right) in zip(object.members, object.members.dropFirst()) where left.key.hasSameBytes(as: right.key)
        {
            return .failure(DuplicateKey(key: left.key))
        }
        return .success(object)
    }

    struct DuplicateKey: Error { let key: String }

    /// Whether both have the same canonical text; see ``JSONValue/isWritten(like:)``.
    public func isWritten(like other: JSONObject) -> Bool {
        members.count == other.members.count
            && zip(members, other.members).allSatisfy {
                $0.key.hasSameBytes(as: $1.key) && $0.value.isWritten(like: $1.value)
            }
    }

    /// How many members there are.
    public var count: Int { members.count }
    /// Whether there are no members.
    public var isEmpty: Bool { members.isEmpty }
    /// The keys in byte order.
    public var keys: [String] { members.map(\.key) }

    /// The value of `key`, nil when it is missing (JSON null is `.null`); setting nil removes it.
    public subscript(key: String) -> JSONValue? {
        get {
            guard members.count > Self.fewMembers else {
                for position in members.indices where members[position].key.hasSameBytes(as: key) {
                    return members[position].value
                }
                return nil
            }
            let position = firstPosition(notBefore: key)
            guard position < members.count, members[position].key.hasSameBytes(as: key) else { return nil }
            return members[position].value
        }
        set {
            let position = firstPosition(notBefore: key)
            let exists = position < members.count && members[position].key.hasSameBytes(as: key)
            switch (exists, newValue) {
            case (true, let value?): members[position].value = value
            case (true, nil): members.remove(at: position)
            case (false, let value?) where position == members.count: members.append(Member(key: key, value: value))
            case (false, let value?): members.insert(Member(key: key, value: value), at: position)
            case (false, nil): break
            }
        }
    }

    /// The members of both, those of `other` where both have one.
    public func overlaid(with other: JSONObject) -> JSONObject {
        var result = JSONObject()
        result.members.reserveCapacity(Swift.max(count, other.count))
        var position = 0
        for member in other.members {
            while position < count, members[position].key.precedesByBytes(member.key) {
                result.members.append(members[position])
                position += 1
            }
            if position < count, members[position].key.hasSameBytes(as: member.key) { position += 1 }
            result.members.append(member)
        }
        result.members += members[position...]
        return result
    }

    /// Makes room for so many members.
    public mutating func reserve(_ count: Int) { members.reserveCapacity(count) }

    /// Iterates over the members in byte order of their keys.
    public func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }

    private func firstPosition(notBefore key: String) -> Int {
        // Objects are mostly made in the order of their keys.
        guard let last = members.last, !last.key.precedesByBytes(key) else { return members.count }
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].key.precedesByBytes(key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
