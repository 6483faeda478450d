// Ids that Ferry makes up are UUIDs like anybody's, and no two are the same.
@testable import Ferry
import Foundation
import Testing

@Suite struct RandomIDTests {
    @Test func anIDIsARandomUUIDInSmallLetters() throws {
        var seen: Set<String> = []
        for _ in 0..<1000 {
            let id = RandomID.uuid()
            #expect(try #require(UUID(uuidString: id)).uuidString.lowercased() == id)
            let characters = Array(id)
            #expect(characters[14] == "4" && "89ab".contains(characters[19]), "\(id)")
            #expect(seen.insert(id).inserted)
        }
    }
}
