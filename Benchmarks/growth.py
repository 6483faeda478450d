# Ferry alone, under conditions that grow: records, messages, documents, concurrency, processes; its memory over very
# many jobs, and what slow jobs cost the others. `Benchmarks/growth --help` says how; docs/benchmarks.md what is
# measured.
# Invariant: what was started here is ended here, also after Ctrl-C, and what was measured by then is written.
import argparse
import datetime
import json
import os
import pathlib
import signal
import sys

import growth_picture
import growth_report
import measure
import world
from series import beside, curves, memory
from series.curve import say

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
SERIES = "records", "queue", "documents", "concurrency", "processes", "memory", "beside"


def arguments():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/growth", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures how Ferry's speed and memory change with records, messages, document sizes, concurrency "
        "and processes.",
        epilog="examples:\n  Benchmarks/growth --quick\n  Benchmarks/growth --only records,documents --rounds 5\n"
        "  Benchmarks/growth --only memory --note 'idle machine, NVMe'\n\n"
        "All series with their large ends take most of an hour and 10 GB of disk.\n"
        "exit codes: 0 all was measured, 1 a round failed (the others are reported), 2 wrong usage, 130 Ctrl-C")
    parser.add_argument("--jobs", type=int, default=20_000, metavar="N", help="jobs a round (default 20000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="interleaved repetitions of each point of "
                        "up to 100000 jobs (default 3)")
    parser.add_argument("--only", metavar="NAMES", help=f"some of the series, by comma: {', '.join(SERIES)}")
    parser.add_argument("--quick", action="store_true", help="one round of 2000 jobs and small ends: proves that it "
                        "works")
    parser.add_argument("--ferry", type=pathlib.Path, default=REPOSITORY / ".build/release/ferry", metavar="FILE",
                        help="the release build to measure (default .build/release/ferry)")
    parser.add_argument("--controller", type=pathlib.Path, default=REPOSITORY / ".build/release/BenchController",
                        metavar="FILE", help="the release build of Benchmarks/controller, for the series beside "
                        "(default .build/release/BenchController)")
    parser.add_argument("--folder", type=pathlib.Path, default=REPOSITORY / ".bench", metavar="DIR",
                        help="where everything happens; put it on the disk that is to be measured (default .bench)")
    parser.add_argument("--output", type=pathlib.Path, metavar="DIR", help="for growth.json, growth.txt and growth.svg "
                        "(default: the folder)")
    parser.add_argument("--note", default="", help="a sentence about the circumstances, kept with the figures")
    options = parser.parse_args()
    if options.quick:
        options.jobs, options.rounds = min(options.jobs, 2000), 1
    if options.jobs < 1000 or options.rounds < 1:
        parser.error("--jobs is at least 1000, --rounds at least 1")
    options.series = tuple(options.only.split(",")) if options.only else SERIES
    if unknown := sorted(set(options.series) - set(SERIES)):
        parser.error(f"--only: unknown {', '.join(unknown)}; there are {', '.join(SERIES)}")
    options.output = options.output or options.folder
    return options


def run(options, place, facts):
    """Puts each series' figures into `facts` as it ends."""
    all_curves = curves.all_curves(place, options.jobs, options.quick)
    for name in SERIES:
        if name not in options.series:
            continue
        if name == "memory":
            try:
                facts["memory"] = memory.measured(place, options.quick)
            except (measure.Failed, world.Unusable) as failure:
                facts["failures"].append(f"memory: {failure}")
                say(f"memory: FAILED: {failure}")
        elif name == "beside":
            # More jobs: in a round of one second its beginning and end are too large a part.
            facts["beside"] = beside.measured(place, 3 * options.jobs, options.rounds)
            facts["failures"] += facts["beside"]["failures"]
        else:
            curve = all_curves[name]
            points = curve.measured(options.rounds)
            facts["curves"][name] = {"title": curve.title, "axis": curve.axis, "points": points}
            facts["failures"] += [f"{name} {p['value']:,}: {p['failure']}" for p in points if "failure" in p]


def write(options, facts):
    options.output.mkdir(parents=True, exist_ok=True)
    text = growth_report.table(facts)
    (options.output / "growth.json").write_text(json.dumps(facts, indent=2) + "\n")
    (options.output / "growth.txt").write_text(text)
    (options.output / "growth.svg").write_text(growth_picture.draw(facts))
    print(text, end="")
    say(f"written: growth.json, growth.txt and growth.svg in {os.path.relpath(options.output)}")


def main():
    options = arguments()
    for program in (options.ferry, *([options.controller] if "beside" in options.series else [])):
        if not program.exists():
            say(f"Benchmarks/growth: {program} is not there; make bench-growth builds it")
            return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    facts = {"at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "note": options.note,
             "jobs": options.jobs, "rounds": options.rounds, "curves": {}, "failures": []}
    status = 0
    try:
        with world.World(options.folder, options.ferry, options.controller) as place:
            facts["machine"] = place.machine()
            facts["version"] = world.checked([options.ferry, "version"]).strip().splitlines()[0]
            run(options, place, facts)
    except world.Unusable as problem:
        say(f"Benchmarks/growth: {problem}")
        return 2
    except KeyboardInterrupt:
        say("stopped")
        status = 130
    if any(facts.get(name) for name in ("curves", "memory", "beside")):
        write(options, facts)
    return status or (1 if facts["failures"] else 0)


if __name__ == "__main__":
    sys.exit(main())
