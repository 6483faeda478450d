# A curve: the same work under one condition that grows, each point a median of rounds that are interleaved with those
# of the other points.
# Invariant: a point whose round failed says so, and has no figures.
import dataclasses
import statistics
import sys
from collections.abc import Callable

import measure
import world

COLUMNS = "jobs_per_second", "processor_us_per_job", "broker_us_per_job", "peak_mb"
# A point of more jobs than this is measured once: it lasts minutes, and averages over them by itself.
LARGE = 100_000


@dataclasses.dataclass
class Curve:
    """What is measured, and under which condition."""

    name: str
    title: str
    axis: str
    values: tuple
    # A workload for one of the values.
    make: Callable
    # What else is measured after a value's last round, by name.
    extra: Callable | None = None

    def measured(self, rounds):
        """The points, each with its figures."""
        workloads = {value: self.make(value) for value in self.values}
        points = {value: {"value": value, "jobs": workload.count, "rounds": []}
                  for value, workload in workloads.items()}
        for number in range(1, rounds + 1):
            for value in self.values if number % 2 else reversed(self.values):
                if number > 1 and workloads[value].count > LARGE:
                    continue
                self.round(workloads[value], points[value], is_last=number == rounds)
        for point in points.values():
            if point["rounds"]:
                point |= {name: statistics.median(one[name] for one in point["rounds"]) for name in COLUMNS}
        return list(points.values())

    def round(self, workload, point, is_last):
        try:
            figures = workload.measured()
            point["rounds"].append(figures)
            if self.extra and (is_last or workload.count > LARGE):
                point |= self.extra(workload)
        except (measure.Failed, world.Unusable) as failure:
            point["failure"] = str(failure)
            say(f"{self.name} {point['value']:,}: FAILED: {failure}")
            return
        say(f"{self.name} {point['value']:,}: {figures['jobs_per_second']:,.0f} jobs/s, {figures['peak_mb']:,.0f} MB")


def say(text):
    print(text, file=sys.stderr, flush=True)
