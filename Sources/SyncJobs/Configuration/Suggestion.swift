// "Did you mean …?": the known name nearest to one that is not known.

extension String {
    /// The name among `known` that this one was probably meant to be; nil when none is near.
    ///
    /// Case does not count; at most two mistakes are taken, one in a name of up to four characters.
    public func nearest(among known: [String]) -> String? {
        let mine = Array(lowercased().unicodeScalars.prefix(100))
        let allowed = mine.count <= 4 ? 1 : 2
        let ranked = known.map { (name: $0, distance: Self.distance(mine, Array($0.lowercased().unicodeScalars))) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= allowed else { return nil }
        return best.name
    }

    /// How many insertions, deletions, replacements and swaps of neighbours lead from one to the other.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, scalar) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var best = Swift.min(last[column + 1], current[column]) + 1
                best = Swift.min(best, last[column] + (scalar == other ? 0 : 1))
                let isSwap = row > 0 && column > 0 && scalar == right[column - 1] && left[row - 1] == other
                if isSwap { best = Swift.min(best, beforeLast[column - 1] + 1) }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
