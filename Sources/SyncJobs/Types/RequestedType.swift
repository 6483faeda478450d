// Which type a request means, and whether the two fit: asked by a worker of what it receives and by a command of what it is
// about to send, so that both refuse the same things in the same words.

extension SyncJobTypes {
    /// The type that `request` means.
    ///
    /// - Throws: ``JobFailure``, always permanent: `unknown_type`, `type_disabled`, or `invalid_field` when the request
    ///   says another source document type than the type has, or names a source document that is too long.
    public func type(for request: SyncRequest) throws(JobFailure) -> SyncJobType {
        guard let type = self[request.syncJobType] else {
            throw JobFailure(
                .unknownType, "there is no sync job type \"\(request.syncJobType.prefix(140))\"",
                remedy: remedy(forUnknown: request.syncJobType))
        }
        guard !type.isDisabled else {
            throw JobFailure(
                .typeDisabled, "the sync job type \"\(type.name)\" is disabled",
                remedy: "enable it (disabled: false), then send the request again or replay its dead letter")
        }
        if let said = request.sourceDocumentType, !said.hasSameBytes(as: type.source.name) {
            throw JobFailure(
                .invalidField,
                "the request's source is a \"\(said.prefix(140))\", the type \"\(type.name)\" syncs \"\(type.source.name)\"",
                remedy: "correct \"source_document_type\", or leave it out")
        }
        if let name = request.sourceDocumentName, name.utf8.count > DocumentKey.maximumNameBytes {
            throw JobFailure(
                .invalidField, "the source document's name is \(name.utf8.count) bytes long",
                remedy: "at most \(DocumentKey.maximumNameBytes) bytes are taken")
        }
        return type
    }

    private func remedy(forUnknown name: String) -> String {
        let known = all.map(\.slug)
        if let near = name.slug.nearest(among: known) { return "did you mean \(near)?" }
        let shown = known.prefix(20).joined(separator: ", ") + (known.count > 20 ? " …" : "")
        return "correct the name, or add the type to the configuration; known: \(known.isEmpty ? "none" : shown)"
    }
}
