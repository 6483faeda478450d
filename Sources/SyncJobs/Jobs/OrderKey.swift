// The key within which jobs run one at a time, in arrival order.

extension SyncRequest {
    /// The ordering key of a request of the type `typeSlug`, as 32 hexadecimal digits: its type, source document and target
    /// key; the job's own id where no source document is named.
    ///
    /// A child of a relay has a key of its own, so that children of one source run side by side.
    public func orderKey(typeSlug: String) -> String {
        guard let name = sourceDocumentName, !name.isEmpty else { return Digest(ofParts: [typeSlug, "id", id]).hex }
        guard let targetKey else { return Digest(ofParts: [typeSlug, "source", name]).hex }
        return Digest(ofParts: [typeSlug, "target", name, targetKey]).hex
    }

    /// The ordering key of a request of `type`: what its `order_by` reads, else ``orderKey(typeSlug:)``.
    public func orderKey(of type: SyncJobType) -> String {
        guard let path = type.orderBy else { return orderKey(typeSlug: type.slug) }
        var scope = Scope()
        scope.context = context
        scope.document = document
        scope.job = json
        guard let value = path.value(in: scope), !value.isNull else { return orderKey(typeSlug: type.slug) }
        return Digest(ofParts: [type.slug, "order_by", value.canonicalText]).hex
    }
}
