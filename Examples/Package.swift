// swift-tools-version:6.2
// A program of one's own: the ferry command with three controllers compiled in, and their tests.
// In a package outside of this repository the dependency is .package(url: …, from: …) instead of the path.
import PackageDescription

let ferry = Target.Dependency.product(name: "Ferry", package: "ferry")
let ferryTesting = Target.Dependency.product(name: "FerryTesting", package: "ferry")

let package = Package(
    name: "atlas",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "ferry", path: "..")],
    targets: [
        .target(name: "AtlasControllers", dependencies: [ferry]),
        .executableTarget(name: "atlas", dependencies: ["AtlasControllers", ferry]),
        .testTarget(
            name: "AtlasControllersTests", dependencies: ["AtlasControllers", ferry, ferryTesting],
            path: "tests/AtlasControllersTests"),
    ],
    swiftLanguageModes: [.v6]
)
