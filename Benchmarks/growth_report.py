# The figures of the growth as tables that people read, each bar with what was measured.
# Invariant: a bar is said to hold only where it was measured at the size that it names.
from report import aligned

LISTING_MS, MEMORY_RATIO, MEMORY_MB, BESIDE = 50, 1.2, 150, 0.95


def table(facts):
    machine = facts["machine"]
    lines = [
        f"{facts['version']} · {facts['jobs']:,} jobs a round, {facts['rounds']} rounds · {machine['cores']} cores"
        f" shared with the broker · RabbitMQ {machine['rabbitmq']} · {facts['at']}",
        f"{machine['processor']} · load {machine['load_at_start']:.1f} at the start; above 0.5, others worked beside",
        *([facts["note"]] if facts["note"] else []),
    ]
    for curve in facts["curves"].values():
        lines += ["", *curve_rows(curve)]
    if "records" in facts["curves"]:
        lines += ["", *listing_rows(facts["curves"]["records"]["points"])]
    if "memory" in facts:
        lines += ["", *memory_rows(facts["memory"])]
    if "beside" in facts and facts["beside"]["speeds"]:
        lines += ["", *beside_rows(facts["beside"])]
    if bars := list(all_bars(facts)):
        rows = [("bar", "wanted", "measured", "")]
        rows += [(what, wanted, found, "holds" if holds else "DOES NOT HOLD") for what, wanted, found, holds in bars]
        lines += ["", *aligned(rows)]
    lines += [""] * bool(facts["failures"]) + [f"failed: {failure.splitlines()[0]}" for failure in facts["failures"]]
    return "\n".join(lines) + "\n"


def curve_rows(curve):
    rows = [(f"{curve['title']} ({curve['axis']})", "jobs", "jobs/s", "slowest–fastest", "CPU µs/job", "peak MB")]
    for point in curve["points"]:
        speeds = [one["jobs_per_second"] for one in point["rounds"]]
        rows.append((
            f"{point['value']:,}", f"{point['jobs']:,}", f"{point['jobs_per_second']:,.0f}",
            f"{min(speeds):,.0f}–{max(speeds):,.0f}", f"{point['processor_us_per_job']:,.0f}",
            f"{point['peak_mb']:,.0f}") if speeds else (f"{point['value']:,}", f"{point['jobs']:,}", *["–"] * 4))
    return aligned(rows)


def listing_rows(points):
    points = [point for point in points if "list_ms" in point]
    if not points:
        return []
    head = ["ferry jobs list, ms", *(f"{point['value'] + point['jobs']:,} records" for point in points)]
    names = points[0]["list_ms"]
    return aligned([head, *([name, *(f"{point['list_ms'][name]:.1f}" for point in points)] for name in names)])


def memory_rows(memory):
    return aligned([
        ("Memory of one worker", "peak MB"),
        (f"after {memory['early_jobs']:,} jobs", f"{memory['peak_mb_early']:,.1f}"),
        (f"after {memory['late_jobs']:,} jobs", f"{memory['peak_mb_late']:,.1f}"),
        ("the one to the other", f"{memory['late_to_early']:.2f}")])


def beside_rows(beside):
    rows = [("Others, beside", "jobs/s", "× nothing beside", "CPU µs/job", "broker µs/job")]
    for what, own in beside["speeds"].items():
        rows.append((
            what, f"{own['jobs_per_second']:,.0f}", f"{own['to_nothing']:.3f}", f"{own['processor_us_per_job']:,.0f}",
            f"{own['broker_us_per_job']:,.0f}"))
    return aligned(rows)


def all_bars(facts):
    """Each bar that these figures can tell: its words, what is wanted, what was found, whether it holds."""
    records = [p for p in facts["curves"].get("records", {}).get("points", []) if "list_ms" in p]
    if records and records[-1]["value"] >= 1_000_000:
        slowest = max(records[-1]["list_ms"].values())
        yield "ferry jobs list with a million records", f"< {LISTING_MS} ms", f"{slowest:.0f} ms", slowest < LISTING_MS
    memory = facts.get("memory")
    if memory and memory["late_jobs"] >= 1_000_000:
        ratio = memory["late_to_early"]
        yield ("memory after a million jobs, to that after 50,000", f"≤ {MEMORY_RATIO}", f"{ratio:.2f}",
               ratio <= MEMORY_RATIO)
    for point in facts["curves"].get("documents", {}).get("points", []):
        if point["value"] == 20_000 and "peak_mb" in point:
            peak = point["peak_mb"]
            yield "memory with documents of 20 kB", f"< {MEMORY_MB} MB", f"{peak:.0f} MB", peak < MEMORY_MB
    # Rounds of a second or two say nothing to a twentieth.
    beside = facts.get("beside", {"jobs": 0})
    for what, own in beside["speeds"].items() if beside["jobs"] >= 60_000 else ():
        if what != "nothing":
            yield f"others beside a {what}", f"≥ {BESIDE}", f"{own['to_nothing']:.3f}", own["to_nothing"] >= BESIDE
