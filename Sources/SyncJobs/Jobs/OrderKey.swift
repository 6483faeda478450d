// The key within which jobs run one at a time, in arrival order.

/// What a request is ordered by: its type and source document, or what its type's `order_by` reads.
///
/// A child of a relay has a key of its own, so that children of one source run side by side.
public struct OrderKey: Sendable, Hashable {
    /// What `name` is.
    fileprivate enum Kind: String {
        /// The job's own id, where no source document is named.
        case id
        /// The source document's name.
        case source
        /// The same, of a child of a relay with its own target key.
        case target
        /// The canonical text of what `order_by` reads.
        case orderBy = "order_by"
    }

    private let typeSlug: ExactString
    private let kind: Kind
    private let name: ExactString
    private let targetKey: ExactString?

    fileprivate init(_ typeSlug: String, _ kind: Kind, _ name: String, targetKey: String? = nil) {
        self.typeSlug = ExactString(typeSlug)
        self.kind = kind
        self.name = ExactString(name)
        self.targetKey = targetKey.map { ExactString($0) }
    }

    /// The key of a request of `type`: what its `order_by` reads, else its source document.
    public init(_ request: SyncRequest, type: SyncJobType) { self = request.order(of: type) }

    /// The key as 32 hexadecimal digits, as the store and messages have it.
    public var text: String {
        Digest(ofParts: [typeSlug.text, kind.rawValue, name.text] + [targetKey?.text].compactMap { $0 }).hex
    }
}

extension SyncRequest {
    /// The ordering key of a request of the type `typeSlug`, as 32 hexadecimal digits: its type, source document and target
    /// key; the job's own id where no source document is named.
    public func orderKey(typeSlug: String) -> String { order(typeSlug: typeSlug).text }

    /// The ordering key of a request of `type`, as 32 hexadecimal digits; see ``OrderKey``.
    public func orderKey(of type: SyncJobType) -> String { order(of: type).text }

    fileprivate func order(typeSlug: String) -> OrderKey {
        guard let name = sourceDocumentName, !name.isEmpty else { return OrderKey(typeSlug, .id, id) }
        guard let targetKey else { return OrderKey(typeSlug, .source, name) }
        return OrderKey(typeSlug, .target, name, targetKey: targetKey)
    }

    fileprivate func order(of type: SyncJobType) -> OrderKey {
        guard let path = type.orderBy else { return order(typeSlug: type.slug) }
        var scope = Scope()
        scope.context = context
        scope.document = document
        scope.job = json
        guard let value = path.value(in: scope), !value.isNull else { return order(typeSlug: type.slug) }
        return OrderKey(type.slug, .orderBy, value.canonicalText)
    }
}
