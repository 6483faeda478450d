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
            "verbose_logging": .bool(flags.verboseLogging), "on_failure": .string(onFailure.rawValue),
            "coalesce": .bool(coalesces), "exclusive": .bool(isExclusive), "on_gone": .string(onGone.rawValue),
            "controller": .string(controller.way.name),
        ]
        if let orderBy { object["order_by"] = .string("\(orderBy)") }
        if let target { object["target"] = .string(target.description) }
        object["triggers"] = .array(
            triggers.map { trigger in
                var entry: JSONObject = [
                    "document": .string(trigger.document.description),
                    "events": .array(trigger.eventNames.map { .string($0) }),
                ]
                if let when = trigger.when { entry["when"] = .string("\(when)") }
                if let path = trigger.sourceName { entry["source_name"] = .string("\(path)") }
                if let context = trigger.context { entry["context"] = context.json }
                return .object(entry)
            })
        object["schedules"] = .array(schedules.map(\.json))
        return .object(object)
    }
}

extension Schedule {
    /// The schedule as JSON, with the keys of the configuration.
    var json: JSONValue {
        var object: JSONObject = [
            "name": .string(name), "cron": .string(cron.description), "zone": .string(zone.name),
            "overlap": .string(overlap.rawValue), "missed": .string(missed.rawValue),
        ]
        if let sourceName { object["source_name"] = .string(sourceName) }
        if let context { object["context"] = .object(context) }
        return .object(object)
    }
}

extension [Trigger.ContextField] {
    /// As the configuration writes it.
    fileprivate var json: JSONValue {
        var object = JSONObject()
        for entry in self {
            switch entry.value {
            case .path(let path): object[entry.field] = .string("\(path)")
            case .constant(let value): object[entry.field] = ["value": value]
            }
        }
        return .object(object)
    }
}

extension Trigger {
    /// The events, in the order of the specification.
    var eventNames: [String] { ChangeEvent.Kind.allCases.filter(events.contains).map(\.rawValue) }
}
