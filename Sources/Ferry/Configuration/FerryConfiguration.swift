// Everything that ferry.yaml says, read and checked once, as plain values: nothing here opens a store, a file of
// documents or a connection. Who composes a process from it is elsewhere.
// Invariant: a value of this type has no problems; whatever is wrong was thrown, all of it at once.

internal import SyncBroker
public import SyncJobs

/// A configuration without problems.
///
/// ```swift
/// let path = try ConfigurationLocation.find(flag: nil, environment: environment)
/// let configuration = try FerryConfiguration.load(path: path, environment: environment)
/// ```
public struct FerryConfiguration: Sendable {
    /// A pure function that `using:` in a mapping names.
    public typealias Function = MappingFunction

    /// The file, as it was named.
    public let file: String
    /// The `broker:` section.
    public let broker: BrokerSettings
    /// The `store:` section.
    public let store: StoreSettings
    /// `queues`: the custom work queues beside ``builtInQueues``.
    ///
    /// Default none.
    public let customQueues: [String]
    /// The `limits:` section.
    public let limits: LimitSettings
    /// The `worker:` section.
    public let worker: WorkerSettings
    /// The `retention:` section.
    public let retention: RetentionSettings
    /// The `dead_letters:` section.
    public let deadLetters: DeadLetterSettings
    /// The `systems:` section, in the order of the file.
    public let systems: [SystemSettings]
    /// The `documents:` section, in the order of the file.
    public let documents: [DocumentSettings]
    /// The `types:` section, in the order of the file.
    public let types: SyncJobTypes

    /// The work queues that are always there.
    public static let builtInQueues = ["short", "default", "long"]

    /// All work queues: the built-in ones, then the custom ones.
    public var queues: [String] { Self.builtInQueues + customQueues }

    /// The system of this name; nil when there is none.
    public func system(_ name: String) -> SystemSettings? { systems.first { $0.name.hasSameBytes(as: name) } }

    /// What is declared of a document type; nil when nothing is.
    public func document(_ type: DocumentType) -> DocumentSettings? {
        documents.first { $0.type.description.hasSameBytes(as: type.description) }
    }

    /// The declared shapes by the full names of their document types (`erp.Customer`), as a test of the types takes them.
    public var shapes: [String: DocumentShape] {
        Dictionary(documents.map { ($0.type.description, $0.shape) }) { first, _ in first }
    }

    /// How many deliveries of `queue` a process may hold, so that the last of them is acknowledged before the broker's
    /// `consumer_timeout`: (prefetch ÷ concurrency + 1) × the longest timeout of the queue's types stays below it.
    ///
    /// At most ``WorkerSettings/prefetch``; otherwise not below ``WorkerSettings/concurrency``, and for `long` not
    /// above it. Types whose runs wait for nothing but the store take no place, and never so long: they don't count.
    public func prefetch(ofQueue queue: String) -> Int {
        guard queue != "long" else { return min(worker.prefetch, worker.concurrency) }
        let all = types.all.filter { $0.queue == queue }
        let open = all.filter { !$0.needsNoPlace { system($0)?.kind == .embedded } }
        guard !open.isEmpty || all.isEmpty else { return worker.prefetch }
        let longest = open.map(\.timeout).max() ?? SyncJobType.defaultTimeout(ofQueue: queue)
        let rounds = Int((broker.consumerTimeout.microseconds - 1) / max(1, longest.microseconds)) - 1
        let safe = max(rounds, 1).multipliedReportingOverflow(by: worker.concurrency)
        return min(worker.prefetch, safe.overflow ? worker.prefetch : safe.partialValue)
    }

    /// Reads the file at `path` and checks it.
    ///
    /// - Parameters:
    ///   - path: the file; relative paths in it begin at its folder.
    ///   - environment: what `${NAME}` refers to.
    ///   - controllers: the registered controllers that `controller:` of a type names.
    ///   - functions: the registered functions that `using:` of a mapping names.
    /// - Throws: ``ConfigurationError`` with all problems at once.
    public static func load(
        path: String, environment: [String: String], controllers: [String: any SyncController] = [:],
        functions: [String: Function] = [:]
    ) throws(ConfigurationError) -> FerryConfiguration {
        let bytes: [UInt8]
        do { bytes = try FilePath.read(path, maximumBytes: YAMLDocument.maximumBytes) } catch {
            throw ConfigurationError(file: path, failure: error)
        }
        return try read(
            bytes, file: path, environment: environment, controllers: controllers, functions: functions)
    }

    /// Reads a configuration's text and checks it; an empty text means all defaults.
    ///
    /// - Parameter file: what the text is called in problems, and whose folder relative paths begin at.
    /// - Throws: ``ConfigurationError`` with all problems at once.
    public static func read(
        _ text: [UInt8], file: String, environment: [String: String],
        controllers: [String: any SyncController] = [:], functions: [String: Function] = [:]
    ) throws(ConfigurationError) -> FerryConfiguration {
        let references = ReferenceExpansion(environment: environment, folder: FilePath.folder(of: file))
        let document = YAMLDocument(text, references: references)
        var reader = ConfigurationReader(references: document.references)
        let draft = reader.readDraft(document.root, controllers: controllers, functions: functions)
        reader.check(draft)
        let distinct = reader.distinct(draft.types)
        let problems = document.problems + reader.problems.filter { !document.explains($0) }
        guard problems.isEmpty else {
            throw ConfigurationError(file: file, problems: problems.map(document.references.masking))
        }
        let types: SyncJobTypes
        do { types = try SyncJobTypes(distinct) } catch {
            let problem = ConfigProblem(line: 1, place: "types", message: error.message, remedy: error.remedy)
            throw ConfigurationError(file: file, problems: [problem])
        }
        return FerryConfiguration(
            file: file, broker: draft.broker, store: draft.store, customQueues: draft.customQueues,
            limits: draft.limits, worker: draft.worker, retention: draft.retention,
            deadLetters: draft.deadLetters, systems: draft.systems.map(\.settings),
            documents: draft.documents, types: types)
    }
}

extension SyncJobType {
    /// Whether all its jobs run together, in no place of their own.
    fileprivate func needsNoPlace(_ isEmbedded: (String) -> Bool) -> Bool {
        if case .multiple = controller.way { return false }
        return needsOnlyStore(isEmbedded) && !isExclusive && onFailure != .block
    }
}
