// Every key of ferry.yaml outside documents and types, which name their own. The reader accepts these and no others,
// and a test holds contracts/ferry.schema.json to them.

/// A key of one section.
protocol ConfigurationKey: RawRepresentable<String>, CaseIterable, Sendable {}

/// The sections.
enum SectionKey: String, ConfigurationKey {
    case broker, store, queues, limits, worker, retention, systems, documents, types
    case deadLetters = "dead_letters"
}

/// Keys of `broker:`.
enum BrokerKey: String, ConfigurationKey {
    case url, urls, prefix, tls, heartbeat
    case managementURL = "management_url"
    case consumerTimeout = "consumer_timeout"
}

/// Keys of `broker: tls:`.
enum TLSKey: String, ConfigurationKey {
    case caFile = "ca_file"
    case certificateFile = "certificate_file"
    case keyFile = "key_file"
}

/// Keys of `store:`.
enum StoreKey: String, ConfigurationKey {
    case path
}

/// Keys of `limits:`.
enum LimitKey: String, ConfigurationKey {
    case maximumMessage = "max_message"
    case maximumDocument = "max_document"
    case maximumDepth = "max_depth"
}

/// Keys of `worker:`.
enum WorkerKey: String, ConfigurationKey {
    case concurrency, prefetch, grace, keeper
    case maximumParked = "max_parked"
}

/// Keys of `retention:`.
enum RetentionKey: String, ConfigurationKey {
    case good, failed, ids
}

/// Keys of `dead_letters:`.
enum DeadLetterKey: String, ConfigurationKey {
    case maximumReplays = "max_replays"
}

/// Keys of one entry of `systems:`.
enum SystemKey: String, ConfigurationKey {
    case kind, path, circuit
}

/// Keys of `circuit:` of one entry of `systems:`.
enum CircuitKey: String, ConfigurationKey {
    case failures, ratio, window
    case probeEvery = "probe_every"
}

/// The kinds of systems.
enum SystemKindName: String, CaseIterable, Sendable {
    case embedded, sqlite
}
