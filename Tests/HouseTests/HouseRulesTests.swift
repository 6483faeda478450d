// The house rules of ARCHITECTURE.md that a machine can check: arrows, doors, sizes, and the reasons that must stand above
// what the compiler is told to trust.
import Testing

@Suite struct HouseRulesTests {
    /// Which modules a target may import; what is not listed is a mistake.
    ///
    /// The same table stands in ARCHITECTURE.md.
    private static let arrows: [String: Set<String>] = [
        "AMQP": ["CRabbitMQ", "Logging"],
        "SyncJobs": ["CCrypto", "Logging"],
        "JobStore": ["SyncJobs", "CSQLite", "GRDB", "GRDBSQLite", "Logging"],
        "DocumentSystems": ["SyncJobs", "JobStore", "GRDB", "Logging"],
        "SyncBroker": ["SyncJobs", "AMQP", "Logging"],
        "SyncEngine": [
            "SyncJobs", "JobStore", "DocumentSystems", "SyncBroker", "AMQP", "ServiceLifecycle", "Metrics", "Logging",
        ],
        "FerryTesting": ["SyncJobs", "JobStore", "DocumentSystems", "SyncEngine", "Logging"],
        "Ferry": [
            "AMQP", "SyncJobs", "JobStore", "DocumentSystems", "SyncBroker", "SyncEngine", "FerryTesting", "Yams",
            "ArgumentParser",
            "ServiceLifecycle", "Logging",
        ],
        "FerryMain": ["Ferry"],
    ]
    /// Files that go through a door that is not theirs, each with the reason that stands at its top.
    private static let doors: [String: Set<String>] = [
        "CRabbitMQ": ["Sources/AMQP/Wire.swift", "Sources/AMQP/AMQPError+Broker.swift"],
        "CCrypto": ["Sources/SyncJobs/JSON/Digest.swift"],
        "CSQLite": ["Sources/JobStore/SQLiteMemory.swift"],
        "GRDBSQLite": ["Sources/JobStore/Statements.swift"],
        // Unicode normalisation, for `as: nfc`; and the rules of time zones.
        "Foundation in SyncJobs": [
            "Sources/SyncJobs/Mapping/TextForms.swift", "Sources/SyncJobs/Schedules/TimeZoneRules.swift",
        ],
        // SQLite's values as they are, and standard input and output byte by byte.
        "Unsafe": [
            "Sources/AMQP/Wire.swift", "Sources/JobStore/Statements.swift",
            "Sources/Ferry/Commands/InputFile.swift", "Sources/Ferry/Printing/Screen.swift",
        ],
        "FoundationNetworking": ["Sources/SyncBroker/Management.swift"],
    ]
    /// Modules of the platform that any target may use.
    private static let platform: Set<String> = ["Foundation", "Synchronization", "Dispatch", "Glibc"]

    @Test func importsFollowTheArrows() throws {
        let sources = try SourceFile.all(in: "Sources")
        #expect(
            Set(sources.map(\.target)) == Set(Self.arrows.keys), "a target without arrows, or arrows without a target")
        for file in sources {
            let allowed = (Self.arrows[file.target] ?? []).union(Self.platform)
            for module in file.imports where module != "FoundationNetworking" {
                #expect(allowed.contains(module), "\(file) imports \(module)")
            }
        }
    }

    @Test func theDomainDoesNoInputOrOutput() throws {
        for file in try SourceFile.all(in: "Sources/SyncJobs") where file.imports.contains("Foundation") {
            #expect(isAllowed(file, through: "Foundation in SyncJobs"), "\(file)")
        }
    }

    @Test func cHasOneDoorAndPointersStayBehindIt() throws {
        for file in try SourceFile.all(in: "Sources") {
            for module in ["CRabbitMQ", "CCrypto", "CSQLite", "GRDBSQLite"] where file.imports.contains(module) {
                #expect(isAllowed(file, through: module), "\(file)")
            }
            for index in file.lines.indices where file.code(index).contains("Unsafe") {
                #expect(isAllowed(file, through: "Unsafe"), "\(file):\(index + 1)")
            }
        }
    }

    private func isAllowed(_ file: SourceFile, through door: String) -> Bool {
        Self.doors[door]?.contains(file.path) == true
    }

    @Test func httpHasOneDoor() throws {
        for file in try SourceFile.all(in: "Sources") where file.imports.contains("FoundationNetworking") {
            #expect(isAllowed(file, through: "FoundationNetworking"), "\(file)")
        }
    }

    @Test func aLongFileSaysWhy() throws {
        for file in try SourceFile.all(in: "Sources") where file.lines.count > 300 {
            #expect(
                file.lines.prefix(12).contains { $0.contains("Longer than other files") },
                "\(file): \(file.lines.count) lines")
        }
    }

    @Test func aFileOpensWithItsRole() throws {
        for file in try SourceFile.all(in: "Sources") + SourceFile.all(in: "Tests") {
            #expect(file.lines[0].hasPrefix("//"), "\(file)")
        }
    }

    @Test(arguments: ["try?", "try!", "@unchecked Sendable", "nonisolated(unsafe)", "Task {", "Task.detached"])
    func whatTheCompilerMustTrustHasItsReasonAbove(token: String) throws {
        for file in try SourceFile.all(in: "Sources") {
            for index in file.lines.indices where file.code(index).hasToken(token) {
                #expect(file.hasReason(above: index), "\(file):\(index + 1): \(token)")
            }
        }
    }

    @Test func noEmptyCatch() throws {
        for file in try SourceFile.all(in: "Sources") {
            for index in file.lines.indices {
                let code = file.code(index).filter { $0 != " " }
                #expect(!code.contains("catch{}"), "\(file):\(index + 1)")
            }
        }
    }

    /// Polling a condition sleeps between two looks, briefly; anything longer is a wait for a time.
    @Test func testsWaitForConditionsAndNeverForATime() throws {
        let brief = [".milliseconds(2)", ".milliseconds(5)", ".milliseconds(10)", "usleep(5_000)"]
        for file in try SourceFile.all(in: "Tests") where !file.path.hasPrefix("Tests/HouseTests") {
            for index in file.lines.indices {
                let code = file.code(index)
                let sleeps = ["Task.sleep", "Thread.sleep", "usleep("].contains { code.contains($0) }
                #expect(!sleeps || brief.contains { code.contains($0) }, "\(file):\(index + 1)")
            }
        }
    }

    @Test func namesSayWhatAThingIs() throws {
        for file in try SourceFile.all(in: "Sources") {
            for index in file.lines.indices {
                let words = file.code(index).split(separator: " ")
                guard
                    let kind = words.firstIndex(where: {
                        ["struct", "class", "actor", "enum", "protocol"].contains($0)
                    }),
                    words.count > kind + 1
                else { continue }
                let name = words[kind + 1].prefix { $0.isLetter || $0.isNumber }
                for vague in ["Manager", "Helper", "Utils"] {
                    #expect(!name.hasSuffix(vague), "\(file):\(index + 1): \(name)")
                }
            }
        }
    }
}
