// A test that imports FerryTesting speaks of documents, jobs and systems without naming the modules they come from.

@_exported public import DocumentSystems
@_exported public import SyncJobs
