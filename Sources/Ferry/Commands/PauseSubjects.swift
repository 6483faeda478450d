// What pause and resume mean: types by name or slug, queues and systems by their flags.

internal import ArgumentParser
internal import SyncJobs

/// Types, queues and systems.
struct PauseSubjects: ParsableArguments {
    @Argument(help: ArgumentHelp("Types, by name or slug.", valueName: "type"))
    var types: [String] = []

    @Option(name: .long, help: ArgumentHelp("A queue; repeat it for more.", valueName: "queue"))
    var queue: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("A system: every type that reads or writes it. Repeat it for more.", valueName: "system"))
    var system: [String] = []

    /// Whether nothing is named.
    var isEmpty: Bool { types.isEmpty && queue.isEmpty && system.isEmpty }

    /// What is meant, each once.
    ///
    /// - Throws: ``CommandFailure`` (usage) for a name that is not configured.
    func named(_ composition: Composition) throws -> [(kind: Pause.Kind, name: String)] {
        var named: [(kind: Pause.Kind, name: String)] = []
        func add(_ kind: Pause.Kind, _ name: String) {
            guard !named.contains(where: { $0.kind == kind && $0.name.hasSameBytes(as: name) }) else { return }
            named.append((kind, name))
        }
        for type in types { add(.type, try composition.type(type).slug) }
        for queue in queue {
            try composition.requireQueue(queue)
            add(.queue, queue)
        }
        for system in system {
            try composition.requireSystem(of: DocumentType(system: system, name: "*"))
            add(.system, system)
        }
        return named
    }
}
