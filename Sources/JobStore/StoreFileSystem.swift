// On what the store's file lies. A write-ahead log needs memory that all processes on the file share, and locks that
// hold: a file system of another machine has neither, and a store on it is damaged sooner or later, in silence.
// Invariant: the decision is a function of the kernel's table of mounts; where there is no such table, nothing is refused.
internal import Foundation
internal import SyncJobs

/// The kind of a file system, by what it means for a store.
enum StoreFileSystem: Sendable, Hashable {
    /// Of this machine.
    case local
    /// Of another machine; the kernel's name for it.
    case network(String)
    /// A program's or a host's own, which may be either; the kernel's name for it.
    case unknown(String)

    private static let networks: Set<String> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "coda", "ncpfs", "ceph", "lustre", "gpfs", "glusterfs", "beegfs",
        "gfs2", "ocfs2",
        "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.ceph", "fuse.davfs", "davfs",
    ]
    private static let unknowns: Set<String> = ["9p", "virtiofs", "vboxsf", "fuse"]

    /// By the kernel's name for the type.
    init(type: String) {
        if Self.networks.contains(type) {
            self = .network(type)
        } else if Self.unknowns.contains(type) || type.hasPrefix("fuse.") {
            self = .unknown(type)
        } else {
            self = .local
        }
    }

    /// That of a folder, given without symbolic links, by a table of mounts (`/proc/self/mountinfo`).
    ///
    /// The innermost mount counts, and of several on one place the last.
    init(ofFolder folder: String, mounts: String) {
        var found: (depth: Int, type: String)?
        for line in mounts.split(separator: "\n") {
            let halves = line.components(separatedBy: " - ")
            let place = halves[0].split(separator: " ").dropFirst(4).first.map { Self.unescaped(String($0)) }
            guard halves.count == 2, let place, let type = halves[1].split(separator: " ").first else { continue }
            let isAround =
                folder.hasSameBytes(as: place) || folder.hasPrefix(place.hasSuffix("/") ? place : place + "/")
            if isAround, place.utf8.count >= found?.depth ?? 0 { found = (place.utf8.count, String(type)) }
        }
        self = found.map { StoreFileSystem(type: $0.type) } ?? .local
    }

    /// That of a folder of this machine; `local` where the system does not tell.
    static func ofFolder(_ path: String) -> StoreFileSystem {
        guard let mounts = FileManager.default.contents(atPath: "/proc/self/mountinfo") else { return .local }
        let folder = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        return StoreFileSystem(ofFolder: folder, mounts: String(decoding: mounts, as: UTF8.self))
    }

    /// A place as it is, from the octal codes that the kernel writes for white space and backslashes.
    private static func unescaped(_ text: String) -> String {
        [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].reduce(text) { text, code in
            text.replacingOccurrences(of: code.0, with: code.1)
        }
    }
}
