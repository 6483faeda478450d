// What stands around a request or a change event: plain JSON, or CloudEvents 1.0 in structured JSON mode
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md), and where the id comes from.

/// A decoded message body: the object that matters, and the id.
struct MessageEnvelope {
    let content: JSONObject
    let id: String

    init(_ body: [UInt8], messageID: String?, maximumDepth: Int) throws(JobFailure) {
        let value: JSONValue
        do { value = try JSONParser.parse(body, maximumDepth: maximumDepth) } catch { throw JobFailure(error) }
        guard let object = value.objectValue else {
            throw JobFailure(
                .notAnObject, "the body is \(value.kind), not a JSON object",
                remedy: "send an object as the contract files describe it")
        }
        let isCloudEvent = object["specversion"] != nil
        content = isCloudEvent ? try Self.cloudEventData(object) : object
        let bodyID = content["id"]
        if let bodyID, !bodyID.isNull, bodyID.stringValue == nil {
            throw JobFailure(.invalidID, "\"id\" is \(bodyID.kind)", remedy: "send a string")
        }
        guard
            let found = messageID.nonEmpty ?? bodyID?.stringValue.nonEmpty
                ?? (isCloudEvent ? Self.cloudEventID(object).nonEmpty : nil)
        else {
            throw JobFailure(
                .missingID, "the message has no id",
                remedy: "set the AMQP message_id, or \"id\" in the body, to something unique for each change")
        }
        guard found.utf8.count <= SyncRequest.maximumIDBytes else {
            throw JobFailure(
                .invalidID, "the id is \(found.utf8.count) bytes long",
                remedy: "use at most \(SyncRequest.maximumIDBytes) bytes")
        }
        id = found
    }

    private static func cloudEventID(_ event: JSONObject) -> String? {
        guard let source = event["source"]?.stringValue, let id = event["id"]?.stringValue else { return nil }
        return source + id
    }

    private static func cloudEventData(_ event: JSONObject) throws(JobFailure) -> JSONObject {
        guard event["specversion"]?.stringValue?.hasPrefix("1.") == true else {
            throw JobFailure(
                .invalidField, "the CloudEvents \"specversion\" is not 1.x",
                remedy: "send CloudEvents 1.0, or plain JSON")
        }
        guard let data = event["data"]?.objectValue else {
            throw JobFailure(
                .missingField, "the CloudEvents event has no object in \"data\"",
                remedy: "put the request into \"data\" as a JSON object")
        }
        return data
    }
}

extension String? {
    /// The text; nil also where it is empty.
    fileprivate var nonEmpty: String? { self?.isEmpty == false ? self : nil }
}

extension JobFailure {
    /// A body that is not the JSON we take, as the reason of a dead letter.
    init(_ error: JSONError) {
        let code = Code(rawValue: error.code.rawValue) ?? .invalidJSON
        let remedy =
            switch error.code {
            case .invalidJSON: "correct the message; any JSON validator shows the place"
            case .invalidUTF8: "encode the message as UTF-8"
            case .duplicateKey: "send each key once"
            case .tooDeep: "nest less deeply"
            case .numberOutOfRange: "send the number as a string"
            }
        self.init(code, "\(error.message) (byte \(error.offset))", remedy: remedy)
    }
}
