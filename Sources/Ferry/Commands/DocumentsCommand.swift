// ferry documents: documents of any configured system, and imports into the embedded ones.

internal import ArgumentParser
internal import DocumentSystems
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// `ferry documents`.
struct DocumentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "documents", abstract: "Reads and writes documents of the configured systems.",
        discussion: """
            EXAMPLES
              ferry documents import iso.Country iso_3166-1.json --path 3166-1 --name alpha_2 --publish
              ferry documents get shop.Account A-1
              ferry documents put erp.Customer C-7 --set label='"Oslo kommune"' --publish
            """,
        subcommands: [
            DocumentsImportCommand.self, DocumentsPutCommand.self, DocumentsGetCommand.self, DocumentsListCommand.self,
            DocumentsDeleteCommand.self,
        ])
}

/// What the commands about documents have in common.
struct DocumentAccess: Sendable {
    let composition: Composition
    let store: JobStore
    let system: any DocumentSystem
    let type: DocumentType

    /// Opens the system of `type`.
    init(_ composition: Composition, type: DocumentType) throws {
        try composition.requireSystem(of: type)
        let store = try composition.openStore()
        guard let system = try composition.systems(store: store)[type.system] else {
            throw CommandFailure(.usage, "there is no system \"\(type.system)\"", remedy: "declare it under systems:")
        }
        self.composition = composition
        self.store = store
        self.system = system
        self.type = type
    }

    /// The declared shape; an empty one where nothing is declared.
    var shape: DocumentShape { system.shape(of: type.name) ?? DocumentShape() }

    /// Loads one document.
    func load(_ name: String) async throws -> DocumentState {
        let states = try await system.load([DocumentKey(type: type, name: name)])
        return states.first ?? .absent
    }

    /// Makes one conditional write.
    ///
    /// - Throws: ``CommandFailure`` when the document has changed meanwhile or the system refuses the write.
    func write(before: Document?, after: Document?, name: String) async throws -> WriteReceipt {
        let diff = try Diff(from: before, to: after, shape: shape)
        let write = DocumentWrite(
            type: type, before: before, after: after, fallbackName: name, diff: diff,
            idempotencyKey: Digest(ofParts: [
                "documents", "\(type)", name, before?.fieldsHash.hex ?? "",
                JSONValue.optional(after?.fieldsHash.hex).canonicalText,
            ]))
        switch try await system.write([write]).first {
        case .written(let receipt): return receipt
        case .conflict(let message):
            throw CommandFailure(.failed, message, remedy: "somebody else wrote it meanwhile; try again")
        case .refused(let failure): throw failure
        case nil: throw CommandFailure(.failed, "the system did not answer the write", remedy: "report it")
        }
    }

    /// Publishes change events, with confirms.
    func publish(_ events: [ChangeEvent]) async throws {
        guard !events.isEmpty else { return }
        try await ConfirmedPublishing.with(try composition.broker("documents"), composition: composition) {
            publishing in
            await publishing.publish(events.map { ($0.id, .change($0)) })
            try await publishing.requireAllConfirmed()
        }
    }

    /// A failure that says a document is not there.
    func missing(_ name: String) -> CommandFailure {
        CommandFailure(
            .failed, "there is no \(type) \"\(VisibleText.bare(name, limit: 200))\"",
            remedy: "ferry documents list \(type) shows the names")
    }
}

extension Document {
    /// The document as commands print it.
    func json(name: String) -> JSONValue {
        var object: JSONObject = ["name": .string(name), "fields": .object(fields)]
        if let key { object["type"] = .string(key.type.description) }
        if let version { object["version"] = .string(version.text) }
        return .object(object)
    }
}
