// Bypass: a price list is exported into a CSV file. Ferry keeps the record, the order, the retries and (`exclusive: true`) the
// lease; reading, comparing and writing are done here.

import Foundation
import SyncJobs

struct PriceListController: BypassController {
    /// Where the files are; made when it is not there.
    let folder: String

    static let file = DocumentType(system: "files", name: "PriceList")
    /// The rows of a list are told apart by their article, and prices are compared as amounts: 9.9 is 9.90.
    static let shape = DocumentShape(
        tables: [
            "items": TableShape(rowKey: "sku", fields: ["price": FieldShape(kind: .decimal(places: 2))])
        ])

    /// Does everything.
    ///
    /// It is idempotent: it writes what the list says now, an equal file is left alone, and a new one takes the old one's
    /// place in one step. So a run that was cut off, or that comes twice, does no harm. In a dry run it computes the same
    /// difference and writes nothing.
    func execute(_ job: JobHandle) async throws -> BypassResult {
        guard let name = job.job.request.sourceDocumentName else { return .noTarget }
        guard !name.contains("/"), !name.hasPrefix(".") else {
            throw JobFailure.permanent(
                "the price list's name can't be a file's", remedy: "rename the price list: no slash, no leading dot")
        }
        let target = DocumentKey(type: Self.file, name: "\(name).csv")
        let url = URL(filePath: folder).appending(path: target.name)
        let before = try PriceFile(contentsOf: url).map { Document(key: target, fields: $0.fields) }
        let list = job.isSourceDeleted ? nil : try job.source.map { try PriceFile(list: $0.fields) }
        let after = list.map { Document(key: target, fields: $0.fields) }
        let diff = try Diff(from: before, to: after, shape: Self.shape)
        try job.checkCancellation()
        if !diff.isEmpty, !job.job.request.dryRun {
            if let list { try list.write(to: url) } else { try FileManager.default.removeItem(at: url) }
        }
        return BypassResult(
            target: target, operation: after == nil ? .delete : before == nil ? .insert : .update, diff: diff,
            before: before?.fields, after: after?.fields)
    }
}

/// A price list as a file: a line for each article, in the order of the articles.
struct PriceFile {
    private static let heading = "sku,price,currency"
    private var items: [(sku: String, price: String, currency: String)] = []

    /// The rows of a price list document.
    init(list: JSONObject) throws {
        for row in (list["items"]?.arrayValue ?? []).compactMap(\.objectValue) {
            guard let sku = row["sku"]?.nameText, let price = row["price"]?.nameText,
                let currency = row["currency"]?.stringValue,
                ![sku, price, currency].contains(where: { $0.contains { ",\"\n\r".contains($0) } })
            else {
                throw JobFailure.permanent(
                    "a row of items lacks sku, price or currency, or has a comma or quote in it",
                    remedy: "correct the price list in the ERP, then: ferry jobs retry")
            }
            items.append((sku, price, currency))
        }
        items.sort { $0.sku.precedesByBytes($1.sku) }
    }

    /// The file that is there; nil when there is none.
    init?(contentsOf url: URL) throws {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
        for line in lines.dropFirst() {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            // What is no line of ours is no difference worth keeping: the file is written anew.
            if cells.count == 3 { items.append((cells[0], cells[1], cells[2])) }
        }
    }

    /// As a document, so that lists are compared like any other: article by article.
    var fields: JSONObject {
        [
            "items": .array(
                items.map { ["sku": .string($0.sku), "price": .string($0.price), "currency": .string($0.currency)] })
        ]
    }

    func write(to url: URL) throws {
        let lines = [Self.heading] + items.map { "\($0.sku),\($0.price),\($0.currency)" }
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: url, options: .atomic)
    }
}
