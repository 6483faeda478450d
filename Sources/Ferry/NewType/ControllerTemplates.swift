// The controllers that ferry types new writes: complete, commented, and good enough to keep. They are Swift in texts, so
// Tests/NewControllers holds what they make of a name: that is compiled, run, and compared with what is written today.

/// Controllers as templates; see ``NewType/filledSwift(_:)``.
enum ControllerTemplates {
    static func template(_ way: NewTypeWay) -> String {
        switch way {
        case .single: single
        case .multiple: multiple
        case .bypass: bypass
        }
    }

    private static let single = """
        // «NAME»: one document of «SOURCE» becomes one of «TARGET».
        //
        // Register it where your program starts:  «REGISTRATION»

        import SyncJobs

        struct «CONTROLLER»: SingleTargetController {
            /// Which target document the job is about.
            ///
            /// `job.defaultTarget` updates the bound target, deletes it when the source was deleted, and inserts one otherwise.
            /// What it can't know is a target that is there already on first contact: it is looked for here, by a field that
            /// tells the targets apart, and never duplicated.
            func target(for job: JobHandle) async throws -> TargetDecision {
                guard job.boundTargetName == nil, !job.isDelete, let code = job.job.request.sourceDocumentName else {
                    return job.defaultTarget
                }
                let found = try await job.lookups.find(
                    DocumentQuery(type: Self.target, fields: ["code": .string(code)], limit: 2))
                guard found.count < 2 else {
                    throw JobFailure(
                        .ambiguousMatch, "two documents of «TARGET» have the code of this source",
                        remedy: "merge them, then retry the job")
                }
                return found.first?.key.map { .update($0.name) } ?? .insert()
            }

            /// Sets fields of the target; what is not named here is never touched.
            ///
            /// It runs again when the target changes meanwhile, so it decides by what it is given and does nothing else.
            func update(_ target: inout Document, for job: JobHandle) async throws {
                guard let source = job.source else {
                    throw JobFailure.permanent("the job has no source document to sync from")
                }
                guard let label = source["name"]?.stringValue, !label.isEmpty else {
                    throw JobFailure(
                        .requiredFieldMissing, "the source document has no name",
                        remedy: "complete the source document, then retry the job")
                }
                target["code"] = .optional(job.job.request.sourceDocumentName)
                target["label"] = .string(label)
            }

            private static let target = DocumentType(system: "«TARGET_SYSTEM»", name: "«TARGET_TYPE»")
        }

        """

    private static let multiple = """
        // «NAME»: each row of a «SOURCE» document has a «TARGET» document of its own.
        //
        // Register it where your program starts:  «REGISTRATION»

        import SyncJobs

        struct «CONTROLLER»: MultipleTargetsController {
            /// One answer for each target: several make a child job each, one runs in this job, none ends `No Target`.
            ///
            /// The key tells the answers apart for good. A child's id and its binding derive from it, so a job that runs again
            /// finds its children and targets instead of making new ones.
            func targets(for job: JobHandle) async throws -> [RelayTarget] {
                let keys = try Self.rows(of: job).map { try Self.key(of: $0) }
                let name = job.job.request.sourceDocumentName ?? ""
                let bindings = try await job.services.bindings(
                    typeSlug: job.type.slug, source: DocumentKey(type: job.type.source, name: name))
                // Rows that were synced before and are gone: their children delete what they are bound to.
                let gone = bindings.filter { binding in
                    !binding.isDeleted && !binding.key.key.isEmpty
                        && !keys.contains { $0.hasSameBytes(as: binding.key.key) }
                }
                return (keys + gone.map(\\.key.key)).map { RelayTarget(key: $0) }
            }

            /// In each child: which target document it is about.
            func target(for job: JobHandle) async throws -> TargetDecision {
                guard try Self.row(of: job) != nil else {
                    return job.boundTargetName.map { .delete($0) } ?? .none(.alreadyGone)
                }
                return job.boundTargetName.map { .update($0) } ?? .insert(name: Self.code(of: job))
            }

            /// In each child: sets fields of the target; what is not named here is never touched.
            func update(_ target: inout Document, for job: JobHandle) async throws {
                guard let row = try Self.row(of: job) else {
                    throw JobFailure.permanent("the source document has no row \\"\\(job.targetKey)\\"")
                }
                target["code"] = .string(Self.code(of: job))
                target["label"] = row["name"]
            }

            /// Once, when the last child has ended.
            func relayFinished(_ summary: RelaySummary, for job: JobHandle) async throws {
                job.note("\\(summary.total) targets, \\(summary.failedChildren.count) failed")
            }

            /// What tells the target from all others: the name of the source, and the row's key.
            private static func code(of job: JobHandle) -> String {
                "\\(job.job.request.sourceDocumentName ?? "")-\\(job.targetKey)"
            }

            private static func rows(of job: JobHandle) throws -> [JSONObject] {
                guard !job.isDelete, let source = job.source else { return [] }
                return (source["items"]?.arrayValue ?? []).compactMap(\\.objectValue)
            }

            private static func row(of job: JobHandle) throws -> JSONObject? {
                try rows(of: job).first { try key(of: $0).hasSameBytes(as: job.targetKey) }
            }

            private static func key(of row: JSONObject) throws -> String {
                guard let key = row["id"]?.nameText else {
                    throw JobFailure(
                        .missingRowKey, "a row of items has no id", remedy: "give every row an id, then retry the job")
                }
                return key
            }
        }

        """

    private static let bypass = """
        // «NAME»: writes each document of «SOURCE» into a file, by itself.
        //
        // Register it where your program starts:  «REGISTRATION»
        // A job may run twice at a time in two processes unless its type says `exclusive: true`.

        import Foundation
        import SyncJobs

        struct «CONTROLLER»: BypassController {
            /// Where the files are written; it is there already.
            let folder: String

            /// Does everything: what is there, what should be, what differs, and the write.
            ///
            /// It has to be idempotent, because a job may run again after a crash: here an equal file is left alone, and a new one
            /// takes the old one's place in one step. In a dry run it says what it would do and writes nothing.
            func execute(_ job: JobHandle) async throws -> BypassResult {
                guard let name = job.job.request.sourceDocumentName, !name.contains("/") else { return .noTarget }
                let file = URL(filePath: folder).appending(path: "\\(name).json")
                let before = try Self.read(file)
                let after = job.isSourceDeleted ? nil : job.source?.fields
                let diff = try Diff(
                    from: before.map { Document(key: nil, fields: $0) }, to: after.map { Document(key: nil, fields: $0) },
                    shape: job.lookups.shape(of: job.type.source))
                if !diff.isEmpty, !job.job.request.dryRun { try Self.write(after, to: file) }
                return BypassResult(
                    target: DocumentKey(type: Self.target, name: file.lastPathComponent),
                    operation: after == nil ? .delete : before == nil ? .insert : .update, diff: diff, before: before,
                    after: after)
            }

            private static let target = DocumentType(system: "«TARGET_SYSTEM»", name: "«TARGET_TYPE»")

            private static func read(_ file: URL) throws -> JSONObject? {
                guard FileManager.default.fileExists(atPath: file.path) else { return nil }
                return try JSONParser.parse(Array(Data(contentsOf: file))).objectValue
            }

            private static func write(_ fields: JSONObject?, to file: URL) throws {
                guard let fields else { return try FileManager.default.removeItem(at: file) }
                try Data(JSONValue.object(fields).prettyText.utf8).write(to: file, options: .atomic)
            }
        }

        """
}
