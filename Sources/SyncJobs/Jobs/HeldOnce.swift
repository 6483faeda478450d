// A large value that goes through many hands: to copy it means to count up each string in it.

/// A value that all its copies hold once, until one of them changes it.
struct HeldOnce<Value> {
    /// A single one: an array is held by all its copies until it is changed.
    private var values: [Value]

    init(_ value: Value) { values = [value] }

    var value: Value {
        _read { yield values[0] }
        _modify { yield &values[0] }
    }
}

extension HeldOnce: Sendable where Value: Sendable {}
extension HeldOnce: Equatable where Value: Equatable {}
extension HeldOnce: Hashable where Value: Hashable {}
