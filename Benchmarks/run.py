# One program, one private broker, one job, many ways: interleaved rounds of every contestant, then medians and ratios.
# Invariant: a round counts only when every request has a record and its queue is empty; what was started here is ended
# here, also after Ctrl-C. `Benchmarks/run --help` says how; docs/benchmarks.md says what is measured and what is not.
import argparse
import datetime
import json
import os
import pathlib
import signal
import sys

import latency
import measure
import picture
import report
import world
from contestants import CONTESTANTS

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures Ferry, a bare loop in C and Python's task queues at the same job, on one private broker.",
        epilog="examples:\n  Benchmarks/run --quick\n  Benchmarks/run --only floor,ferry,dramatiq --rounds 7\n"
        "  Benchmarks/run --jobs 100000 --note 'idle machine, NVMe'\n\n"
        "exit codes: 0 all was measured, 1 a contestant failed (the others are reported), 2 wrong usage, 130 Ctrl-C")
    names = ", ".join(contestant.name for contestant in CONTESTANTS)
    parser.add_argument("--jobs", type=int, default=20_000, metavar="N", help="requests a round (default 20000); the "
                        "peers get a part of it, so that a round takes seconds")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="interleaved repetitions (default 5)")
    parser.add_argument("--only", metavar="NAMES", help=f"some of them, by comma: {names}")
    parser.add_argument("--quick", action="store_true", help="one round of 5000 requests: proves that it works")
    parser.add_argument("--latency", type=int, default=500, metavar="N", help="messages for the latency of an idle "
                        "engine (default 500; 0 leaves it out)")
    parser.add_argument("--ferry", type=pathlib.Path, default=REPOSITORY / ".build/release/ferry", metavar="FILE",
                        help="the release build to measure (default .build/release/ferry)")
    parser.add_argument("--controller", type=pathlib.Path, default=REPOSITORY / ".build/release/BenchController",
                        metavar="FILE", help="the release build of Benchmarks/controller "
                        "(default .build/release/BenchController)")
    parser.add_argument("--folder", type=pathlib.Path, default=REPOSITORY / ".bench", metavar="DIR",
                        help="where everything happens; put it on the disk that is to be measured (default .bench)")
    parser.add_argument("--output", type=pathlib.Path, metavar="DIR", help="for bench.json, bench.txt and bench.svg "
                        "(default: the folder)")
    parser.add_argument("--note", default="", help="a sentence about the circumstances, kept with the figures")
    options = parser.parse_args()
    if options.quick:
        options.jobs, options.rounds, options.latency = min(options.jobs, 5000), 1, min(options.latency, 200)
    if options.jobs < 100 or options.rounds < 1 or options.latency < 0:
        parser.error("--jobs is at least 100, --rounds at least 1, --latency at least 0")
    wanted = set(options.only.split(",")) if options.only else None
    unknown = (wanted or set()) - {contestant.name for contestant in CONTESTANTS}
    if unknown:
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}; there are {names}")
    options.contestants = [one for one in CONTESTANTS if wanted is None or one.name in wanted]
    options.output = options.output or options.folder
    return options


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(options, place):
    """All rounds; answers the contestants' results by name, what was left out, and whether something failed."""
    contestants, left_out, failed, results = [], {}, False, {}
    for kind in options.contestants:
        contestant = kind(place, options)
        reason = contestant.missing()
        if reason:
            left_out[contestant.name] = reason
            say(f"{contestant.name}: left out: {reason}")
        else:
            contestants.append(contestant)
            results[contestant.name] = {"title": contestant.title, "version": contestant.version(), "rounds": []}
    for number in range(1, options.rounds + 1):
        # Every second round runs backwards, so that nobody always comes after the same neighbour.
        for contestant in contestants if number % 2 else reversed(contestants):
            try:
                measured = contestant.measured()
            except (measure.Failed, world.Unusable) as failure:
                failed = True
                results[contestant.name].setdefault("failures", []).append(str(failure))
                say(f"round {number} {contestant.name}: FAILED: {failure}")
                continue
            results[contestant.name]["rounds"].append({"round": number} | measured)
            say(f"round {number} {contestant.name}: {measured['jobs_per_second']:,.0f} {contestant.unit}/s")
    if options.latency:
        for contestant in contestants:
            if not contestant.has_latency:
                continue
            try:
                results[contestant.name]["latency"] = latency.of(contestant, options.latency)
            except (measure.Failed, world.Unusable) as failure:
                failed = True
                say(f"latency {contestant.name}: FAILED: {failure}")
    return results, left_out, failed


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with world.World(options.folder, options.ferry, options.controller) as place:
            results, left_out, failed = run(options, place)
            facts = {
                "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "note": options.note,
                "jobs": options.jobs, "rounds": options.rounds, "machine": place.machine(),
                "results": results, "left_out": left_out,
            }
    except world.Unusable as problem:
        say(f"Benchmarks/run: {problem}")
        return 2
    except KeyboardInterrupt:
        say("stopped")
        return 130
    facts["summary"] = report.summary(results)
    text = report.table(facts)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "bench.json").write_text(json.dumps(facts, indent=2) + "\n")
    (options.output / "bench.txt").write_text(text)
    (options.output / "bench.svg").write_text(picture.draw(facts))
    print(text, end="")
    say(f"written: bench.json, bench.txt and bench.svg in {os.path.relpath(options.output)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
