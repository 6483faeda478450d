// Where the documents of the types of jobs live, looked up when the engine is put together: types are few, jobs are many.

internal import DocumentSystems
internal import SyncJobs

/// The places of one type's documents.
final class TypePlaces: Sendable {
    let source: DocumentPlace
    /// Nil where the controller names the target's type.
    let target: DocumentPlace?
    /// See ``SyncJobType/systems``.
    let systems: [String]

    init(_ type: SyncJobType, in systems: DocumentSystems) {
        source = systems.place(of: type.source)
        target = type.target.map { systems.place(of: $0) }
        self.systems = type.systems
    }
}

/// The places of all types.
struct AllPlaces: Sendable {
    private let systems: DocumentSystems
    private let bySlug: [String: TypePlaces]

    init(_ types: SyncJobTypes, in systems: DocumentSystems) {
        self.systems = systems
        bySlug = Dictionary(
            types.all.map { ($0.slug, TypePlaces($0, in: systems)) }, uniquingKeysWith: { first, _ in first })
    }

    subscript(type: SyncJobType) -> TypePlaces { bySlug[type.slug] ?? TypePlaces(type, in: systems) }
}
