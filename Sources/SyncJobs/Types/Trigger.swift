// How change events become requests: which events of which document type, under which condition, meaning which source.

/// A rule by which change events become requests of a type.
public struct Trigger: Sendable, Hashable {
    /// The document type whose events are meant.
    public var document: DocumentType
    /// Which of its events.
    public var events: Set<ChangeEvent.Kind>
    /// A condition over `document` (the event's image); nil for always.
    public var when: Expression?
    /// Where the source document's name stands in the event's image; nil when the document is the source itself.
    public var sourceName: Path?

    /// Makes a trigger.
    public init(
        document: DocumentType, events: Set<ChangeEvent.Kind>, when: Expression? = nil, sourceName: Path? = nil
    ) {
        self.document = document
        self.events = events
        self.when = when
        self.sourceName = sourceName
    }
}

extension SyncJobType {
    /// The request that `event` becomes for this type; nil when no trigger fires.
    ///
    /// Its id derives from the event's id and the type, so that an event that is delivered twice makes one job.
    ///
    /// - Throws: ``JobFailure`` when a trigger fires but names no source document.
    public func request(for event: ChangeEvent) throws(JobFailure) -> SyncRequest? {
        guard !isDisabled else { return nil }
        for trigger in triggers where trigger.document == event.documentType && trigger.events.contains(event.event) {
            var scope = Scope()
            scope.document = event.document
            if let when = trigger.when, !when.isTrue(in: scope) { continue }
            return try request(for: event, by: trigger, in: scope)
        }
        return nil
    }

    private func request(
        for event: ChangeEvent, by trigger: Trigger, in scope: Scope
    ) throws(JobFailure) -> SyncRequest {
        var sourceName = event.documentName
        if let path = trigger.sourceName {
            guard let name = path.value(in: scope)?.nameText else {
                throw JobFailure(
                    .missingField,
                    "the event's document has no \"\(path)\", which the type \"\(name)\" needs for its source",
                    remedy: "send the document's image with the event, or correct the trigger's source_name")
            }
            sourceName = name
        }
        var id = "\(event.id):\(slug)"
        if id.utf8.count > SyncRequest.maximumIDBytes { id = "\(Digest(ofParts: [event.id]).hex):\(slug)" }
        var request = SyncRequest(id: id, type: name, sourceName: sourceName)
        request.sourceDocumentType = source.name
        request.triggerType = .documentHook
        request.triggeredByDocumentType = event.documentType.name
        request.triggeredByDocumentName = event.documentName
        request.triggerDocumentTimestamp = event.modified
        request.hops = event.hops
        let isTheSource = trigger.sourceName == nil && event.documentType == source
        if isTheSource {
            request.sourceVersion = event.version
            if event.event == .delete {
                // The sign of a delete, and the tombstone where the source system keeps none.
                request.operation = .delete
                request.document = event.document
            }
        }
        return request
    }
}

extension JSONValue {
    /// The text of a string, or a number as written: what can be a document's name.
    public var nameText: String? {
        switch self {
        case .string(let text): text.isEmpty ? nil : text
        case .number(let number): number.text
        default: nil
        }
    }
}
