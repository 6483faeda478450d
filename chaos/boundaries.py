# make chaos-boundaries: a worker is killed -9 at each boundary of the crash table, again and again, at a pass drawn from a
# printed seed; then another drains what is left, and the account is made by id. Prints a line for each boundary.
# Exit status: 0 when every boundary was reached as often as asked and every invariant holds, 1 otherwise, 2 for wrong usage.
import argparse
import collections
import json
import random
import signal
import subprocess
import sys
import threading
import time

from checks import Verdict, check, unanswered, unsettled
from producers import GOOD, Documents, Journal, Producer
from world import World

# The boundaries, and up to which pass the kill is drawn: what is rare in a batch must be met early to be met at all.
POINTS = {
    "received": 30, "prepared": 30, "intent_recorded": 8, "target_written": 8, "before_commit": 30, "in_commit": 8,
    "after_commit": 30, "before_publish": 2, "after_publish": 2, "relay_page": 1, "before_ack": 3, "after_ack": 3,
    "letter_received": 1, "letter_stored": 1, "operator_committed": 1,
}


def arguments():
    parser = argparse.ArgumentParser(
        prog="chaos/boundaries",
        description="Kills a worker at each boundary of the crash table and checks that nothing is lost or done twice.")
    parser.add_argument("--repeats", type=int, default=20, help="how often at each boundary (default: 20)")
    parser.add_argument("--only", metavar="POINTS", help=f"only these, of: {','.join(POINTS)}")
    parser.add_argument("--check-once", action="store_true", help="make the account once, not after each boundary")
    parser.add_argument("--seed", type=int, help="the seed (default: a new one, printed)")
    parser.add_argument("--ferry", default=".build/release/ferry", help="the program (default: .build/release/ferry)")
    parser.add_argument("--broker", help="the folder of a node that runs already (default: one of its own)")
    parser.add_argument("--json", action="store_true", help="print the account as JSON")
    options = parser.parse_args()
    options.only = list(POINTS) if options.only is None else options.only.split(",")
    for point in options.only:
        if point not in POINTS:
            parser.error(f"--only: there is no boundary called {point}; there are {', '.join(POINTS)}")
    options.seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    return options


class Boundaries:
    def __init__(self, options, world):
        self.options, self.world = options, world
        self.group = world.groups[0]
        self.random = random.Random(options.seed)
        self.journal = Journal(world.folder / "journal.tsv")
        self.documents = Documents(world, customers=40, others=20, orders=10, bundle=520)
        self.producer = Producer(
            0, 1, world, self.documents, self.journal, collections.Counter(), options.seed, 1, gates=threading.Lock())
        self.log = world.folder / "workers.log"

    def publish(self, point):
        """A batch in which every boundary occurs."""
        producer = self.producer
        for _ in range(24):
            self.random.choice([producer.change, producer.change, producer.send_poster, producer.ask])()
        producer.ask_early()
        producer.broken()
        order = self.random.choice(self.documents.orders[:-1])
        if point == "relay_page":
            order = self.documents.orders[-1]
        self.documents.edit(order)
        producer.send_request("Line Sync", order, GOOD, "long")
        producer.make_late_edits(all_of_them=True)

    def work(self, failpoint=None):
        """Runs a worker until the queues are empty or it dies; answers how it ended."""
        environment = self.group.environment(self.group.store(0), self.world.broker.url)
        if failpoint:
            environment |= {"FERRY_FAILPOINT": failpoint, "FERRY_FAILPOINTS_ALLOWED": "1"}
        with open(self.log, "ab") as log:
            log.write(f"---- {failpoint}\n".encode())
            log.flush()
            return subprocess.run(
                [self.world.ferry, "work", "--until-empty", "--quiet"], env=environment, cwd=self.world.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=120).returncode

    def kill_at(self, point):
        """Kills one process at the boundary; answers whether it was reached."""
        if point == "operator_committed":
            return self.kill_operator()
        for attempt in range(4):
            self.publish(point)
            # The first pass is always met, should the batch have held less of it than is usual.
            number = self.random.randint(1, POINTS[point]) if attempt == 0 else 1
            if self.work(f"{point}:{number}") == -signal.SIGKILL:
                return True
        return False

    def kill_operator(self):
        """A held job is started by hand, and the command dies before it has published anything."""
        document = self.documents.aside[0]
        self.documents.edit(document)
        self.producer.send_request("Side Sync", document, GOOD, "side", hold=True)
        job = f"0-{self.producer.sent}"
        self.work()
        environment = self.group.environment(self.group.store(0), self.world.broker.url)
        environment |= {"FERRY_FAILPOINT": "operator_committed", "FERRY_FAILPOINTS_ALLOWED": "1"}
        ended = subprocess.run(
            [self.world.ferry, "jobs", "start", job, "--yes"], env=environment, cwd=self.world.folder,
            capture_output=True, timeout=60)
        return ended.returncode == -signal.SIGKILL

    def account(self):
        """Lets another worker finish what is left, and checks everything."""
        verdict = Verdict()
        with open(self.log, "ab") as log:
            worker = subprocess.Popen(
                [self.world.ferry, "work", "--quiet"], cwd=self.world.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=self.group.environment(self.group.store(0), self.world.broker.url))
        try:
            deadline = time.monotonic() + 120
            while left := unsettled(self.world) or unanswered(self.world):
                if time.monotonic() > deadline or worker.poll() is not None:
                    for what in left:
                        verdict.fault("not quiet", what)
                    break
                time.sleep(0.3)
            worker.send_signal(signal.SIGTERM)
            if worker.wait(60) != 0:
                verdict.fault("worker", f"the last worker ended with {worker.returncode}: {self.log}")
        finally:
            worker.kill()
        check(self.world, self.documents, self.journal, verdict)
        return verdict

    def perform(self):
        results = []
        for point in self.options.only:
            kills = sum(self.kill_at(point) for _ in range(self.options.repeats))
            verdict = None if self.options.check_once else self.account()
            results.append((point, kills, verdict))
            self.say(point, kills, verdict)
        if self.options.check_once:
            results.append(("all of them", sum(kills for _, kills, _ in results), self.account()))
            self.say(*results[-1])
        return results

    def say(self, point, kills, verdict):
        text = f"{point:<20} {kills:>5} kills"
        if verdict is not None:
            text += "".join(f"  {kind} {len(verdict.faults.get(kind, []))}"
                            for kind in ["lost", "double", "children", "not converged", "stale write"])
        print(text, file=sys.stderr, flush=True)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"chaos/boundaries: seed {options.seed}, {options.repeats} kills at each", file=sys.stderr, flush=True)
    with World(options.ferry, options.broker, names=("one",)) as world:
        boundaries = Boundaries(options, world)
        try:
            results = boundaries.perform()
        except BaseException:
            world.keep = True
            print(f"chaos/boundaries: ended early; seed {options.seed}, files in {world.folder}", file=sys.stderr)
            raise
        faults = [(point, kind, what) for point, _, verdict in results if verdict is not None
                  for kind, found in verdict.faults.items() for what in found]
        faults += [(point, "not reached", f"{kills} of {options.repeats} kills") for point, kills, _ in results
                   if kills < options.repeats]
        for point, kind, what in faults[:60]:
            print(f"  {point}: {kind}: {what}", file=sys.stderr)
        if options.json:
            print(json.dumps({
                "seed": options.seed, "requests": boundaries.journal.confirmed,
                "kills": {point: kills for point, kills, _ in results if point in POINTS}, "faults": len(faults)}))
        world.keep = bool(faults)
        if faults:
            print(f"chaos/boundaries: FAILED with seed {options.seed}; files in {world.folder}", file=sys.stderr)
        else:
            print(f"chaos/boundaries: {boundaries.journal.confirmed:,} requests, every invariant holds", file=sys.stderr)
        return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
