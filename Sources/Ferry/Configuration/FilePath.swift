// Files by their path: where a relative one begins, and reading one with a bound.

internal import Foundation

/// Paths as the configuration writes them.
enum FilePath {
    /// Why a file was not read.
    enum Failure: Error {
        case notFound
        case tooLarge
        case notReadable(String)

        /// In a few words.
        var words: String {
            switch self {
            case .notFound: "there is no such file"
            case .tooLarge: "it is too large"
            case .notReadable(let cause): cause
            }
        }
    }

    /// `path` itself when it is absolute, else within `folder`; `~/` is the home folder.
    static func resolving(_ path: String, in folder: String) -> String {
        if path.hasPrefix("/") { return path }
        if path == "~" || path.hasPrefix("~/") { return NSHomeDirectory() + path.dropFirst() }
        return folder.isEmpty || folder == "." ? path : "\(folder)/\(path)"
    }

    /// The folder a file is in; `.` for a bare name.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The bytes of the file at `path`, at most `maximumBytes`.
    static func read(_ path: String, maximumBytes: Int) throws(Failure) -> [UInt8] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { throw .notFound }
        guard !isFolder.boolValue else { throw .notReadable("it is a folder") }
        guard let file = FileHandle(forReadingAtPath: path) else { throw .notReadable("permission denied") }
        var bytes: [UInt8] = []
        do {
            // One more than is taken tells a file that is too large without reading all of it.
            while bytes.count <= maximumBytes, let part = try file.read(upToCount: maximumBytes + 1 - bytes.count),
                !part.isEmpty
            { bytes += part }
            try file.close()
        } catch { throw .notReadable(error.localizedDescription) }
        guard bytes.count <= maximumBytes else { throw .tooLarge }
        return bytes
    }
}
