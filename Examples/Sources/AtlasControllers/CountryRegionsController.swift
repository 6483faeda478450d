// Multiple targets: a country relays to its subdivisions, a child job and a region of the atlas for each.

import SyncJobs

struct CountryRegionsController: MultipleTargetsController {
    static let subdivision = DocumentType(system: "registry", name: "Subdivision")
    static let priceList = DocumentType(system: "erp", name: "PriceList")

    /// One answer for each subdivision, and for each region whose subdivision is gone.
    ///
    /// The key is the subdivision's code. The child's id, its place in the order and its binding derive from it, so a relay
    /// that runs again finds its children and their regions.
    func targets(for job: JobHandle) async throws -> [RelayTarget] {
        guard let country = job.job.request.sourceDocumentName else { return [] }
        var codes: [String] = []
        if !job.isDelete {
            let found = try await job.lookups.find(
                DocumentQuery(type: Self.subdivision, fields: ["country": .string(country)], limit: 10_000))
            codes = found.compactMap(\.key?.name)
        }
        let bindings = try await job.services.bindings(
            typeSlug: job.type.slug, source: DocumentKey(type: job.type.source, name: country))
        // Names are bytes: composed and decomposed letters are two names, which Swift's == takes for one.
        let known = Set(codes.map { ExactString($0) })
        let bound = bindings.filter { !$0.isDeleted && !$0.key.key.isEmpty }.map(\.key.key)
        codes += bound.filter { !known.contains(ExactString($0)) }
        return codes.map { RelayTarget(key: $0) }
    }

    /// In each child: its region, or the end of it.
    func target(for job: JobHandle) async throws -> TargetDecision {
        guard try await subdivision(of: job) != nil else {
            return job.boundTargetName.map { .delete($0) } ?? .none(.alreadyGone)
        }
        return job.boundTargetName.map { .update($0) } ?? .insert(name: job.targetKey)
    }

    /// In each child: sets the region's fields.
    func update(_ target: inout Document, for job: JobHandle) async throws {
        guard let subdivision = try await subdivision(of: job) else {
            throw JobFailure.retryable("the subdivision went away while its region was written")
        }
        target["code"] = .string(job.targetKey)
        target["label"] = subdivision["name"]
        target["kind"] = subdivision["type"]?.stringValue.map { .string($0.lowercased()) } ?? .null
        target["nation"] = job.source?["name"]
    }

    /// Once, when the last child has ended: the country's price list names its regions, so it is exported anew.
    ///
    /// What is enqueued here commits together with the mark that this ran. The key holds the revision, so that the end of
    /// children that were retried later sends its own.
    func relayFinished(_ summary: RelaySummary, for job: JobHandle) async throws {
        job.note("\(summary.total) regions, \(summary.failedChildren.count) failed")
        guard summary.failedChildren.isEmpty, let country = job.job.request.sourceDocumentName else { return }
        guard case .present = try await job.lookups.load(DocumentKey(type: Self.priceList, name: country)) else {
            return
        }
        try job.enqueue("Price List Export", source: country, key: "price-list:\(summary.revision)")
    }

    private func subdivision(of job: JobHandle) async throws -> Document? {
        if job.isDelete { return nil }
        let key = DocumentKey(type: Self.subdivision, name: job.targetKey)
        guard case .present(let document) = try await job.lookups.load(key) else { return nil }
        return document
    }
}
