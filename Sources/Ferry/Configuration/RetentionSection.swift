// The sections of the configuration about what is over: how long records are kept, and what may be done with dead letters.

internal import SyncJobs

extension ConfigurationReader {
    mutating func readRetention(_ node: ConfigNode?) -> RetentionSettings {
        var retention = RetentionSettings()
        let section = section(node, keys: RetentionKey.self)
        let day = Duration.seconds(86_400)
        if let good = duration(RetentionKey.good, of: section, in: .zero...(day * 3650)) { retention.good = good }
        if let failed = duration(RetentionKey.failed, of: section, in: .zero...(day * 3650)) {
            retention.failed = failed
        }
        if let ids = duration(RetentionKey.ids, of: section, in: (day * 14)...(day * 3650)) { retention.ids = ids }
        return retention
    }

    mutating func readDeadLetters(_ node: ConfigNode?) -> DeadLetterSettings {
        var settings = DeadLetterSettings()
        let section = section(node, keys: DeadLetterKey.self)
        if let count = count(DeadLetterKey.maximumReplays, of: section, in: 1...1000) {
            settings.maximumReplays = count
        }
        return settings
    }
}
