# make chaos: producers and workers on a private broker, trouble at random from a printed seed, then quiet, then the account.
# Exit status: 0 when every invariant holds, 1 with the ids at fault and the seed when one does not, 2 for wrong usage.
import argparse
import collections
import json
import random
import signal
import sys
import threading
import time

import pika.exceptions

from checks import Verdict, check, unanswered, unsettled
from producers import Documents, Journal, Producer
from proxy import Network
from trouble import Trouble, Watch
from workers import Slot, Supervisor
from world import World

KINDS = ["kill-workers", "kill-broker", "pause-broker", "pause-workers", "drop", "black-hole", "slow", "alarm", "reject",
         "delete-queue"]


def arguments():
    parser = argparse.ArgumentParser(
        prog="chaos/run",
        description="Runs producers and workers on a private broker while processes are killed and paused, connections "
                    "are lost, and queues are full or gone; then waits until all is quiet and checks, by id and from outside, that "
                    "nothing is lost, stale, or done twice.",
        epilog="The seed decides which troubles come, when and to whom, and what producers do; the machine decides the "
               "rest, so a seed makes a fault likely again, not certain.")
    parser.add_argument("--seconds", type=float, default=600, help="how long there is trouble (default: 600)")
    parser.add_argument("--seed", type=int, help="the seed (default: a new one, printed)")
    parser.add_argument("--workers", type=int, default=6, help="how many; half of them share a store (default: 6)")
    parser.add_argument("--rate", type=float, default=100, help="requests a second, over all producers (default: 100)")
    parser.add_argument("--only", metavar="KINDS", help=f"only these kinds of trouble, of: {','.join(KINDS)}; or none")
    parser.add_argument("--kill-every", type=float, default=4, help="seconds between two kills of workers (default: 4)")
    parser.add_argument("--patience", type=float, default=300, help="seconds that all may take to be quiet (default: 300)")
    parser.add_argument("--ferry", default=".build/release/ferry", help="the program (default: .build/release/ferry)")
    parser.add_argument("--json", action="store_true", help="print the account as JSON")
    parser.add_argument("--keep", action="store_true", help="keep all files, also when nothing is wrong")
    options = parser.parse_args()
    options.only = [] if options.only is None else options.only.split(",")
    unknown = [kind for kind in options.only if kind not in KINDS + ["none"]]
    if unknown:
        parser.error(f"--only: there is no trouble called {', '.join(unknown)}; there are {', '.join(KINDS)}, none")
    options.seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    return options


class Run:
    """One run, from the empty broker to the account."""

    def __init__(self, options, world):
        self.options, self.world = options, world
        self.counts = collections.Counter()
        self.began = time.monotonic()
        self.verdict = Verdict()
        network = Network()
        self.slots = []
        for number in range(options.workers):
            group = world.groups[0 if number < (options.workers + 1) // 2 else -1]
            self.slots.append(Slot(number, group, network.door(lambda: world.broker.port)))
        self.side_gate = threading.Lock()
        self.supervisor = Supervisor(self.slots, self.counts, lambda slot: self.trouble.choose_failpoint(slot))
        self.trouble = Trouble(
            world, self.supervisor, self.slots, self.counts, options.seed, self.side_gate, self.say)
        if options.only and "kill-workers" not in options.only:
            self.supervisor.choose_failpoint = lambda slot: None
        self.journal = Journal(world.folder / "journal.tsv")
        self.documents = Documents(world)
        number_of_producers = 4
        self.producers = [
            Producer(number, number_of_producers, world, self.documents, self.journal, self.counts, options.seed,
                     options.rate / number_of_producers, gates=self.side_gate)
            for number in range(number_of_producers)]

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", file=sys.stderr, flush=True)

    def perform(self):
        self.supervisor.start()
        Watch(self.trouble, self.counts).start()
        for producer in self.producers:
            producer.start()
        only = self.options.only
        self.trouble.run(self.options.seconds, only, self.options.kill_every)
        self.counts["seconds_of_trouble"] = int(self.options.seconds)
        self.trouble.calm()
        self.say(f"the trouble is over; {self.journal.confirmed:,} requests are confirmed")
        self.finish_producing()
        self.wait_until_quiet()
        for fault in self.supervisor.stop():
            self.verdict.fault("worker", fault)
        for left in unanswered(self.world):
            self.verdict.fault("not answered", left)
        check(self.world, self.documents, self.journal, self.verdict)

    def finish_producing(self):
        for producer in self.producers:
            producer.stopping = True
        deadline = time.monotonic() + 60
        for producer in self.producers:
            producer.join(max(0, deadline - time.monotonic()))
            producer.abandoned = True
        for producer in self.producers:
            producer.join(30)
            if producer.error or producer.is_alive():
                self.verdict.fault("producer", f"producer {producer.number}: {producer.error or 'does not end'}")

    def wait_until_quiet(self):
        deadline = time.monotonic() + self.options.patience
        looks = 0
        while looks < 2:
            try:
                left = unsettled(self.world) or unanswered(self.world)
            except (pika.exceptions.AMQPError, OSError) as error:
                left = [f"the broker: {error!r}"]
            looks = looks + 1 if not left else 0
            if time.monotonic() > deadline:
                for what in left:
                    self.verdict.fault("not quiet", what)
                return
            time.sleep(0.5)
        self.say("all is quiet")


def account(run):
    figures = {"requests_confirmed": run.journal.confirmed, "jobs_expected": len(run.journal.expected),
               "published_again": run.journal.repeated}
    return figures | dict(sorted(run.counts.items())) | dict(sorted(run.verdict.figures.items()))


def print_account(run, options):
    faults = run.verdict.faults
    totals = {kind: len(faults.get(kind, [])) for kind in
              ["lost", "stale write", "double", "children", "not converged", *faults]}
    if options.json:
        print(json.dumps({"seed": options.seed, "figures": account(run), "faults": totals,
                          "details": {kind: found[:50] for kind, found in faults.items()}}, indent=2))
    else:
        for name, value in account(run).items():
            print(f"  {name.replace('_', ' '):<40} {value:>9,}")
        for kind, count in totals.items():
            print(f"  {kind.upper():<40} {count:>9,}")
    for kind, found in faults.items():
        print(f"\n{kind}, {len(found)}:", file=sys.stderr)
        for what in found[:20]:
            print(f"  {what}", file=sys.stderr)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"chaos: seed {options.seed}, {options.seconds:g} s, {options.workers} workers", file=sys.stderr, flush=True)
    with World(options.ferry) as world:
        run = Run(options, world)
        try:
            run.perform()
        except BaseException:
            world.keep = True
            print(f"chaos: ended early; seed {options.seed}, files in {world.folder}", file=sys.stderr)
            raise
        finally:
            run.supervisor.end_at_once()
        print_account(run, options)
        world.keep = options.keep or bool(run.verdict.faults)
        if world.keep:
            print(f"\nchaos: files and logs are in {world.folder}", file=sys.stderr)
        if run.verdict.faults:
            print(f"chaos: FAILED with seed {options.seed}", file=sys.stderr)
            return 1
        print(f"chaos: every invariant holds (seed {options.seed})", file=sys.stderr)
        return 0


if __name__ == "__main__":
    sys.exit(main())
