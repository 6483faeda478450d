// Text that is written as YAML is read as the same text.

import SyncJobs
import Testing

@testable import Ferry

@Suite("Text as YAML")
struct YAMLTextTests {
    static let texts = [
        "plain", "two words", "Sales Order (2)", "a.b-c/d_e", "ø", "", " ", "true", "NO", "yes", "null", "~", "42",
        "0x1F",
        "1e3", "-", "- x", "a: b", "a #b", "#", "x:", "a,b", "[x]", "{x}", "&x", "*x", "!x", "|", ">", "%x", "@x",
        "`x`",
        "it's", "\"quoted\"", "back\\slash", "line\nbreak", "tab\t", "cr\r", "nul\u{1}", "\u{85}", "\u{2028}",
        "x\u{FEFF}y",
        "${HOME}", "$${x}", "a  b", "trailing ", "🐧", "e\u{301}", "<<", "=", "---", "...", "?", "? x", "\u{10FFFD}",
    ]

    @Test("comes back byte for byte, as value and as key", arguments: texts)
    func roundTrip(text: String) throws {
        let yaml = """
            value: \(YAMLText.value(text))
            flow: {key: \(YAMLText.value(text)), list: [\(YAMLText.value(text))]}
            keys: {\(YAMLText.key(text)): 1}
            # \(YAMLText.comment(text))
            last: end
            """
        let tree = try ConfigurationFixture.tree(yaml)
        #expect(tree["value"]?.text?.hasSameBytes(as: text) == true)
        #expect(tree["flow"]?["key"]?.text?.hasSameBytes(as: text) == true)
        #expect(tree["flow"]?["list"]?.elements?.first?.text?.hasSameBytes(as: text) == true)
        #expect(tree["keys"]?.entries?.first?.key.hasSameBytes(as: text) == true)
        #expect(tree["last"]?.text == "end")
    }

    @Test("has quotes only where they are needed")
    func plain() {
        #expect(YAMLText.value("SAP Customer (2)") == "SAP Customer (2)")
        #expect(YAMLText.value("NO") == "\"NO\"")
        #expect(YAMLText.value("${HOME}") == "\"$${HOME}\"")
        #expect(YAMLText.line("a: b", comment: nil) == "a: b")
        #expect(YAMLText.line("a: b", comment: "x\ny") == "a: b   # x\\ny")
    }
}
