// Where the documents of one type live and how they are declared: the same for every job of a type, so looked up once for all.
public import SyncJobs

/// A document type with its declared shape, as its system has it.
///
/// A class, because every job of a type holds it.
public final class DocumentPlace: Sendable {
    /// The document type.
    public let type: DocumentType
    /// The declared shape; one that declares nothing when there is none.
    public let shape: DocumentShape
    /// What is masked of it.
    public let sensitive: SensitiveFields
    /// Whether its writes travel with the job's own commit.
    public let isEmbedded: Bool

    init(type: DocumentType, system: (any DocumentSystem)?) {
        self.type = type
        shape = system?.shape(of: type.name) ?? DocumentShape()
        sensitive = SensitiveFields(of: shape)
        isEmbedded = system?.isEmbedded ?? false
    }
}
