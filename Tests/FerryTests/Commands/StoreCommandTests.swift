// ferry store, and what each command says of a store that it can't use: status 4, what and where, and what to do.

import Foundation
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct StoreCommandTests {
    @Test func infoTellsVersionSizesRowsAndWhatIsOwed() async throws {
        try await CommandWorld.with { world in
            let empty = try await world.run("store", "info")
            #expect(empty.status == .good && empty.output.contains("  owed     nothing"))
            #expect(empty.output.contains(world.store.storeID) && empty.output.contains("jobs.sqlite"))
            try await world.wait(CommandWorld.job("later"), for: .notBefore, until: Composition.now())
            let full = try await world.run("store", "info")
            #expect(full.output.contains("1 message to the broker; the oldest is of later, for "))
            #expect(full.lines.contains { $0.hasPrefix("jobs ") && $0.hasSuffix(" 1") })
            let object = try #require(try await world.run("store", "info", "--json").json.objectValue)
            #expect(object["id"] == .string(world.store.storeID))
            #expect(object["rows"]?.objectValue?["jobs"]?.numberValue?.text == "1")
            #expect(object["oldest_owed"]?.objectValue?["job"] == "later")
            #expect(object["oldest_owed"]?.objectValue?["kind"] == "again")
            #expect((object["migrations"]?.arrayValue?.count ?? 0) >= 2)
        }
    }

    @Test func backupMakesACopyThatIsAStoreAndOverwritesNothingUnasked() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .finished)
            let copy = world.folder + "/copy.sqlite"
            let made = try await world.run("store", "backup", copy)
            #expect(made.status == .good && made.output.hasPrefix("wrote \(copy): ") && made.output.contains("checked"))
            let again = try await world.run("store", "backup", copy)
            #expect(again.status == .usage && again.errors.contains("exists already. Give another path, or --force."))
            let forced = try await world.run("store", "backup", copy, "--force", "--json")
            #expect(try forced.json.objectValue?["path"] == .string(copy))
            let restored = try JobStore(path: copy, logger: .init(label: "test"))
            #expect(try await restored.job(id: "a")?.status == .finished)
            try restored.close()
            let nowhere = try await world.run("store", "backup", world.folder + "/no/copy.sqlite")
            #expect(nowhere.status == .store && nowhere.errors.contains("Check the path"), "\(nowhere.errors)")
        }
    }

    @Test func checkNamesWhatNeedsALook() async throws {
        try await CommandWorld.with { world in
            let whole = try await world.run("store", "check")
            #expect(whole.status == .good && whole.output.hasPrefix("the store is whole (checked in "))
            try await world.wait(CommandWorld.job("stray"), for: .blocked)
            let found = try await world.run("store", "check")
            #expect(found.status == .failed)
            #expect(
                found.output.contains("jobs wait behind an earlier one of their key that is over: 1, the first: stray"))
            let object = try #require(try await world.run("store", "check", "--json").json.objectValue)
            #expect(object["is_whole"] == .bool(true))
            let finding = object["findings"]?.arrayValue?.first?.objectValue
            #expect(finding?["kind"] == "blocked_behind_nobody" && finding?["example"] == "stray")
        }
    }

    // MARK: stores that can't be used

    /// Each command that reads or writes the store.
    private static let commands = [
        ["jobs", "list"], ["jobs", "show", "a"], ["jobs", "count"], ["jobs", "why", "a"], ["jobs", "start", "a"],
        ["jobs", "cancel", "a"], ["jobs", "retry", "a"], ["jobs", "prune", "--dry-run"], ["watch", "a"], ["audit"],
        ["documents", "list", "iso.Country"], ["documents", "get", "iso.Country", "TR"],
        ["try", "country_sync", "--source", "TR"],
        ["store", "info"], ["store", "check"], ["store", "backup", "/nowhere/x"], ["queues"], ["work"],
        ["types", "check"], ["systems", "check"], ["systems", "inspect", "iso"], ["change", "iso.Country", "--all"],
    ]

    /// Runs each command against what `prepare` made of the store's file, and expects status 4 and these words.
    private func expect(
        _ words: [String], commands: [[String]] = commands, _ prepare: (String) throws -> Void
    ) async throws {
        try await CommandWorld.with { world in
            try world.store.close()
            for suffix in ["-wal", "-shm"]
            where FileManager.default.fileExists(atPath: world.folder + "/jobs.sqlite\(suffix)") {
                try FileManager.default.removeItem(atPath: world.folder + "/jobs.sqlite\(suffix)")
            }
            try prepare(world.folder + "/jobs.sqlite")
            for command in commands {
                let parsed = try FerryCommand.parseAsRoot(command + ["--config", world.folder + "/ferry.yaml"])
                let subcommand = try #require(parsed as? any FerrySubcommand)
                let answer = try await world.capture { try await subcommand.run(in: $0) }
                #expect(answer.status == .store, "\(command): \(answer.errors)")
                #expect(answer.output == "", "\(command)")
                for word in words { #expect(answer.errors.contains(word), "\(command): \(answer.errors)") }
            }
        }
    }

    @Test func aStoreOfANewerVersionIsRefusedByEveryCommand() async throws {
        try await expect([
            "jobs.sqlite was written by a newer version of Ferry. Run that version, or restore the backup"
        ]) { path in
            let script = "INSERT INTO grdb_migrations VALUES ('9999 from the future')"
            let process = popen("sqlite3 '\(path)' \"\(script)\"", "r")
            #expect(pclose(process) == 0)
        }
    }

    @Test func somebodyElsesFileIsRefusedByEveryCommand() async throws {
        try await expect(["Give the path of a Ferry store, or of a file that does not exist yet."]) { path in
            try Data(String(repeating: "Dear diary, ", count: 1_000).utf8).write(to: URL(fileURLWithPath: path))
        }
    }

    @Test func aFolderIsRefused() async throws {
        try await expect(
            ["jobs.sqlite is a folder. Give the path of a file in it."], commands: [["store", "info"], ["work"]]
        ) {
            path in
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
    }

    @Test func aShortenedFileIsRefusedWithWhatToDo() async throws {
        try await expect(
            ["jobs.sqlite is damaged", "restore a backup", "ferry store backup"],
            commands: [["jobs", "list"], ["work"]]
        ) {
            path in
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try whole.prefix(whole.count / 2 / 4_096 * 4_096).write(to: URL(fileURLWithPath: path))
        }
    }

    @Test func aWorkerDoesNotStartOnADamagedFile() async throws {
        try await CommandWorld.with { world in
            let text = JSONValue.string(String(repeating: "x", count: 2_000))
            let type = DocumentType(system: "iso", name: "Country")
            _ = try await world.store.putDocuments(
                (0..<300).map { (DocumentKey(type: type, name: "C-\($0)"), ["text": text], nil) })
            try world.store.close()
            let path = world.folder + "/jobs.sqlite"
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            let size = try handle.seekToEnd()
            // Beyond the schema, which opening reads.
            for page in stride(from: UInt64(4_096 * 60), to: size, by: 4_096 * 3) {
                try handle.seek(toOffset: page)
                try handle.write(contentsOf: Data(repeating: 0x5A, count: 64))
            }
            try handle.close()
            for command in [["work"], ["store", "check"]] {
                let parsed = try FerryCommand.parseAsRoot(command + ["--config", world.folder + "/ferry.yaml"])
                let subcommand = try #require(parsed as? any FerrySubcommand)
                let answer = try await world.capture { try await subcommand.run(in: $0) }
                #expect(answer.status == .store, "\(command): \(answer.errors)")
                let said = (answer.output + answer.errors).lowercased()
                // A look that is given a second may have missed it on a busy machine; then the first read meets it.
                #expect(said.contains("restore a backup"), "\(command): \(said)")
            }
        }
    }
}
