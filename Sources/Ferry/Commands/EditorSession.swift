// A text in the user's own editor: a file that nobody else may read, there for as long as the editor runs.

internal import Foundation

/// Opens `$VISUAL`, else `$EDITOR`, else `vi`.
struct EditorSession: Sendable {
    let environment: [String: String]

    /// The text as it was saved.
    ///
    /// - Throws: ``CommandFailure`` (usage) when the editor can't be run or did not end well; then nothing was changed.
    func edit(_ text: [UInt8], maximumBytes: Int) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch {
                // Left behind where only this user may read it.
            }
        }
        let file = folder.appendingPathComponent("letter.json").path
        guard
            FileManager.default.createFile(
                atPath: file, contents: Data(text), attributes: [.posixPermissions: 0o600])
        else { throw failure("the file for it can't be written") }
        let named = [environment["VISUAL"], environment["EDITOR"]].compactMap { $0 }.first { !$0.isEmpty } ?? "vi"
        let editor = Process()
        editor.executableURL = URL(fileURLWithPath: "/bin/sh")
        // As git does it: the variable may hold a command with options.
        editor.arguments = ["-c", named + " \"$1\"", named, file]
        do { try editor.run() } catch { throw failure("\(named) can't be run") }
        editor.waitUntilExit()
        guard editor.terminationStatus == 0 else { throw failure("\(named) ended with \(editor.terminationStatus)") }
        return try InputFile.read(file, maximumBytes: maximumBytes)
    }

    private func failure(_ message: String) -> CommandFailure {
        CommandFailure(
            .usage, "\(message), so nothing was changed", remedy: "set EDITOR, or use --set path=JSON or --file FILE")
    }
}
