// Change events as commands make them: their ids, and whether they need to carry the document's image.

internal import Foundation
internal import SyncBroker
internal import SyncJobs

/// Makes change events about documents of one type.
struct ChangeDraft: Sendable {
    let type: DocumentType
    /// What ids begin with.
    let prefix: String
    /// What ids end with: tells one round of events from the next.
    let round: String
    /// Whether a trigger looks into the document: then the event must carry it.
    let needsImage: Bool

    /// The longest an event's id gets: the id of a job is this, a colon and the type's slug, within 255 bytes.
    static let maximumIDBytes = 150

    /// - Parameters:
    ///   - prefix: what ids begin with; the document type's slug by default.
    ///   - round: what ids end with; the present time by default.
    init(_ type: DocumentType, types: SyncJobTypes, prefix: String? = nil, round: String? = nil) {
        self.type = type
        self.prefix = prefix ?? type.name.slug
        self.round = round ?? String(Composition.now().microseconds / 1000)
        needsImage = types.all.contains { jobType in
            jobType.triggers.contains { $0.document == type && ($0.when != nil || $0.sourceName != nil) }
        }
    }

    /// `prefix:name:round`; a long name is replaced by its hash.
    func id(of name: String) -> String {
        let id = "\(prefix):\(name):\(round)"
        guard id.utf8.count > Self.maximumIDBytes else { return id }
        return "\(prefix):\(Digest(of: Array(name.utf8)).hex):\(round)"
    }

    /// An event about `document`, which is its image.
    func event(_ kind: ChangeEvent.Kind, _ document: Document, name: String, withImage: Bool = false) -> ChangeEvent {
        var event = ChangeEvent(id: id(of: name), documentType: type, documentName: name, event: kind)
        event.version = document.version?.text
        // The last image is what a deleted document is synced from.
        if withImage || needsImage || kind == .delete { event.document = document.fields }
        return event
    }

    /// How a type is told that hears of no event, or nil when some type does.
    static func unheard(_ type: DocumentType, types: SyncJobTypes) -> String? {
        let isHeard = types.all.contains { jobType in jobType.triggers.contains { $0.document == type } }
        return isHeard ? nil : "note: no type has a trigger for \(type); these events become no jobs here"
    }
}
