// ferry types: what is configured, and whether it holds against the systems.

internal import ArgumentParser
internal import SyncJobs

/// `ferry types`.
struct TypesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "types", abstract: "Looks at the configured sync job types, and writes new ones.",
        discussion: """
            EXAMPLES
              ferry types list
              ferry types check
              ferry types check country_sync
              ferry types test
              ferry types new "Customer Sync"
            """,
        subcommands: [TypesListCommand.self, TypesCheckCommand.self, TypesTestCommand.self, TypesNewCommand.self])
}

extension SyncJobType {
    /// The type as JSON, with the field names of the specification.
    var json: JSONValue {
        var object: JSONObject = [
            "name": .string(name), "slug": .string(slug), "source": .string(source.description),
            "queue": .string(queue),
            "timeout": .string(timeout.text), "retry_delay": .string(retryPolicy.delay.text),
            "backoff": .string(retryPolicy.backoff.rawValue), "max_retries": .int(retryPolicy.maxRetries),
            "disabled": .bool(isDisabled), "insert_enabled": .bool(flags.insertEnabled),
            "update_enabled": .bool(flags.updateEnabled), "delete_enabled": .bool(flags.deleteEnabled),
            "update_without_changes_enabled": .bool(flags.updateWithoutChangesEnabled),
            "verbose_logging": .bool(flags.verboseLogging),
        ]
        if let target { object["target"] = .string(target.description) }
        object["triggers"] = .array(
            triggers.map { trigger in
                var entry: JSONObject = [
                    "document": .string(trigger.document.description),
                    "events": .array(trigger.eventNames.map { .string($0) }),
                ]
                if let when = trigger.when { entry["when"] = .string("\(when)") }
                if let path = trigger.sourceName { entry["source_name"] = .string("\(path)") }
                return .object(entry)
            })
        return .object(object)
    }
}

extension Trigger {
    /// The events, in the order of the specification.
    var eventNames: [String] { ChangeEvent.Kind.allCases.filter(events.contains).map(\.rawValue) }
}
