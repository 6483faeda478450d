// How change events become requests: which events of which document type, under which condition, meaning which source,
// with which context. Pure; what an event becomes depends on nothing but the event and the type.

/// A rule by which change events become requests of a type.
public struct Trigger: Sendable, Hashable {
    /// The document type whose events are meant.
    public var document: DocumentType
    /// Which of its events.
    ///
    /// `rename` has a meaning only for the source itself.
    public var events: Set<ChangeEvent.Kind>
    /// A condition over `document` (the event's image); nil for always.
    public var when: Expression?
    /// Where the source document's name stands in the event's image; nil when the document is the source itself.
    public var sourceName: Path?
    /// The fields of the request's context, in the order in which they are written; nil for a request without context.
    public var context: [ContextField]?

    /// Where one field of a request's context comes from.
    public struct ContextField: Sendable, Hashable {
        /// What the field holds.
        public enum Value: Sendable, Hashable {
            /// What stands at this path of the event's image; a missing one leaves the field out.
            case path(Path)
            /// This.
            case constant(JSONValue)
        }

        /// The field.
        public var field: String
        /// What it holds.
        public var value: Value

        /// Makes a field.
        public init(field: String, value: Value) {
            self.field = field
            self.value = value
        }
    }

    /// Makes a trigger.
    public init(
        document: DocumentType, events: Set<ChangeEvent.Kind>, when: Expression? = nil, sourceName: Path? = nil,
        context: [ContextField]? = nil
    ) {
        self.document = document
        self.events = events
        self.when = when
        self.sourceName = sourceName
        self.context = context
    }
}

extension SyncJobType {
    /// The request that `event` becomes for this type; nil when no trigger fires.
    ///
    /// Its id derives from the event's id and the type, so that an event that is delivered twice makes one job.
    ///
    /// - Throws: ``JobFailure``: `missing_field` when a trigger fires but names no source document, or the event of a rename
    ///   no old name; `loop` when the change has passed through too many systems.
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
        request.context = trigger.context.map { $0.context(in: scope) }
        // Each trip through Ferry is a hop: types whose triggers feed each other end as a loop.
        request.hops = event.hops + 1
        try SyncRequest.refuseLoop(hops: request.hops)
        guard trigger.sourceName == nil, event.documentType == source else { return request }
        request.sourceVersion = event.version
        switch event.event {
        case .insert, .update: break
        case .delete:
            // The sign of a delete, and the tombstone where the source system keeps none.
            request.operation = .delete
            request.document = event.document
        case .rename:
            guard let oldName = event.oldName, !oldName.isEmpty else {
                throw JobFailure(
                    .missingField, "the rename event has no \"old_name\"",
                    remedy: "send the name that the document had before in \"old_name\"")
            }
            if !oldName.hasSameBytes(as: sourceName) { request.oldSourceDocumentName = oldName }
        }
        return request
    }
}

extension [Trigger.ContextField] {
    fileprivate func context(in scope: Scope) -> JSONObject {
        var context = JSONObject()
        for entry in self {
            switch entry.value {
            case .path(let path): if let value = path.value(in: scope) { context[entry.field] = value }
            case .constant(let value): context[entry.field] = value
            }
        }
        return context
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
