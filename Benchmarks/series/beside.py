# What slow jobs cost the others: a key whose jobs sleep, one among a hundred, or one job of 20 minutes on `long`.
# Invariant: the others' speed is told by the ends in their own records, from the first to the last; the slow ones are
# not waited for, and the long one must be under way when the worker is stopped.
import statistics
import time
import types

import measure
import processes
import world
from ferries import FerryController
from series.curve import say
from series.workload import Workload

ONE_IN, SLEEP_MS, LONG_MS = 100, 100, 20 * 60 * 1000
OTHERS = "SELECT count(*) FROM jobs WHERE type_slug = 'customer_sync'"
SPEED = "SELECT (count(*) - 1) * 1e6 / (max(ended_at) - min(ended_at)) FROM jobs " \
    "WHERE type_slug = 'customer_sync' AND status = 'Finished'"


class Beside(FerryController):
    """The controller's job with something else beside it."""

    command = property(lambda self: [self.program, "work", "--quiet", "--grace", "1s"])

    def __init__(self, place, jobs, what):
        super().__init__(place, types.SimpleNamespace(jobs=jobs))
        self.what = what

    publish = Workload.publish

    def fill(self):
        lines = world.requests("Customer Sync", self.count).splitlines(keepends=True)
        if self.what == "slow key":
            slow = request("Slow Key", SLEEP_MS)
            lines = [line for n, one in enumerate(lines) for line in ([slow, one] if n % ONE_IN == 0 else [one])]
        if self.what == "long job":
            self.publish("long.long_job", request("Long Job", LONG_MS))
        self.publish("default.customer_sync", "".join(lines))

    def empty(self):
        for queue in ("ferry.default", "ferry.long"):
            self.world.empty(queue)

    def measured(self):
        """The others' jobs a second, and the processor time of everything, and of the broker, by their number."""
        self.prepare()
        self.fill()
        broker = processes.seconds(self.world.broker_pid)
        log = self.folder / "program.log"
        program = processes.Program(self.command, log, cwd=self.folder, env=self.environment())
        try:
            deadline = time.monotonic() + self.patience
            while (measure.look(self.database, OTHERS) or 0) < self.count:
                if time.monotonic() > deadline or program.process.poll() is not None:
                    raise measure.Failed(f"the others did not end: {program.last_words()}")
                time.sleep(0.05)
            processor = program.processor_seconds()
            broker = processes.seconds(self.world.broker_pid) - broker
        finally:
            program.end()
            self.empty()
        if measure.look(self.database, OTHERS + " AND status = 'Finished'") != self.count:
            raise measure.Failed("not all of the others have finished")
        slow = measure.look(self.database, "SELECT count(*) FROM jobs WHERE type_slug IN ('slow_key', 'long_job')")
        if self.what != "nothing" and not slow:
            raise measure.Failed(f"there was no {self.what}")
        return {"jobs_per_second": round(measure.look(self.database, SPEED), 1),
                "processor_us_per_job": round(processor / self.count * 1e6, 1),
                "broker_us_per_job": round(broker / self.count * 1e6, 1)}


def measured(place, jobs, rounds):
    """Each one's medians, and the median of the ratios to the speed with nothing beside in the same round."""
    kinds = [Beside(place, jobs, what) for what in ("nothing", "slow key", "long job")]
    whole, failures = [], []
    for number in range(1, rounds + 1):
        figures = {}
        try:
            for kind in kinds if number % 2 else reversed(kinds):
                figures[kind.what] = kind.measured()
                say(f"beside {kind.what}: {figures[kind.what]['jobs_per_second']:,.0f} jobs/s")
            whole.append(figures)
        except (measure.Failed, world.Unusable) as failure:
            failures.append(str(failure))
            say(f"beside, round {number}: FAILED: {failure}")
    found = {}
    for what in [kind.what for kind in kinds] if whole else ():
        ratios = [one[what]["jobs_per_second"] / one["nothing"]["jobs_per_second"] for one in whole]
        found[what] = {column: statistics.median(one[what][column] for one in whole) for column in whole[0][what]}
        found[what]["to_nothing"] = round(statistics.median(ratios), 4)
    return {"jobs": jobs, "rounds": whole, "speeds": found, "failures": failures}


def request(sync_job_type, milliseconds):
    return (f'{{"sync_job_type":"{sync_job_type}","source_document_name":"{world.code(0)}",'
            f'"context":{{"milliseconds":{milliseconds}}}}}\n')
