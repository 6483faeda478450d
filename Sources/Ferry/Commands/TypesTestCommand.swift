// ferry types test: a team's cases, for its CI.

internal import ArgumentParser
internal import Foundation
internal import SyncJobs

/// `ferry types test`.
struct TypesTestCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Runs cases of the configured types: documents before, what is expected after.",
        discussion: """
            Each file is a list of cases. A case names a type, the source, and the target before (which is bound to the \
            source unless binding: false), and says what is expected. It runs in this process on documents in \
            memory, with their declared shapes; no configured system and no broker is touched. A bypass type runs dry.

              - name: a customer's new name reaches the account
                type: Customer Sync
                source_document_name: C-1
                source: {customer_name: Acme Ltd}
                target: {erp_code: C-1, label: Acme}
                expect: {status: Finished, diff: {label: [Acme, Acme Ltd]}}

            Further keys: target_document_name, source_deleted, binding: NAME or {target, source_version, key, deleted}, \
            bindings: {TYPE: {source: target}}, documents: {SYSTEM.TYPE: {name: {field: value}}}, request: {any field of a \
            sync request}; in expect: skip_reason, no_target_reason, operation, error, target (fields after, or null), \
            target_document_name, added, removed, row_changed, children.

            Without a FILE: tests/*.yaml beside the configuration. ferry try --record writes a case. Exit codes: 1 when a \
            case failed, 2 for a file that can't be read.

            EXAMPLES
              ferry types test
              ferry types test tests/customers.yaml --only "new customer"
              ferry types test --json > results.json
            """)

    @Argument(help: "Files of cases.") var files: [String] = []

    @Option(name: .long, help: ArgumentHelp("Only cases with this in their name.", valueName: "text"))
    var only: String?

    @Flag(help: "Name the cases that passed too.") var verbose = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    /// How many cases run at a time.
    private static let concurrency = 4

    func perform(_ context: CommandContext) async throws {
        let configuration = try context.composition().configuration
        let files = self.files.isEmpty ? try Self.defaultFiles(of: configuration) : self.files
        let all = try Self.cases(in: files, configuration: configuration, environment: context.environment)
        let cases = only.map { text in all.filter { $0.name.localizedStandardContains(text) } } ?? all
        let results = try await Self.results(of: cases, by: TypeCaseRun(configuration: configuration))
        let text = TypeCaseText(style: context.style, isVerbose: verbose)
        if json {
            context.print(json: TypeCaseText.json(results))
        } else {
            for result in results { context.print(text.lines(result)) }
            context.print(text.total(results))
        }
        if results.contains(where: { !$0.isPassed }) { throw EndedWith(status: .failed) }
    }

    /// `tests/*.yaml` beside the configuration, in the order of their names.
    static func defaultFiles(of configuration: FerryConfiguration) throws(CommandFailure) -> [String] {
        let folder = FilePath.resolving("tests", in: FilePath.folder(of: configuration.file))
        // A folder that is not there has no files in it.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let files = names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
        guard !files.isEmpty else {
            throw CommandFailure(
                .usage, "there are no cases: \(folder) has no *.yaml",
                remedy: "write some (ferry types test --help), or record one: ferry try TYPE --source NAME --record "
                    + "\(folder)/cases.yaml")
        }
        return files.map { "\(folder)/\($0)" }
    }

    /// The cases of all files.
    ///
    /// - Throws: ``CommandFailure`` (usage) with every problem of every file.
    static func cases(
        in files: [String], configuration: FerryConfiguration, environment: [String: String]
    ) throws(CommandFailure) -> [TypeCase] {
        var cases: [TypeCase] = []
        var lines: [String] = []
        for file in files {
            let text: [UInt8]
            do { text = try FilePath.read(file, maximumBytes: YAMLDocument.maximumBytes) } catch {
                lines.append("\(file): the file can't be read (\(error.words))")
                continue
            }
            let read = TypeCaseReader.read(
                text, file: file, configuration: configuration, environment: environment)
            cases += read.cases
            lines += read.problems.sorted { $0.line < $1.line }.map { problem in
                let place = problem.place.isEmpty ? "" : "\(problem.place): "
                return "\(file):\(problem.line): \(place)\(problem.message) (\(problem.remedy))"
            }
        }
        guard lines.isEmpty else {
            throw CommandFailure(
                .usage, lines.joined(separator: "\n").withHeading("the cases can't be read"),
                remedy: "correct them; no case has run")
        }
        return cases
    }

    /// The results in the order of the cases, a few of which run at a time.
    static func results(of cases: [TypeCase], by run: TypeCaseRun) async throws -> [TypeCaseResult] {
        try await withThrowingTaskGroup(of: (Int, TypeCaseResult).self) { group in
            var results: [Int: TypeCaseResult] = [:]
            for (position, testCase) in cases.enumerated() {
                if position >= concurrency, let (done, result) = try await group.next() { results[done] = result }
                group.addTask { (position, try await run.result(of: testCase)) }
            }
            for try await (done, result) in group { results[done] = result }
            return results.sorted { $0.key < $1.key }.map(\.value)
        }
    }
}
