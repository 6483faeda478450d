// What FERRY_FAILPOINT may say, and that it is refused by whoever was not told that it is meant.
import JobStore
import Testing

@testable import Ferry

@Suite struct FailpointSettingTests {
    private func read(_ text: String, allowed: String? = "1") throws -> Failpoint.Plan? {
        var environment = ["FERRY_FAILPOINT": text]
        environment["FERRY_FAILPOINTS_ALLOWED"] = allowed
        return try FailpointSetting.read(environment)
    }

    @Test func aPointAPassAndAnActionAreRead() throws {
        #expect(try read("after_commit") == Failpoint.Plan(.afterCommit, pass: 1, action: .kill))
        #expect(try read("relay_page:7") == Failpoint.Plan(.relayPage, pass: 7, action: .kill))
        #expect(try read("in_commit:2:pause") == Failpoint.Plan(.inCommit, pass: 2, action: .pause))
        #expect(try read("before_ack:1:exit") == Failpoint.Plan(.beforeAck, pass: 1, action: .exit))
        #expect(try read("") == nil)
        #expect(try FailpointSetting.read([:]) == nil)
    }

    @Test(arguments: [nil, "", "0", "yes"]) func withoutPermissionNothingStarts(allowed: String?) {
        #expect {
            try read("after_commit", allowed: allowed)
        } throws: { error in
            let failure = error as? CommandFailure
            return failure?.status == .usage && failure?.remedy.contains("unset it") == true
        }
    }

    @Test(arguments: ["nowhere", "after_commit:0", "after_commit:x", "after_commit:1:explode", "after_commit:1:kill:2"])
    func whatCantBeReadIsRefused(text: String) {
        #expect {
            try read(text)
        } throws: { error in
            (error as? CommandFailure)?.message.hasPrefix("FERRY_FAILPOINT: ") == true
        }
    }
}
