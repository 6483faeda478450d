// ferry import: what other programs call sync jobs, as a draft of a configuration.

internal import ArgumentParser

/// `ferry import`.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Drafts a configuration from what another program exports.",
        discussion: """
            Documents are imported by ferry documents import.

            EXAMPLES
              ferry import frappe sync_job_type.json
            """,
        subcommands: [ImportFrappeCommand.self])
}
