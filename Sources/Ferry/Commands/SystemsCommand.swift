// ferry systems: the systems that are configured, what is in them, and whether it is what is declared.

internal import ArgumentParser
internal import DocumentSystems
internal import Foundation
internal import JobStore
internal import SyncJobs

/// `ferry systems`.
struct SystemsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "systems", abstract: "Looks at the configured systems and drafts their documents.",
        discussion: """
            EXAMPLES
              ferry systems list
              ferry systems inspect shop
              ferry systems check shop
            """,
        subcommands: [SystemsListCommand.self, SystemsInspectCommand.self, SystemsCheckCommand.self])
}

extension SystemSettings {
    /// The kind, as the configuration writes it.
    var kindName: String {
        switch kind {
        case .embedded: SystemKindName.embedded.rawValue
        case .sqlite: SystemKindName.sqlite.rawValue
        }
    }
}

extension Composition {
    /// The file that a system's documents are in.
    func file(of system: SystemSettings) -> String {
        switch system.kind {
        case .embedded: configuration.store.path
        case .sqlite(let path): path
        }
    }

    /// The document types of a system: those that are declared, in the order of the file, then those that only types of
    /// jobs name.
    func documentTypes(of system: SystemSettings) -> [DocumentType] {
        let named = configuration.types.all.flatMap { type in [type.source] + (type.target.map { [$0] } ?? []) }
        var known: Set<ExactString> = []
        return (configuration.documents.map(\.type) + named).filter { type in
            type.system.hasSameBytes(as: system.name) && known.insert(ExactString(type.name)).inserted
        }
    }

    /// The system of this name, or a failure that says which there are.
    func requireSystem(_ name: String) throws -> SystemSettings {
        guard let system = configuration.system(name) else {
            throw CommandFailure(
                .usage, "there is no system \"\(VisibleText.bare(name, limit: 80))\"",
                remedy: Suggestion.remedy(for: name, among: configuration.systems.map(\.name)))
        }
        return system
    }
}
