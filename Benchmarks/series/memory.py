# What a worker holds while it does very many jobs: its memory every half second, by the number of jobs it has done.
# Invariant: one process, from its start to its last job; the peak is the kernel's and never falls.
import time

from series.workload import Workload

PAUSE = 0.5


class LongWork(Workload):
    """Notes the memory as the jobs go by."""

    def __init__(self, place, early, late):
        super().__init__(place, late)
        self.early, self.samples, self.peak_early, self.next_sample = early, [], None, 0.0

    def observe(self, jobs, program):
        is_early = self.peak_early is None and jobs >= self.early
        if not is_early and time.monotonic() < self.next_sample:
            return
        self.next_sample = time.monotonic() + PAUSE
        if is_early:
            self.peak_early = program.peak_bytes()
        self.samples.append((jobs, round(program.resident_bytes() / 1e6, 1)))


def measured(place, is_quick):
    """The peaks after some jobs and after many, and the curve in between."""
    early, late = (1_000, 10_000) if is_quick else (50_000, 1_000_000)
    work = LongWork(place, early, late)
    figures = work.measured()
    peak_early = round(work.peak_early / 1e6, 1)
    return figures | {
        "early_jobs": early, "late_jobs": late, "peak_mb_early": peak_early, "peak_mb_late": figures["peak_mb"],
        "late_to_early": round(figures["peak_mb"] / peak_early, 3), "samples": thinned(work.samples),
    }


def thinned(samples, most=400):
    step = -(-len(samples) // most)
    return samples[::step]
