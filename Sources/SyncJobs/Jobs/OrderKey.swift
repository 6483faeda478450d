// The key within which jobs run one at a time, in arrival order.

extension SyncRequest {
    /// The ordering key of a request of the type `typeSlug`: its type and source document, as 32 hexadecimal digits; the
    /// job's own id where no source document is named.
    public func orderKey(typeSlug: String) -> String {
        guard let name = sourceDocumentName, !name.isEmpty else { return Digest(ofParts: [typeSlug, "id", id]).hex }
        return Digest(ofParts: [typeSlug, "source", name]).hex
    }
}
