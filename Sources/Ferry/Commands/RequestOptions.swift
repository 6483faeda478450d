// A request's fields as flags.

internal import ArgumentParser
internal import SyncJobs

/// What is to be synced into what.
struct RequestedSyncOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The source document.", valueName: "name"))
    var source: String?

    @Option(
        name: .long,
        help: ArgumentHelp("What is done to the target: insert, update or delete.", valueName: "operation"),
        transform: Parsing.operation)
    var operation: DocumentOperation?

    @Option(name: .long, help: ArgumentHelp("The target document; needs --operation.", valueName: "name"))
    var target: String?

    @Option(
        name: .long, help: ArgumentHelp("Which of the source's several targets is meant.", valueName: "key"))
    var targetKey: String?

    @Option(name: .long, help: ArgumentHelp("An object for the controller: JSON, @file or -.", valueName: "json"))
    var context: String?

    /// The flags that were given, as a producer's message has them.
    func object(maximumBytes: Int) throws -> JSONObject {
        var object = JSONObject()
        func put(_ field: SyncRequestField, _ value: JSONValue?) { if let value { object[field.rawValue] = value } }
        put(.sourceDocumentName, source.map { .string($0) })
        put(.operation, operation.map { .string($0.rawValue) })
        put(.targetDocumentName, target.map { .string($0) })
        put(.targetKey, targetKey.map { .string($0) })
        if let context {
            put(.context, .object(try Parsing.object(context, named: "--context", maximumBytes: maximumBytes)))
        }
        return object
    }
}

extension RequestedSyncOptions: Sendable {}

/// Fields of a request.
struct RequestOptions: ParsableArguments {
    @OptionGroup var sync: RequestedSyncOptions

    @Option(name: .long, help: ArgumentHelp("The job's id. Default: random.", valueName: "id"))
    var id: String?

    @Flag(name: .long, help: "Do everything but the write.")
    var dryRun = false

    @Option(name: .long, help: ArgumentHelp("Another queue than the type's.", valueName: "queue"))
    var queue: String?

    @Option(
        name: .long, help: ArgumentHelp("Another timeout than the type's.", valueName: "duration"),
        transform: Parsing.duration)
    var timeout: Duration?

    @Option(
        name: .long, help: ArgumentHelp("Another number of retries than the type's; 0 for none.", valueName: "n"))
    var maxRetries: Int?

    @Option(
        name: .long, help: ArgumentHelp("Another delay before a retry than the type's.", valueName: "duration"),
        transform: Parsing.duration)
    var retryDelay: Duration?

    @Option(
        name: .long,
        help: ArgumentHelp("Not to be run before: RFC 3339, or a duration from now on.", valueName: "time"),
        transform: Parsing.instant)
    var notBefore: Timestamp?

    @Option(
        name: .long,
        help: ArgumentHelp("While a job of the type with this key waits or runs, no other does.", valueName: "key"))
    var dedupKey: String?

    @Flag(name: .long, help: "Only create the job; ferry jobs start sets it off.")
    var hold = false

    @Option(
        name: .long,
        help: ArgumentHelp("Who asks: Manual, Scheduler, Webhook, API, Document Hook.", valueName: "who"),
        transform: Parsing.triggerType)
    var triggerType: SyncRequest.TriggerType?

    @Flag(name: .long, inversion: .prefixedEnableDisable, help: "Whether new target documents are made.")
    var insert: Bool?

    @Flag(name: .long, inversion: .prefixedEnableDisable, help: "Whether existing target documents are changed.")
    var update: Bool?

    @Flag(name: .long, inversion: .prefixedEnableDisable, help: "Whether target documents are deleted.")
    var delete: Bool?

    @Flag(name: .long, inversion: .prefixedNo, help: "Whether an update without differences is written all the same.")
    var updateWithoutChanges: Bool?

    @Flag(name: .long, inversion: .prefixedNo, help: "Whether the record keeps the target's images before and after.")
    var verboseLogging: Bool?

    /// The flags that were given, as a producer's message has them.
    func object(maximumBytes: Int) throws -> JSONObject {
        var object = try sync.object(maximumBytes: maximumBytes)
        func put(_ field: SyncRequestField, _ value: JSONValue?) { if let value { object[field.rawValue] = value } }
        put(.id, id.map { .string($0) })
        put(.dryRun, dryRun ? true : nil)
        put(.queue, queue.map { .string($0) })
        put(.timeout, timeout.map { .string($0.text) })
        put(.maxRetries, maxRetries.map { .int($0) })
        put(.retryDelay, retryDelay.map { .string($0.text) })
        put(.notBefore, notBefore.map { .string($0.description) })
        put(.dedupKey, dedupKey.map { .string($0) })
        put(.hold, hold ? true : nil)
        put(.triggerType, triggerType.map { .string($0.rawValue) })
        put(.insertEnabled, insert.map { .bool($0) })
        put(.updateEnabled, update.map { .bool($0) })
        put(.deleteEnabled, delete.map { .bool($0) })
        put(.updateWithoutChangesEnabled, updateWithoutChanges.map { .bool($0) })
        put(.verboseLogging, verboseLogging.map { .bool($0) })
        return object
    }
}
