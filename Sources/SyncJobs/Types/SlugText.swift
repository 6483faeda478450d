// Slugs: the ASCII names by which types are routed and typed on command lines.

extension String {
    /// ASCII letters in lower case and digits; each other run of characters becomes one `_`, none at either end.
    public var slug: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9": result.unicodeScalars.append(scalar)
            case "A"..."Z": result += String(scalar).lowercased()
            default: if !result.isEmpty, result.last != "_" { result += "_" }
            }
        }
        while result.last == "_" { result.removeLast() }
        return result
    }
}
