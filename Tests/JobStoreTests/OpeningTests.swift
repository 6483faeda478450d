// Opening: what is made, what is kept, and what is refused before anything is written to it.
import Foundation
import GRDB
@testable import JobStore
import Logging
import SyncJobs
import Testing

@Suite struct OpeningTests {
    @Test func aNewStoreIsReadableForItsOwnerAlone() throws {
        let fixture = try StoreFixture()
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path + suffix)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "file\(suffix)")
        }
    }

    @Test func commitsAreFlushedToTheDisk() throws {
        let fixture = try StoreFixture()
        let (synchronous, mode) = try fixture.store.pool.writeWithoutTransaction { db in
            (try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode"))
        }
        #expect(synchronous == 2)
        #expect(mode == "wal")
    }

    @Test func theStoreKeepsItsIDAndContentOverReopening() async throws {
        let fixture = try StoreFixture()
        _ = try await fixture.store.commit(Sample.transition("1"))
        try fixture.store.close()
        let again = try StoreFixture.open(fixture.path)
        #expect(again.storeID == fixture.store.storeID)
        #expect(again.storeID.count == 36)
        #expect(try await again.job(id: "1")?.status == .finished)
    }

    @Test func twoFilesHaveDifferentIDs() throws {
        #expect(try StoreFixture().store.storeID != StoreFixture().store.storeID)
    }

    @Test func whatWasCommittedSurvivesAProcessThatNeverCloses() async throws {
        let fixture = try StoreFixture()
        for number in 0..<20 { _ = try await fixture.store.commit(Sample.transition("\(number)")) }
        // What a killed process leaves behind: the file and its log, as they are now.
        let copy = fixture.folder.file("copy.sqlite")
        try FileManager.default.copyItem(atPath: fixture.path, toPath: copy)
        try FileManager.default.copyItem(atPath: fixture.path + "-wal", toPath: copy + "-wal")
        let survivor = try StoreFixture.open(copy)
        #expect(try await survivor.countJobs() == [.finished: 20])
        try await survivor.checkIntegrity()
    }

    @Test func aTornEndOfTheLogLosesNoOtherCommit() async throws {
        let fixture = try StoreFixture()
        for number in 0..<5 { _ = try await fixture.store.commit(Sample.transition("\(number)")) }
        let copy = fixture.folder.file("torn.sqlite")
        try FileManager.default.copyItem(atPath: fixture.path, toPath: copy)
        var log = try Data(contentsOf: URL(fileURLWithPath: fixture.path + "-wal"))
        log.append(Data(repeating: 0xA5, count: 3_000))
        try log.write(to: URL(fileURLWithPath: copy + "-wal"))
        let survivor = try StoreFixture.open(copy)
        #expect(try await survivor.countJobs() == [.finished: 5])
    }

    @Test func closingWritesTheLogBack() async throws {
        let fixture = try StoreFixture()
        _ = try await fixture.store.commit(Sample.transition("1"))
        try fixture.store.close()
        if FileManager.default.fileExists(atPath: fixture.path + "-wal") {
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path + "-wal")
            #expect((attributes[.size] as? NSNumber)?.intValue == 0)
        }
        #expect(try fixture.integer("SELECT count(*) FROM jobs") == 1)
    }

    @Test func aClosedStoreSaysSoAndClosesOnce() async throws {
        let store = try StoreFixture().store
        try store.close()
        try store.close()
        #expect(await storeError { _ = try await store.commit(Sample.transition("1")) } == .closed)
        #expect(await storeError { _ = try await store.job(id: "1") } == .closed)
    }

    @Test func aStoreOfANewerVersionIsRefused() async throws {
        let fixture = try StoreFixture()
        try fixture.store.close()
        let database = try DatabaseQueue(path: fixture.path)
        try await database.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9 from the future')") }
        let error = #expect(throws: JobStoreError.self) { try StoreFixture.open(fixture.path) }
        #expect(error?.code == .storeTooNew)
        #expect(error?.isTransient == false)
        #expect(error?.remedy.isEmpty == false)
    }

    @Test func somebodyElsesDatabaseIsRefusedAndLeftAlone() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("other.sqlite")
        let database = try DatabaseQueue(path: path)
        try await database.write { try $0.execute(sql: "CREATE TABLE invoices (id INTEGER PRIMARY KEY)") }
        try database.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        let error = #expect(throws: JobStoreError.self) { try StoreFixture.open(path) }
        #expect(error?.code == .notAStore)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }

    @Test func aFileThatIsNoDatabaseIsRefusedAndLeftAlone() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("notes.txt")
        let text = Data(String(repeating: "Dear diary, ", count: 1_000).utf8)
        try text.write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: JobStoreError.self) { try StoreFixture.open(path) }
        #expect(error?.code == .notAStore)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == text)
    }

    @Test func anEmptyFileBecomesAStore() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("empty.sqlite")
        try Data().write(to: URL(fileURLWithPath: path))
        let store = try StoreFixture.open(path)
        #expect(try await store.countJobs().isEmpty)
    }

    @Test func aMissingFolderAndAFolderAreNamed() throws {
        let folder = try TemporaryFolder()
        for path in [folder.file("missing/jobs.sqlite"), folder.path] {
            let error = #expect(throws: JobStoreError.self) { try StoreFixture.open(path) }
            #expect(error?.code == .cannotOpen)
            #expect(error?.message.contains(folder.path) == true)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("missing")))
    }

    @Test func damageInTheMiddleOfTheFileIsFound() async throws {
        let fixture = try StoreFixture()
        for number in 0..<200 { _ = try await fixture.store.commit(Sample.transition("\(number)")) }
        try fixture.store.close()
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: fixture.path))
        let size = try handle.seekToEnd()
        for page in stride(from: UInt64(4_096 * 8), to: size, by: 4_096) {
            try handle.seek(toOffset: page)
            try handle.write(contentsOf: Data(repeating: 0x5A, count: 64))
        }
        try handle.close()
        let code = await storeError {
            let store = try StoreFixture.open(fixture.path)
            try await store.checkIntegrity()
        }
        #expect(code == .corrupt)
    }

    @Test func manyThatOpenANewFileAtOnceAllGetTheSameStore() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("jobs.sqlite")
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<6 { group.addTask { try StoreFixture.open(path).storeID } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
    }

    // MARK: where it lies

    @Test func aFileSystemOfAnotherMachineIsRefusedAndOneThatMayBeIsWarnedOf() throws {
        let mounts = """
            22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
            23 22 0:21 / /proc rw - proc proc rw
            40 22 0:40 / /mnt/my\\040share rw shared:9 - nfs4 server:/x rw,vers=4.2
            41 22 0:41 / /srv rw - cifs //server/x rw
            42 41 0:42 / /srv/disk rw - xfs /dev/vdb rw
            43 22 0:43 / /vagrant rw - fuse.sshfs x rw
            44 22 0:44 / /host rw - 9p host rw
            45 44 0:45 / /host/over rw - ext4 /dev/vdc rw
            46 44 0:46 / /host/over rw - nfs a:/b rw
            """
        let kinds: [(String, StoreFileSystem)] = [
            ("/var/lib/ferry", .local), ("/mnt/my share/x", .network("nfs4")), ("/mnt/my sharex", .local),
            ("/srv", .network("cifs")), ("/srv/disk/a", .local), ("/vagrant", .network("fuse.sshfs")),
            ("/host/x", .unknown("9p")), ("/host/over", .network("nfs")),
        ]
        for (folder, kind) in kinds { #expect(StoreFileSystem(ofFolder: folder, mounts: mounts) == kind, "\(folder)") }
        #expect(StoreFileSystem(ofFolder: "/x", mounts: "nonsense") == .local)
        #expect(StoreFileSystem.ofFolder(NSTemporaryDirectory()) == .local)
        let file = StoreFile(path: "/srv/jobs.sqlite")
        let error = #expect(throws: JobStoreError.self) {
            try file.requireFileSystem(.network("cifs"), logger: Logger(label: "test"))
        }
        #expect(error?.code == .networkFileSystem && error?.isTransient == false)
        #expect(error?.remedy.contains("a disk of this machine") == true)
        try file.requireFileSystem(.unknown("9p"), logger: Logger(label: "test"))
    }

    @Test func aShortenedCopyIsRefusedAndToldThatItsLogBelongsToIt() async throws {
        let fixture = try StoreFixture()
        for number in 0..<100 { _ = try await fixture.store.commit(Sample.transition("\(number)")) }
        try fixture.store.close()
        let copy = fixture.folder.file("copy.sqlite")
        let whole = try Data(contentsOf: URL(fileURLWithPath: fixture.path))
        try whole.prefix(whole.count / 2 / 4_096 * 4_096).write(to: URL(fileURLWithPath: copy))
        let error = #expect(throws: JobStoreError.self) { try StoreFixture.open(copy) }
        #expect(error?.code == .corrupt && error?.message.contains(copy) == true)
        #expect(error?.remedy.contains("-wal") == true && error?.remedy.contains("ferry store backup") == true)
    }

    @Test(.enabled(if: canMount)) func aDiskThatIsReadOnlyIsNamedBeforeAnythingIsTried() throws {
        let disk = try SmallDisk(megabytes: 4)
        try StoreFixture.open(disk.file("jobs.sqlite")).close()
        #expect(disk.protect())
        let error = #expect(throws: JobStoreError.self) { try StoreFixture.open(disk.file("jobs.sqlite")) }
        #expect(error?.code == .readOnly && error?.message.contains("jobs.sqlite") == true)
        #expect(throws: JobStoreError.self) { try StoreFixture.open(disk.file("new.sqlite")) }
    }

    private static let canMount: Bool = {
        do {
            _ = try SmallDisk(megabytes: 1)
            return true
        } catch { return false }
    }()
}
