// How many jobs are taken together, pure: as many as are worth it, and no more than there is room for their documents, which take
// several times as much memory as their JSON.

internal import JobStore

/// The size of waves, convoys and series.
struct WaveSize: Sendable {
    /// More jobs in one transaction gain nothing.
    static let most = 256
    /// Fewer would cost more than their documents.
    static let least = 16
    /// How much of documents is held by those that are taken together, in bytes of JSON.
    static let room = 3 << 20

    /// How many jobs are taken together now.
    private(set) var count = most

    /// Takes note of what jobs that were taken together have read: the next will be like them.
    ///
    /// - Parameter foundBytes: what they have found by searches, beside their preparations.
    mutating func note(_ preparations: [JobStore.Preparation], foundBytes: Int = 0) {
        let bytes = preparations.reduce(foundBytes) { $0 + $1.documentBytes } / max(1, preparations.count)
        count = min(max(Self.room / max(1, bytes), Self.least), Self.most)
    }
}
