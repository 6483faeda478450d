// What people see, to the character.

import SyncBroker
import SyncJobs
import Testing

@testable import Ferry

@Suite("Output for people")
struct RenderingTests {
    @Test("a diff stands in columns, old → new, child tables after the fields")
    func diff() {
        let diff = Diff(
            changed: [
                .init(field: "label", old: "Oslo", new: "Oslo kommune"), .init(field: "n", old: .null, new: 792),
            ],
            added: [.init(table: "items", row: ["id": 3, "sku": "C"])],
            removed: [.init(table: "items", row: ["id": 1])],
            rowChanged: [.init(table: "items", rowKey: 2, changes: [.init(field: "qty", old: 1, new: 2)])])
        #expect(
            DiffText().lines(diff) == [
                "label  \"Oslo\" → \"Oslo kommune\"",
                "n      null   → 792",
                "items + id: 3, sku: \"C\"",
                "items - id: 1",
                "items ~ 2",
                "  qty  1 → 2",
            ])
    }

    @Test("colours say what came and what went, and only where they are on")
    func colours() {
        let diff = Diff(changed: [.init(field: "a", old: 1, new: 2)])
        #expect(DiffText(style: Style(isOn: true)).lines(diff) == ["a  \u{1B}[31m1\u{1B}[0m → \u{1B}[32m2\u{1B}[0m"])
    }

    @Test("colours are for terminals, and NO_COLOR turns them off")
    func noColour() {
        #expect(Terminal(descriptor: 1, isInteractive: true, environment: [:]).hasColours)
        #expect(Terminal(descriptor: 1, isInteractive: true, environment: ["NO_COLOR": ""]).hasColours)
        #expect(!Terminal(descriptor: 1, isInteractive: true, environment: ["NO_COLOR": "1"]).hasColours)
        #expect(!Terminal(descriptor: 1, isInteractive: false, environment: [:]).hasColours)
    }

    @Test("white space and control characters are seen, and can't act on the terminal")
    func visible() {
        #expect(
            VisibleText.quoted(" a  b\t\r\nc\u{1B}[31m\u{A0}\u{200B}\"\\ ")
                == #""␣a␣␣b\t\r\nc\u{1B}[31m\u{A0}\u{200B}\"\\␣""#)
        #expect(VisibleText.bare("a b\u{7}") == "a b\\u{7}")
    }

    @Test("long text is cut and its length said; a difference beyond the cut is still shown")
    func longValues() {
        let values = VisibleValue(limit: 10)
        #expect(values.text(.string(String(repeating: "x", count: 12_345))) == "\"xxxxxxxxxx\"… (12,345 characters)")
        let same = String(repeating: "a", count: 100)
        let pair = values.pair(.string(same + "1"), .string(same + "2"))
        #expect(pair.old == "…\"aa1\"")
        #expect(pair.new == "…\"aa2\"")
    }

    @Test("composed and decomposed forms, which look alike, are spelled out")
    func lookAlikes() {
        let pair = VisibleValue().pair("\u{E9}", "e\u{301}")
        #expect(pair.old == "\"\\u{E9}\"")
        #expect(pair.new == "\"e\\u{301}\"")
    }

    @Test("a table is as wide as what is in it, wide characters and colours counted right")
    func table() {
        var table = TextTable([.init(title: "NAME"), .init(title: "N", alignment: .right), .init(title: "X")])
        table.add(["日本", "1", "a"])
        table.add(["\u{1B}[32mé\u{1B}[0m", "12,345", ""])
        #expect(
            table.lines() == [
                "NAME       N  X",
                "日本       1  a",
                "\u{1B}[32mé\u{1B}[0m     12,345",
            ])
    }

    @Test("a job reads as: what it is, its diff, what was asked, what happened, its attempts")
    func finishedJob() {
        #expect(
            JobText().lines(Sample.finished()) == [
                "job country:TR:1 · Country Sync · Finished · 1 attempt · 3 ms",
                "Country > Nation: TUR (insert)",
                "  code2  null → \"TR\"",
                "  label  null → \"Türkiye\"",
                "asked",
                "  type         Country Sync (country_sync)",
                "  source       iso.Country/TR",
                "  by           Manual",
                "  max_retries  0",
                "  queue        short",
                "happened",
                "  received  2023-11-14T22:13:20.000000Z",
                "  started   2023-11-14T22:13:20.001000Z",
                "  ended     2023-11-14T22:13:20.004000Z",
                "  target    registry.Nation/TUR",
                "attempts",
                "  #  OUTCOME   STARTED                      TOOK  NODE    ERROR",
                "  1  Finished  2023-11-14T22:13:20.001000Z  3 ms  host:1",
            ])
    }

    @Test("a failed job says why and what to do")
    func failedJob() {
        let lines = JobText().lines(Sample.failed())
        #expect(lines.first == "job country:XX:1 · Country Sync · Failed (source_not_visible)")
        #expect(lines.contains("  source_not_visible: the source is not there"))
        #expect(lines.contains("  remedy: check the name"))
    }

    @Test("a list of jobs is a table")
    func jobTable() {
        #expect(
            JobTable.lines([Sample.finished(), Sample.failed()], style: .plain) == [
                "ID            STATUS                       TYPE          SOURCE  TARGET  OPERATION  TOOK  RECEIVED",
                "country:TR:1  Finished                     country_sync  TR      TUR     insert     3 ms"
                    + "  2023-11-14T22:13:20Z",
                "country:XX:1  Failed (source_not_visible)  country_sync  XX      -       -             -"
                    + "  2023-11-14T22:13:20Z",
            ])
    }

    @Test("quantities read at a glance")
    func quantities() {
        #expect(Quantity.time(.microseconds(450)) == "450 µs")
        #expect(Quantity.time(.milliseconds(3)) == "3 ms")
        #expect(Quantity.time(.milliseconds(1940)) == "1.9 s")
        #expect(Quantity.time(.seconds(125)) == "2m5s")
        #expect(Quantity.rate(9840, in: .seconds(1)) == "9,840")
        #expect(Quantity.rate(1, in: .seconds(2)) == "0.5")
        #expect(Quantity.count(1, "job") == "1 job")
        #expect(Quantity.count(1_234_567, "job") == "1,234,567 jobs")
    }

    @Test("a log line is one line, facts in order of their keys")
    func logLine() {
        let line = ScreenLogHandler.line(
            at: Sample.instant, level: .warning, message: "Gone\nwrong", facts: ["reason": "a b", "job_id": "x"])
        #expect(line == "2023-11-14T22:13:20.000Z warning Gone\\nwrong job_id=x reason=\"a b\"")
    }

    @Test("what the broker lacks is told by kind, once; what differs by itself")
    func topologyFindings() {
        func finding(_ kind: TopologyFinding.Kind, _ object: String) -> TopologyFinding {
            TopologyFinding(kind, object: object, expected: "it exists", found: "nothing", remedy: "Mend it.")
        }
        let queues = [finding(.missingQueue, "queue ferry.a"), finding(.missingQueue, "queue ferry.b")]
        let binding = finding(.missingBinding, "binding x -> queue ferry.a")
        #expect(Composition.lines(queues + [binding]) == ["missing queues: ferry.a, ferry.b"])
        #expect(
            Composition.lines([binding, finding(.foreignPolicy, "policy p")]) == [
                "binding x -> queue ferry.a: expected it exists, found nothing. Mend it.",
                "policy p: expected it exists, found nothing. Mend it.",
            ])
    }

    @Test("an error is one sentence, and its remedy another")
    func failures() {
        #expect(CommandFailure(.usage, "it is wrong", remedy: "mend it").description == "it is wrong. Mend it.")
        #expect(
            CommandFailure(.usage, "wrong?", remedy: "ferry types list shows them").description
                == "wrong? ferry types list shows them.")
        #expect(CommandFailure(.usage, "wrong", remedy: "").description == "wrong.")
        let problem = ConfigProblem(line: 3, place: "types.A", message: "no such key", remedy: "did you mean B?")
        let configuration = CommandFailure(ConfigurationError(file: "ferry.yaml", problems: [problem]))
        #expect(configuration.status == .usage)
        #expect(
            configuration.description.hasPrefix(
                "there is 1 problem with the configuration:\nferry.yaml:3: types.A: no such key (did you mean B?)\n"))
        #expect(CommandFailure(JobFailure(.systemUnavailable, "gone", remedy: "wait")).status == .store)
    }
}
