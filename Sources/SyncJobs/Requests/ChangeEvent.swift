// "This document changed", as an upstream system says it. Triggers turn it into requests.

/// A change event of an upstream system.
public struct ChangeEvent: Sendable, Hashable {
    /// What happened to the document.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case insert, update, delete, rename
    }

    /// Unique for each change.
    public var id: String
    /// The document's system and type.
    public var documentType: DocumentType
    /// The document's name.
    public var documentName: String
    /// What happened.
    public var event: Kind
    /// Its name before a rename.
    public var oldName: String?
    /// Its version.
    public var version: String?
    /// When it changed, RFC 3339.
    public var modified: String?
    /// Its image; for a delete the last one, which serves as tombstone.
    public var document: JSONObject?
    /// How many systems the change has passed through.
    public var hops = 0

    private static let fields = FieldNames([
        "id", "system", "document_type", "document_name", "event", "old_name", "version", "modified", "document",
        "hops",
    ])

    /// Makes an event.
    public init(id: String, documentType: DocumentType, documentName: String, event: Kind) {
        self.id = id
        self.documentType = documentType
        self.documentName = documentName
        self.event = event
    }

    /// Decodes an event from a message's body: the plain JSON object, or a CloudEvents 1.0 event around it.
    ///
    /// - Parameter messageID: the AMQP `message_id`; it goes before an id in the body.
    /// - Throws: ``JobFailure``, always permanent, with the reason for the dead letter.
    public init(
        decoding body: [UInt8], messageID: String?, maximumDepth: Int = JSONParser.defaultMaximumDepth
    ) throws(JobFailure) {
        let envelope = try MessageEnvelope(body, messageID: messageID, maximumDepth: maximumDepth)
        let fields = FieldReader(envelope.content)
        try fields.refuseUnknown(among: Self.fields, in: "a change event")
        func required(_ field: String) throws(JobFailure) -> String {
            guard let text = try fields.string(field), !text.isEmpty else {
                throw JobFailure(
                    .missingField, "the change event has no \"\(field)\"",
                    remedy: "add it as the contract files describe")
            }
            return text
        }
        let type = DocumentType(system: try required("system"), name: try required("document_type"))
        let name = try required("document_name")
        guard let kind = try fields.choice("event", { Kind(rawValue: $0.lowercased()) }) else {
            throw JobFailure(
                .missingField, "the change event has no \"event\"", remedy: "add insert, update, delete or rename")
        }
        self.init(id: envelope.id, documentType: type, documentName: name, event: kind)
        oldName = try fields.string("old_name")
        version = try fields.version("version")
        modified = try fields.timestamp("modified")
        document = try fields.object("document")
        hops = try fields.count("hops", maximum: 1_000_000) ?? 0
        try SyncRequest.refuseLoop(hops: hops)
    }

    /// The event as the JSON object that producers send, without what is left out.
    public var json: JSONObject {
        var object: JSONObject = [
            "id": .string(id), "system": .string(documentType.system), "document_type": .string(documentType.name),
            "document_name": .string(documentName), "event": .string(event.rawValue),
        ]
        object["old_name"] = oldName.map { .string($0) }
        object["version"] = version.map { .string($0) }
        object["modified"] = modified.map { .string($0) }
        object["document"] = document.map { .object($0) }
        object["hops"] = hops == 0 ? nil : .int(hops)
        return object
    }
}
