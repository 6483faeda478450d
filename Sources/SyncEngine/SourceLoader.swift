// The first verb of a run: the source document as it is, as it travelled with the message, or as it was before it was
// deleted; and whether it may be believed.

internal import DocumentSystems
internal import JobStore
internal import SyncJobs

/// Loads source documents.
struct SourceLoader: Sendable {
    let systems: DocumentSystems
    let maximumDocumentBytes: Int

    /// The source of a job.
    ///
    /// - Throws: ``JobFailure``: `source_not_visible`, `document_too_large`, `invalid_version`, `system_unavailable`.
    nonisolated(nonsending) func load(
        _ job: QueuedJob, in place: DocumentPlace, preparation: JobStore.Preparation
    ) async throws -> DocumentState {
        let request = job.request
        guard let name = request.sourceDocumentName, !name.isEmpty else { return .absent }
        let key = DocumentKey(type: place.type, name: name)
        // A delete is the sign that the source may be gone.
        let saysDeleted = request.operation == .delete
        if let image = request.document, !saysDeleted {
            return .present(Document(key: key, fields: image, version: try place.shape.version(in: image)))
        }
        let state: DocumentState
        if let prepared = preparation.source {
            state = try versioned(prepared, in: place)
        } else {
            state = try await systems.load(key)
        }
        // An earlier turn of this job has read the source and written: that it is gone since then is a sign as well.
        let wasRead = job.turn > 0 && preparation.intent != nil && request.document == nil
        if saysDeleted || wasRead, state.document == nil || state.isDeleted {
            let image = request.document ?? state.document?.fields ?? [:]
            var tombstone = Document(key: key, fields: image, version: try place.shape.version(in: image))
            // The delete itself may have a later version than the last image.
            if let said = try request.sourceVersion.flatMap({ try place.shape.version(reading: $0) }),
                tombstone.version?.isOlder(than: said) ?? true
            {
                tombstone.version = said
            }
            return .deleted(tombstone)
        }
        // The end of a relay is told about its source, which may be gone by then.
        if !saysDeleted, request.relayFinished == nil { try checkVisible(state, key: key, in: place, request: request) }
        try checkSize(state, key: key)
        return state
    }

    /// A source that the store handed out with the preparation: the store knows no shapes, the version stands in the fields.
    private func versioned(_ prepared: DocumentState, in place: DocumentPlace) throws -> DocumentState {
        try prepared.mapDocument { document in
            let version = try place.shape.version(in: document.fields)
            guard version != document.version else { return document }
            var document = document
            document.version = version
            return document
        }
    }

    private func checkVisible(
        _ state: DocumentState, key: DocumentKey, in place: DocumentPlace, request: SyncRequest
    ) throws {
        guard let document = state.document else {
            throw JobFailure(
                .sourceNotVisible, "the source document \(key.type) \"\(key.name.prefix(140))\" is not there",
                remedy: "check the name; if the document was deleted, send operation \"delete\" or a delete event",
                disposition: .retryable(after: nil))
        }
        if let seen = try request.sourceVersion.flatMap({ try place.shape.version(reading: $0) }),
            let version = document.version, version.isOlder(than: seen)
        {
            throw JobFailure(
                .sourceNotVisible,
                "the source document \(key.type) \"\(key.name.prefix(140))\" is still at version \(version), the request saw \(seen)",
                remedy: "the producer's commit may lag; send the request again later",
                disposition: .retryable(after: nil))
        }
    }

    private func checkSize(_ state: DocumentState, key: DocumentKey) throws {
        guard let document = state.document else { return }
        let bytes = document.byteCount
        guard bytes <= maximumDocumentBytes else {
            throw JobFailure(
                .documentTooLarge,
                "the source document \(key.type) \"\(key.name.prefix(140))\" has \(bytes) bytes",
                remedy:
                    "at most \(maximumDocumentBytes) are taken; raise limits.max_document, or leave large fields out")
        }
    }
}
