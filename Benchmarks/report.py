# From rounds to words: medians, ratios to the floor and to Dramatiq, and the table that people read.
# Invariant: a ratio is the median of the ratios within each round, so that what slows a round down slows both of its
# sides; what was not measured is shown as a dash, never as a guess.
import statistics

import latency

COLUMNS = "jobs_per_second", "processor_us_per_job", "broker_us_per_job", "peak_mb", "published_per_second"


def summary(results):
    """The median of each figure of each contestant, with the ratios of the speeds."""
    found = {}
    for name, result in results.items():
        rounds = result["rounds"]
        if rounds:
            found[name] = {
                column: statistics.median(one[column] for one in rounds) for column in COLUMNS if column in rounds[0]}
            speeds = [one["jobs_per_second"] for one in rounds]
            found[name] |= {"slowest": min(speeds), "fastest": max(speeds)}
    for name, own in found.items():
        for other in ("floor", "dramatiq"):
            theirs = speeds_by_round(results[other]) if other in found else {}
            mine = speeds_by_round(results[name])
            ratios = [mine[number] / theirs[number] for number in mine if number in theirs]
            if ratios:
                own[f"to_{other}"] = statistics.median(ratios)
    return found


def speeds_by_round(result):
    return {one["round"]: one["jobs_per_second"] for one in result["rounds"]}


def ratio(value):
    if value is None:
        return "–"
    return f"{value:,.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def aligned(rows):
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])])
        for row in rows]


def table(facts):
    machine, results = facts["machine"], facts["results"]
    lines = [
        f"{facts['rounds']} rounds, {facts['jobs']:,} requests each (peers: a part) · {machine['cores']} cores shared"
        f" with the broker · RabbitMQ {machine['rabbitmq']} · {facts['at']}",
        f"{machine['processor']} · load {machine['load_at_start']:.1f} at the start; above 0.5, others worked beside",
        *([facts["note"]] if facts["note"] else []), "",
    ]
    rows = [("median", "jobs/s", "slowest–fastest", "× floor", "× Dramatiq", "CPU µs/job", "broker µs/job", "peak MB",
             "published/s")]
    for name, own in facts["summary"].items():
        rows.append((
            results[name]["title"], f"{own['jobs_per_second']:,.0f}", f"{own['slowest']:,.0f}–{own['fastest']:,.0f}",
            ratio(own.get("to_floor")), ratio(own.get("to_dramatiq")), f"{own['processor_us_per_job']:,.0f}",
            f"{own['broker_us_per_job']:,.0f}", f"{own['peak_mb']:,.0f}",
            f"{own['published_per_second']:,.0f}" if "published_per_second" in own else "–"))
    lines += aligned(rows)
    waits = [(results[name]["title"], results[name]["latency"]) for name in results if "latency" in results[name]]
    if waits:
        rows = [("idle engine, publish → ack", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "messages")]
        for title, own in waits:
            rows.append((title, *(f"{own[key]:.2f}" for key in latency.PERCENTILES), str(own["messages"])))
        lines += ["", *aligned(rows)]
    lines += ["", "versions: " + " · ".join(f"{name} {result['version']}" for name, result in results.items())]
    for name, result in results.items():
        lines += [f"{name}: a round failed: {failure.splitlines()[0]}" for failure in result.get("failures", [])]
    lines += [f"left out: {name}: {reason}" for name, reason in facts["left_out"].items()]
    return "\n".join(lines) + "\n"
