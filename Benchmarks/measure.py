# One round of one contestant, measured from outside and in the same way for all: by looking at its table of records.
# Invariant: the clock runs from the first look that finds records to the first that finds all, and what was done before
# the first look is not counted; so starting up costs nobody anything. A round that did not end whole is an error.
import contextlib
import sqlite3
import subprocess
import time

import processes

LOOK = 0.005


class Failed(Exception):
    """The contestant did not do all the work."""


def look(database, sql):
    """One value, read past the contestant; nil while there is none."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as db:
            return db.execute(sql).fetchone()[0]
    except sqlite3.OperationalError:
        return None


class Progress:
    """How many records there are, by a look that costs microseconds."""

    def __init__(self, database):
        self.db = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5, isolation_level=None)

    def __call__(self):
        # The sequence is given once and in order, so the last one is the count.
        try:
            return self.db.execute("SELECT max(sequence) FROM jobs").fetchone()[0] or 0
        except sqlite3.OperationalError:
            return 0

    def close(self):
        self.db.close()


FINISHED = "SELECT count(*) FROM jobs WHERE status = 'Finished'"
# The records of a round in a store that held others before.
FINISHED_AFTER = "SELECT count(*) FROM jobs WHERE sequence > {} AND +status = 'Finished'"


def watch(contestant, program, count, patience):
    """Follows a program from its first record to its last; answers the two marks."""
    progress = Progress(contestant.database)
    before = contestant.records_before
    finished = FINISHED_AFTER.format(before) if before else FINISHED
    broker = contestant.world.broker_pid

    def mark(jobs):
        return jobs, time.monotonic(), program.processor_seconds(), processes.seconds(broker)

    try:
        deadline = time.monotonic() + patience
        first = None
        while True:
            jobs = max(progress() - before, 0)
            contestant.observe(jobs, program)
            if jobs and first is None:
                first = mark(jobs)
            if jobs >= count:
                last = mark(jobs)
                # A record may be there before its job is over; the end is when all are.
                while look(contestant.database, finished) < count:
                    last = mark(jobs)
                    if time.monotonic() > deadline:
                        raise Failed("records without the status Finished")
                    time.sleep(LOOK)
                return first, last
            if time.monotonic() > deadline:
                raise Failed(f"{jobs} of {count} jobs after {patience} s: {program.last_words()}")
            if program.process.poll() is not None and progress() - before < count:
                raise Failed(f"it ended after {progress() - before} of {count} jobs: {program.last_words()}")
            time.sleep(LOOK)
    finally:
        progress.close()


def round_of(contestant, patience=180):
    """Fills, works, checks; answers the figures."""
    contestant.prepare()
    filling = contestant.fill()
    log = contestant.folder / "program.log"
    program = processes.Program(contestant.command, log, cwd=contestant.folder, env=contestant.environment())
    try:
        first, last = watch(contestant, program, contestant.count, patience)
        peak = program.peak_bytes()
        if contestant.ends_by_itself:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.process.wait(timeout=30)
    finally:
        status = program.end()
    jobs, elapsed = last[0] - first[0], last[1] - first[1]
    if contestant.ends_by_itself and status != 0:
        raise Failed(f"it ended with status {status}: {program.last_words()}")
    left = contestant.left()
    if left:
        raise Failed(f"{left} requests were left in the queue")
    if problem := contestant.wrong():
        raise Failed(problem)
    if jobs < contestant.count / 2:
        raise Failed(f"too few jobs to measure: {first[0]} of {contestant.count} were done at the first look")
    return {
        "jobs": jobs, "seconds": round(elapsed, 4), "jobs_per_second": round(jobs / elapsed, 1),
        "processor_us_per_job": round((last[2] - first[2]) / jobs * 1e6, 1),
        "broker_us_per_job": round((last[3] - first[3]) / jobs * 1e6, 1),
        "peak_mb": round(peak / 1e6, 1), "published_per_second": round(contestant.count / filling, 1),
    }
