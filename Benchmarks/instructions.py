# How many instructions a job takes, by callgrind: the same in every run (to half a percent), whatever else the machine does,
# so that a step of a percent can be seen. Two runs, of which one has more jobs; what starting up takes falls out.
# Not counted is what waiting costs, nor that an atomic operation (each retain and release) takes as long as some twenty
# others: so these are told beside.
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

import callgrind

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent
SMALL = 1_000
# Done once for each document and not for each job: the index by which accounts are found.
INDEXING = "closure #1 in JobStore.fill"
# The rows of the benchmark whose worker ends by itself, or when it is asked to.
ROWS = "ferry", "ferry-file", "ferry-controller", "ferry-relay"
COUNTED = {"retains": "swift_retain", "releases": "swift_release", "allocations": "swift_slowAlloc"}


def arguments():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/instructions", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Counts the instructions, retains, releases and allocations of one job, by callgrind.",
        epilog="examples:\n  Benchmarks/instructions\n  Benchmarks/instructions --row ferry-file --top 60\n"
        "  Benchmarks/instructions --callers swift_retain\n\nexit codes: 0 counted, 1 a round failed, 2 wrong usage or no "
        "valgrind (apt-get install valgrind)")
    parser.add_argument("--row", default="ferry", choices=ROWS, help="which row of the benchmark (default ferry)")
    parser.add_argument("--jobs", type=int, default=5_000, metavar="N", help=f"jobs of the larger run (default 5000); the "
                        f"smaller has {SMALL}")
    parser.add_argument("--ferry", type=pathlib.Path, default=REPOSITORY / ".build/release/ferry", metavar="FILE",
                        help="the release build (default .build/release/ferry)")
    parser.add_argument("--controller", type=pathlib.Path, default=REPOSITORY / ".build/release/BenchController",
                        metavar="FILE", help="the release build of Benchmarks/controller "
                        "(default .build/release/BenchController)")
    parser.add_argument("--top", type=int, default=30, metavar="N", help="functions to show (default 30)")
    parser.add_argument("--callers", metavar="NAME", help="who calls the functions of this name, how often a job")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--folder", type=pathlib.Path, default=REPOSITORY / ".bench", metavar="DIR",
                        help="where everything happens (default .bench)")
    options = parser.parse_args()
    if options.jobs < 2 * SMALL:
        parser.error(f"--jobs: at least {2 * SMALL}")
    options.programs = {"ferry": options.ferry}
    if options.row == "ferry-controller":
        options.programs["controller"] = options.controller
    for program in options.programs.values():
        if not program.exists():
            parser.error(f"{program} is not there: swift build -c release --product {program.name}")
    if not shutil.which("valgrind"):
        parser.error("valgrind is not there: apt-get install valgrind")
    return options


def prepare(options, folder):
    """Makes what callgrind of Debian 12 can run: it knows no DWARF 5, and not how Dispatch ends the main thread."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "lib").mkdir(parents=True)
    runtime = pathlib.Path(shutil.which("swift")).resolve().parent.parent / "lib/swift/linux"
    for library in runtime.glob("*.so"):
        subprocess.run(["objcopy", "--strip-debug", library, folder / "lib" / library.name], check=True)
    for name, program in options.programs.items():
        subprocess.run(["objcopy", "--strip-debug", program, folder / name], check=True)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-o", folder / "stay.so", "-"], check=True, text=True,
        input="#include <unistd.h>\nvoid pthread_exit(void *value) { for (;;) pause(); }\n")


def count(options, folder, jobs):
    """Runs a round of so many jobs; answers its profile."""
    counts = folder / f"{jobs}.callgrind"
    wrapped = []
    for name in options.programs:
        wrapper = folder / f"counted-{name}"
        wrapper.write_text(
            f"#!/bin/sh\n[ \"$1\" = work ] || exec '{folder}/{name}' \"$@\"\n"
            f"LD_LIBRARY_PATH='{folder}/lib' LD_PRELOAD='{folder}/stay.so' exec valgrind --tool=callgrind "
            f"--log-file='{folder}/valgrind.log' --callgrind-out-file='{counts}' '{folder}/{name}' \"$@\"\n")
        wrapper.chmod(0o755)
        wrapped += [f"--{name}", wrapper]
    print(f"counting {jobs} jobs, about ten seconds a thousand", file=sys.stderr)
    command = [
        sys.executable, HERE / "run.py", "--only", options.row, "--rounds", "1", "--jobs", str(jobs), "--latency", "0",
        "--folder", options.folder, "--output", folder / "round", *wrapped]
    round_ = subprocess.run(command, capture_output=True, text=True)
    if round_.returncode != 0:
        sys.exit(f"the round of {jobs} jobs failed:\n{round_.stdout}{round_.stderr}")
    return callgrind.Profile(counts)


def report(options, profile):
    names = callgrind.demangled(sorted({name for pair in profile.calls for name in pair} | set(profile.by_function)))
    # Where it calls itself, callgrind adds '2 to a name.
    calls = {key: sum(number for (_, callee), number in profile.calls.items() if callee in (name, name + "'2"))
             for key, name in COUNTED.items()}
    indexing = max((cost for (_, callee), cost in profile.inclusive.items() if names[callee].startswith(INDEXING)),
                   default=0)
    total = sum(profile.by_function.values()) - indexing
    if options.json:
        print(json.dumps({
            "row": options.row, "instructions": round(total), **{key: round(value, 1) for key, value in calls.items()},
            "libraries": {name: round(cost) for name, cost in profile.by_library.items() if cost >= 1},
            "functions": {names[name]: round(cost) for name, cost in profile.by_function.items() if cost >= 1}}))
        return
    print(f"{total:,.0f} instructions a job; " + ", ".join(f"{value:,.0f} {key}" for key, value in calls.items()))
    if indexing:
        print(f"(the index of a document, made once before the first job, is left out: {indexing:,.0f})")
    print()
    rows = profile.by_library.items(), ((names[name], cost) for name, cost in profile.by_function.items())
    for part, limit in zip(rows, (8, options.top)):
        for name, cost in sorted(part, key=lambda row: -row[1])[:limit]:
            print(f"{cost:10,.0f}  {name[:140]}")
        print()
    if options.callers:
        found = [(number, names[caller], names[callee]) for (caller, callee), number in profile.calls.items()
                 if options.callers in names[callee]]
        for number, caller, callee in sorted(found, reverse=True)[:options.top]:
            print(f"{number:8.2f} × {callee[:50]} from {caller[:100]}")


def main():
    options = arguments()
    folder = options.folder.resolve() / "instructions"
    prepare(options, folder)
    small, large = (count(options, folder, jobs) for jobs in (SMALL, options.jobs))
    report(options, callgrind.per_job(small, large, options.jobs - SMALL))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os._exit(0)
