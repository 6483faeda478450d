# The curves, each with the condition that grows and how far; `--quick` has the same with small ends.
from series import listing
from series.curve import Curve
from series.workload import Workload

# What a document has without notes.
PLAIN_BYTES = 200


def all_curves(place, jobs, is_quick):
    """The curves by name."""
    def documents(size):
        # So many that the source documents together have at most 100 MB.
        count = max(min(jobs, 100_000_000 // size), 100)
        return Workload(place, count, notes_bytes=size - PLAIN_BYTES)

    curves = (
        Curve("records", "Records in the store", "records", (100, 10_000, 20_000 if is_quick else 1_000_000),
              lambda records: Workload(place, jobs, records=records),
              extra=lambda workload: {"list_ms": listing.times(workload)}),
        Curve("queue", "Messages in the queue", "messages",
              (1_000, 2_000) if is_quick else (1_000, 10_000, 100_000, 500_000), lambda count: Workload(place, count)),
        Curve("documents", "Size of documents", "bytes", (200, 2_000, 20_000, 200_000), documents),
        Curve("concurrency", "Jobs at a time", "--concurrency", (1, 4, 64) if is_quick else (1, 2, 4, 8, 16, 32, 64),
              lambda number: Workload(place, jobs, words=("--concurrency", number))),
        Curve("processes", "Processes on one store", "processes", (1, 2) if is_quick else (1, 2, 3, 4),
              lambda number: Workload(place, jobs, processes=number)),
    )
    return {curve.name: curve for curve in curves}
