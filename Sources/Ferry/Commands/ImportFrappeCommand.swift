// ferry import frappe: exported Sync Job Types as systems, documents and types of ferry.yaml.
// Invariant: nothing that is there is overwritten, and nothing of the export is left out without a word.

internal import ArgumentParser
internal import Foundation
internal import SyncJobs

/// `ferry import frappe`.
struct ImportFrappeCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "frappe", abstract: "Drafts ferry.yaml from exported Sync Job Types of Frappe Tweaks.",
        discussion: """
            Files are JSON: one document (a standard type's own file), a list (fixtures, bench export-json), or an \
            answer of the REST API. The draft has systems, documents and types; each type's Python controller \
            becomes controller: with its slug, and loads once a controller of that name is registered. Beside a \
            standard type's file the Python file is read too, to say which hooks it has.

            What has no equivalent stands in the draft as a comment with the reason, and on standard error. No \
            configuration is needed. docs/from-frappe.md takes every name across.

            EXAMPLES
              ferry import frappe fixtures/sync_job_type.json
              ferry import frappe apps/*/*/*/sync_job_type/*/*.json --output ferry.frappe.yaml
              ferry import frappe types.json --source-system erp --target-system shop --json
            """)

    @Argument(help: ArgumentHelp("The exported files; - is standard input.", valueName: "file"))
    var files: [String]

    @Option(
        name: .long,
        help: ArgumentHelp("Write the draft to this file, which must not be there yet.", valueName: "file"))
    var output: String?

    @Option(
        name: .long, help: ArgumentHelp("What the system of the sources is called.", valueName: "name"),
        transform: Self.system)
    var sourceSystem = "frappe"

    @Option(
        name: .long, help: ArgumentHelp("What the system of the targets is called.", valueName: "name"),
        transform: Self.system)
    var targetSystem = "frappe"

    @Flag(help: "Print a report as JSON; the draft is in it.") var json = false
    @OptionGroup var options: CommonOptions

    private static func system(_ text: String) throws -> String {
        guard !text.isEmpty, !text.contains(".") else {
            throw ValidationError("\"\(text)\" is no name of a system; write one without dots")
        }
        return text
    }

    func perform(_ context: CommandContext) async throws {
        var export = FrappeExport()
        for file in files {
            let bytes = try InputFile.read(file, maximumBytes: FrappeExport.maximumBytes)
            try export.add(bytes, file: file == "-" ? "standard input" : file)
        }
        let imported = try FrappeImport(
            export, files: files.map { $0 == "-" ? "standard input" : $0 }, sourceSystem: sourceSystem,
            targetSystem: targetSystem, pythonSource: Self.pythonSource)
        let text = FrappeYAML(imported).text
        if let output { try Self.write(text, to: output) }
        if json {
            context.print(json: imported.json)
        } else if output == nil {
            Screen.write(text, to: STDOUT_FILENO)
        }
        for finding in imported.findings { context.screen.note(finding.description) }
        let types = Quantity.count(imported.types.count, "type")
        context.screen.note(output.map { "wrote \(types) to \($0)" } ?? "drafted \(types)")
    }

    /// The text of a Python file; nil when it is not there or can't be read, which only leaves its hooks unsaid.
    private static func pythonSource(_ path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 1 << 20 else { return nil }
        return String(data: data, encoding: .utf8)
    }

    private static func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
        } catch let error as CocoaError where error.code == .fileWriteFileExists {
            throw CommandFailure(
                .usage, "\(path) is there already", remedy: "name another file with --output, or remove it")
        } catch {
            throw CommandFailure(
                .usage, "\(path) cannot be written: \(error.localizedDescription)",
                remedy: "check the path and its permissions")
        }
    }
}
