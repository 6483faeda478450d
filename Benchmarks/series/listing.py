# How long a person waits for `ferry jobs list`, and with which filter: the whole command, from its start to its end.
import statistics
import time

REPETITIONS, START = 11, "(ferry version)"
# A source that is there, one in the middle; {name} is put in.
FILTERS = {
    "newest": (), "--status failed": ("--status", "failed"), "--type": ("--type", "customer_sync"),
    "--source": ("--source", "{name}"), "--target": ("--target", "{name}"),
    "--error": ("--error", "controller_failed"), "--since 1h": ("--since", "1h"), "--open": ("--open",),
    "--status failed --type": ("--status", "failed", "--type", "customer_sync"),
    "--status failed --source": ("--status", "failed", "--source", "{name}"),
    "--type, of which there is none": ("--type", "shop_sync"),
    "--status, of which there is none": ("--status", "canceled", "--since", "1h"),
}


def times(workload):
    """The median milliseconds of each filter, on the store that the last round has left."""
    name = f"R-{max(workload.records_before // 2, 1):07d}"
    found = {title: milliseconds(workload, "jobs", "list", *(word.format(name=name) for word in words))
             for title, words in FILTERS.items()}
    # What the start of the program takes of it.
    return found | {START: milliseconds(workload, "version")}


def milliseconds(workload, *words):
    taken = []
    for _ in range(REPETITIONS):
        start = time.monotonic()
        workload.ferry(*words)
        taken.append((time.monotonic() - start) * 1000)
    return round(statistics.median(taken), 1)
