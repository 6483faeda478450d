// JSON values as people read them in a diff: text in quotes with its white space visible, long values cut, and two
// texts that only look alike spelled out.

internal import SyncJobs

/// Makes values visible.
struct VisibleValue: Sendable {
    /// The most characters of a text, and of other values' JSON, that are shown.
    var limit = 60

    /// One value.
    func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): VisibleText.quoted(text, limit: limit)
        case .null, .bool: value.canonicalText
        case .number, .array, .object: compact(value)
        }
    }

    /// An old and a new value, shown so that the difference is seen.
    func pair(_ old: JSONValue, _ new: JSONValue) -> (old: String, new: String) {
        guard case (.string(let left), .string(let right)) = (old, new) else { return (text(old), text(new)) }
        let common = VisibleText.commonPrefix(left, right)
        // What is equal is left out when the difference would lie beyond the cut.
        let skipped = common > limit / 2 && max(left.count, right.count) > limit ? common - limit / 4 : 0
        let shown = (part(left, from: skipped), part(right, from: skipped))
        // Equal by Swift's measure, canonical equivalence: composed and decomposed forms look the same.
        guard shown.0 == shown.1 else { return shown }
        return (part(left, from: skipped, isSpelled: true), part(right, from: skipped, isSpelled: true))
    }

    private func part(_ text: String, from skipped: Int, isSpelled: Bool = false) -> String {
        let rest = VisibleText.quoted(String(text.dropFirst(skipped)), limit: limit, isSpelled: isSpelled)
        return skipped == 0 ? rest : "…\(rest)"
    }

    private func compact(_ value: JSONValue) -> String {
        let json = value.canonicalText
        let shown = VisibleText.bare(json, limit: limit * 2)
        return json.utf8.count > limit * 2 && shown.hasSuffix("…")
            ? "\(shown) (\(VisibleText.grouped(json.utf8.count)) bytes)" : shown
    }
}
