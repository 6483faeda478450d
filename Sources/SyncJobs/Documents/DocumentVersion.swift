// A document's version and its declared order. Versions compare only with versions of the same order; what has no
// declared order (an ETag) never fences anything.

/// How the versions of a document type are ordered.
public enum VersionOrder: String, Sendable, Hashable, CaseIterable {
    /// Instants.
    case timestamp
    /// Numbers, by value: "10" is after "9".
    case number
    /// No order: an ETag.
    case none
}

/// One version of a document.
public struct DocumentVersion: Sendable, Hashable, CustomStringConvertible {
    /// How it is ordered.
    public let order: VersionOrder
    /// The version in the normal form of its order: RFC 3339 in UTC, a number, or any text.
    public let text: String

    /// Takes a version that is in the normal form of `order`.
    public init(order: VersionOrder, text: String) {
        self.order = order
        self.text = text
    }

    /// The version as text.
    public var description: String { text }

    /// Whether this version is certainly older than `other`: same order, and before it.
    ///
    /// Equal versions are not stale.
    public func isOlder(than other: DocumentVersion) -> Bool {
        guard order == other.order else { return false }
        switch order {
        case .none: return false
        case .number:
            guard let mine = ExactDecimal(text), let theirs = ExactDecimal(other.text) else { return false }
            return mine < theirs
        case .timestamp:
            guard let mine = Timestamp(text), let theirs = Timestamp(other.text) else { return false }
            // A clock of seconds and one of microseconds are compared at the coarser of the two.
            let unit = max(mine.precisionMicroseconds, theirs.precisionMicroseconds)
            return mine.microseconds.floorDivided(by: unit) < theirs.microseconds.floorDivided(by: unit)
        }
    }
}

extension Int64 {
    /// The quotient rounded down, also below zero.
    func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
