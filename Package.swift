// swift-tools-version:6.2
// Ferry: a sync-job engine on RabbitMQ and SQLite. The targets and which may import which are explained in
// ARCHITECTURE.md; Tests/HouseTests holds the imports to that table.
import PackageDescription

/// `FERRY_STRICT=1` (set by the Makefile, hence by CI) turns warnings into errors; a package that depends on
/// Ferry and a newer compiler are not held up by a new warning.
let strict = Context.environment["FERRY_STRICT"] == "1"

let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("ExistentialAny"),
    ] + (strict ? [.treatAllWarnings(as: .error)] : [])

func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

let logging = product("Logging", "swift-log")
let grdb = product("GRDB", "GRDB.swift")
let sqlite = product("GRDBSQLite", "GRDB.swift")
let lifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let metrics = product("Metrics", "swift-metrics")
let metricsTestKit = product("MetricsTestKit", "swift-metrics")
let arguments = product("ArgumentParser", "swift-argument-parser")
let yams = product("Yams", "Yams")

func target(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let package = Package(
    name: "ferry",
    platforms: [.macOS(.v15)],
    products: [
        // SyncJobs beside it: a controller of one's own is written in its words.
        .library(name: "Ferry", targets: ["Ferry", "SyncJobs"]),
        // For the tests of those controllers; not part of what runs.
        .library(name: "FerryTesting", targets: ["FerryTesting"]),
        .executable(name: "ferry", targets: ["FerryMain"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    ],
    targets: [
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        target("AMQP", ["CRabbitMQ", logging]),
        target("SyncJobs", ["CCrypto", logging]),
        target("JobStore", ["SyncJobs", "CSQLite", grdb, sqlite, logging]),
        target("DocumentSystems", ["SyncJobs", "JobStore", grdb, logging]),
        target("SyncBroker", ["SyncJobs", "AMQP", logging]),
        target(
            "SyncEngine", ["SyncJobs", "JobStore", "DocumentSystems", "SyncBroker", lifecycle, metrics, logging]),
        target("FerryTesting", ["SyncJobs", "JobStore", "DocumentSystems", "SyncEngine", logging]),
        target(
            "Ferry",
            [
                "SyncJobs", "JobStore", "DocumentSystems", "SyncBroker", "SyncEngine", "FerryTesting", "AMQP", yams,
                arguments, lifecycle, logging,
            ]),
        .executableTarget(name: "FerryMain", dependencies: ["Ferry"], swiftSettings: settings),
        // The row ferry-controller of `make bench`: a program with a controller, built only there.
        .executableTarget(
            name: "BenchController", dependencies: ["Ferry", "SyncJobs"], path: "Benchmarks/controller",
            exclude: ["ferry.yaml"], swiftSettings: settings),
        tests("HouseTests", ["SyncJobs", "JobStore"]),
        tests("AMQPTests", ["AMQP", logging]),
        tests("SyncJobsTests", ["SyncJobs"]),
        tests("JobStoreTests", ["JobStore", "SyncJobs", grdb, logging]),
        tests("DocumentSystemsTests", ["DocumentSystems", "FerryTesting", "JobStore", "SyncJobs", grdb, logging]),
        tests("SyncBrokerTests", ["SyncBroker", "SyncJobs", "AMQP", logging]),
        tests(
            "SyncEngineTests",
            [
                "SyncEngine", "SyncBroker", "DocumentSystems", "JobStore", "SyncJobs", "AMQP", grdb, logging,
                metricsTestKit,
            ]),
        tests("FerryTestingTests", ["FerryTesting", "SyncEngine", "SyncJobs"]),
        // What `ferry types new` writes: FerryTests compares it byte by byte, and here it is compiled and run.
        .target(
            name: "NewControllers", dependencies: ["SyncJobs"], path: "Tests/NewTypes/Sources/NewControllers",
            swiftSettings: settings),
        .testTarget(
            name: "NewControllersTests", dependencies: ["NewControllers", "FerryTesting"],
            path: "Tests/NewTypes/Tests/NewControllersTests", swiftSettings: settings),
        // The controllers of Examples/, which is a package of its own: compiled and tested here too, in a build that is
        // there already (make examples builds the program itself).
        .target(
            name: "AtlasControllers", dependencies: ["SyncJobs"], path: "Examples/Sources/AtlasControllers",
            swiftSettings: settings),
        .testTarget(
            name: "AtlasControllersTests", dependencies: ["AtlasControllers", "Ferry", "FerryTesting"],
            path: "Examples/tests/AtlasControllersTests", swiftSettings: settings),
        tests(
            "FerryTests",
            [
                "AtlasControllers", "Ferry", "FerryTesting", "SyncJobs", "SyncEngine", "SyncBroker", "DocumentSystems",
                "JobStore", "AMQP", grdb,
            ]),
        tests(
            "IntegrationTests",
            [
                "Ferry", "FerryMain", "SyncEngine", "SyncBroker", "DocumentSystems", "JobStore", "SyncJobs", "AMQP",
                lifecycle, logging,
            ]),
    ]
)
