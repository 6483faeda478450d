// "Did you mean": what to do about a name that is not known.

internal import SyncJobs

/// Finds what was meant.
enum Suggestion {
    /// What to do about `name`: the near one, else all of them.
    static func remedy(for name: String, among known: [String]) -> String {
        if let near = name.nearest(among: known) { return "did you mean \(near)?" }
        if known.isEmpty { return "there are none" }
        let shown = known.prefix(20).joined(separator: ", ") + (known.count > 20 ? " …" : "")
        return "use one of: \(shown)"
    }
}
