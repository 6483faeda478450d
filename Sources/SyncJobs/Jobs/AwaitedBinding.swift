// A job may go on without a document that is not synced yet (`missing: null`). What it looked for in vain is stored with its
// commit, and the commit that binds it makes the same request again: neither can miss the other, whichever comes first.

/// A request that is made again once documents that it could do without are bound.
public struct AwaitingRequest: Sendable, Hashable {
    /// What is asked again; its id and who triggered it are given when that happens.
    public var routed: RoutedRequest
    /// Tells what waits from anything else that waits: the next run of the same waiter replaces what this one waits for.
    public var identity: Digest

    /// What a job that has ended asks again: its own request or, for a child of a relay, that of the outermost parent,
    /// because only a run of that one sees the source as it is by then.
    ///
    /// Nil for a job whose document came with its message: it can't be loaded again, and by then it may be old.
    public init?(_ job: SyncJob, outermostParent parent: SyncJob?) {
        let asking = parent ?? job
        guard asking.request.document == nil, asking.request.relayFinished == nil else { return nil }
        let request = asking.request.askedAgain
        routed = RoutedRequest(request, queue: asking.queue, slug: asking.typeSlug)
        identity = Digest(ofParts: [
            Digest(of: .object(request.json)).hex, parent == nil ? "" : job.request.targetKey ?? "",
            parent == nil ? "" : job.request.sourceDocumentName ?? "",
        ])
    }

    /// Puts together what was stored.
    public init(routed: RoutedRequest, identity: Digest) {
        self.routed = routed
        self.identity = identity
    }

    /// The request as JSON text, without an id.
    public var requestText: String {
        var object = routed.request.json
        object["id"] = nil
        return JSONValue.object(object).canonicalText
    }

    /// The message that makes the request again because `binder` has bound what it waited for; nil when the change has gone
    /// through so many types that it must be a loop.
    public func message(boundBy binder: SyncJob) -> OutboxMessage? {
        var again = routed
        let key = "bound:" + Digest(of: .object(routed.request.json)).hex.prefix(24)
        again.request.id = SyncRequest.derivedID(of: binder.id, mark: ">", key: String(key))
        again.request.triggeredByDocumentType = binder.sourceType.name
        again.request.triggeredByDocumentName = binder.request.sourceDocumentName
        again.request.hops = binder.request.hops + 1
        guard again.request.hops <= SyncRequest.maximumHops else { return nil }
        return .request(again, owner: binder.id, kind: .followUp)
    }
}

extension SyncRequest {
    /// The same question, to be asked again later: without what was true of this once only.
    fileprivate var askedAgain: SyncRequest {
        var request = self
        request.id = ""
        request.oldSourceDocumentName = nil
        request.sourceVersion = nil
        request.triggerType = .documentHook
        request.triggeredByDocumentType = nil
        request.triggeredByDocumentName = nil
        request.triggerDocumentTimestamp = nil
        request.hops = 0
        request.notBefore = nil
        request.dedupKey = nil
        request.hold = false
        return request
    }
}
