// `atlas` is `ferry` with controllers: every subcommand is there, `atlas --help` lists them.

import AtlasControllers
import Ferry
import Foundation

let exports = ProcessInfo.processInfo.environment["ATLAS_EXPORTS"] ?? "exports"
await Ferry(controllers: Atlas.controllers(exports: exports)).run()
