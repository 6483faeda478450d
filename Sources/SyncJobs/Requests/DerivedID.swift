// Ids of jobs that Ferry makes itself derive from the job that asked and a key: made twice, they are one job.

extension SyncRequest {
    /// The id of a job that derives from another: `parent`, `mark`, then `key` as it is where it is short and plain, else
    /// 32 hexadecimal digits of its hash; at most ``maximumIDBytes``.
    ///
    /// A plain key holds `[A-Za-z0-9._:-]` and never a mark, so the last mark of an id ends its parent's.
    public static func derivedID(of parent: String, mark: Character, key: String) -> String {
        let isPlain =
            !key.isEmpty && key.utf8.count <= 60
            && key.unicodeScalars.allSatisfy {
                switch $0 {
                case "a"..."z", "A"..."Z", "0"..."9", ".", "_", ":", "-": true
                default: false
                }
            }
        let tail = isPlain ? key : "~" + Digest(ofParts: [key]).hex
        let id = "\(parent)\(mark)\(tail)"
        guard id.utf8.count > maximumIDBytes else { return id }
        return "\(Digest(ofParts: [parent]).hex)\(mark)\(tail)"
    }
}
