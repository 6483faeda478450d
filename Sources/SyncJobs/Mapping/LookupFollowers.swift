// `missing: null` lets a job go on without a target that is not there yet. Once the target is bound, whoever looked it up
// runs again: as follow-ups of the job that binds it, so that both are committed or neither.

/// A type that looks another one up with `missing: null`, by a field of its own source.
struct LookupFollower: Sendable, Hashable {
    /// The type that looks up.
    var type: String
    var source: DocumentType
    /// The field of its source that holds the name looked up.
    var field: String

    /// The most documents of one follower that run again.
    static let maximumDocuments = 400
}

extension LookupFollower {
    /// The same types, each mapping told which of the others run again once it binds a target.
    static func telling(_ types: [SyncJobType]) -> [SyncJobType] {
        var followers: [(awaited: ExactString, follower: LookupFollower)] = []
        for type in types {
            guard let controller = type.controller as? any DeclarativeController else { continue }
            for (lookup, _) in controller.mapping.lookups where lookup.missing == .null {
                guard let field = lookup.sourceField else { continue }
                followers.append((lookup.type, LookupFollower(type: type.name, source: type.source, field: field)))
            }
        }
        guard !followers.isEmpty else { return types }
        return types.map { type in
            guard var controller = type.controller as? MappingController else { return type }
            var told: [LookupFollower] = []
            for (awaited, follower) in followers where !told.contains(follower) {
                if awaited.text.hasSameBytes(as: type.name) || awaited.text.hasSameBytes(as: type.slug) {
                    told.append(follower)
                }
            }
            controller.mapping.followers = told
            var type = type
            type.controller = controller
            return type
        }
    }
}

extension MappingRun {
    /// Enqueues the jobs that looked this one's source up in vain, when this run binds its target for the first time.
    func enqueueFollowers(isInsert: Bool) async throws {
        guard !mapping.followers.isEmpty, job.boundTargetName == nil, !job.job.request.dryRun,
            !isInsert || job.flags.insertEnabled, let name = job.job.request.sourceDocumentName, !name.isEmpty
        else { return }
        for follower in mapping.followers {
            let found = try await documents(of: follower, naming: name)
            if found.count > LookupFollower.maximumDocuments {
                job.note(
                    "more than \(LookupFollower.maximumDocuments) documents of \(follower.source) waited for this target; "
                        + "run the others again by hand")
            }
            for waiting in found.prefix(LookupFollower.maximumDocuments) {
                try await enqueue(follower, source: waiting)
            }
        }
    }

    /// The names of the follower's documents that name `name`, as text or as a number.
    private func documents(of follower: LookupFollower, naming name: String) async throws -> [String] {
        var names: [String] = []
        for value in [JSONValue.string(name), JSONNumber(name).map { .number($0) }] {
            guard let value else { continue }
            let query = DocumentQuery(
                type: follower.source, fields: [follower.field: value], limit: LookupFollower.maximumDocuments + 1)
            names += try await job.lookups.find(query).compactMap { $0.key?.name }
        }
        var seen: Set<ExactString> = []
        return names.filter { seen.insert(ExactString($0)).inserted }
    }

    private func enqueue(_ follower: LookupFollower, source: String) async throws {
        guard let type = job.services.type(follower.type), !type.isDisabled else { return }
        let document = DocumentKey(type: type.source, name: source)
        // What was never synced waits for nothing.
        let bindings = try await job.services.bindings(typeSlug: type.slug, source: document)
        guard bindings.contains(where: { !$0.isDeleted }) else { return }
        let key = "lookup:\(type.slug):\(source)"
        let id = SyncRequest.derivedID(of: job.job.id, mark: ">", key: key)
        guard !job.followUps.contains(where: { $0.id.hasSameBytes(as: id) }) else { return }
        do {
            try job.enqueue(type.name, source: source, key: key) { request in
                request.triggerType = .documentHook
                request.triggeredByDocumentType = job.type.source.name
                request.triggeredByDocumentName = job.job.request.sourceDocumentName
            }
        } catch let failure as JobFailure {
            // The sync itself is good; that another one can't follow is for people to know.
            job.note("\(type.name) was not run again for \(JSONValue.string(source).shortText): \(failure.message)")
        }
    }
}
