// Why a job failed, as its record keeps it: what is shown, and how the job goes on.
internal import SyncJobs

extension JobFailure {
    /// What is shown, and how the job goes on.
    var storedJSON: JSONValue {
        var object = json.objectValue ?? JSONObject()
        if let system { object["system"] = .string(system) }
        switch disposition {
        case .permanent: object["disposition"] = "permanent"
        case .cancel: object["disposition"] = "cancel"
        case .retryable(let after):
            object["disposition"] = "retryable"
            if let after { object["after_us"] = .number(JSONNumber(after.microseconds)) }
        case .snooze(let after):
            object["disposition"] = "snooze"
            object["after_us"] = .number(JSONNumber(after.microseconds))
        }
        return .object(object)
    }

    /// Reads `storedJSON`.
    init(storedJSON: JSONValue) throws {
        guard let object = storedJSON.objectValue, let code = object["code"]?.stringValue.flatMap(Code.init(rawValue:)),
            let message = object["message"]?.stringValue, let remedy = object["remedy"]?.stringValue,
            let disposition = Self.disposition(object)
        else { throw JobStoreError.unreadable("failure") }
        self.init(code, message, remedy: remedy, disposition: disposition)
        system = object["system"]?.stringValue
    }

    private static func disposition(_ object: JSONObject) -> Disposition? {
        let after = object["after_us"]?.numberValue?.int64.map { Duration.microseconds($0) }
        switch object["disposition"]?.stringValue {
        case "permanent": return .permanent
        case "cancel": return .cancel
        case "retryable": return .retryable(after: after)
        case "snooze": return after.map { .snooze($0) }
        default: return nil
        }
    }
}
