# What goes wrong, and for how long. Each kind of trouble is one function that makes it, waits, and takes it back; which come,
# when, and to whom is drawn from the seed. Invariant: when `calm` has returned, nothing that was done here is still in force.
import base64
import json
import os
import random
import signal
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

FAILPOINTS = ["received", "prepared", "intent_recorded", "target_written", "before_commit", "in_commit", "after_commit",
              "before_publish", "after_publish", "relay_page", "before_ack", "after_ack",
              "letter_received", "letter_stored"]


class Trouble:
    """Everything that can be done to a running world."""

    def __init__(self, world, supervisor, slots, counts, seed, side_gate, log):
        self.world, self.supervisor, self.slots = world, supervisor, slots
        self.counts, self.side_gate, self.log = counts, side_gate, log
        self.seed = seed
        self.weather_random = random.Random(f"{seed}/weather")
        self.kill_random = random.Random(f"{seed}/kills")
        self.failpoint_random = random.Random(f"{seed}/failpoints")
        self.is_over = threading.Event()
        self.error = None
        self.kinds = {
            "kill-broker": (self.kill_broker, 7), "pause-broker": (self.pause_broker, 3),
            "pause-workers": (self.pause_workers, 6), "drop": (self.drop_connections, 5),
            "black-hole": (self.black_hole, 4), "slow": (self.slow, 2), "alarm": (self.alarm, 2),
            "reject": (self.reject_publish, 2), "delete-queue": (self.delete_queue, 2),
        }

    def run(self, seconds, only, kill_every):
        """Makes trouble for a time."""
        kinds = {name: kind for name, kind in self.kinds.items() if not only or name in only}
        ways = []
        if kinds:
            ways.append(lambda: self.weather(kinds, end))
        if not only or "kill-workers" in only:
            ways.append(lambda: self.kill_workers(kill_every, end))
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self.guarded, args=(way,), daemon=True) for way in ways]
        for thread in threads:
            thread.start()
        while time.monotonic() < end and not self.error:
            time.sleep(0.1)
        self.is_over.set()
        for thread in threads:
            thread.join()
        if self.error:
            raise self.error

    def guarded(self, way):
        try:
            way()
        except Exception as error:
            self.error = error

    def rest(self, seconds, end):
        """Waits, at most until the trouble is over."""
        self.is_over.wait(max(0, min(seconds, end - time.monotonic())))

    def weather(self, kinds, end):
        names = list(kinds)
        # Each kind once before chance decides, so that a short run has seen all that fit into it.
        queue = self.weather_random.sample(names, len(names))
        while not self.is_over.is_set() and time.monotonic() < end:
            self.rest(self.weather_random.uniform(0.2, 3), end)
            name = queue.pop() if queue else self.weather_random.choices(names, [kinds[name][1] for name in names])[0]
            if self.is_over.is_set():
                return
            self.counts[name.replace("-", "_")] += 1
            self.log(name)
            kinds[name][0](end)

    # ---- workers

    def kill_workers(self, every, end):
        while not self.is_over.is_set() and time.monotonic() < end:
            self.rest(self.kill_random.expovariate(1 / every), end)
            if not self.is_over.is_set():
                self.supervisor.kill(self.kill_random.choice(self.slots))

    def choose_failpoint(self, slot):
        """Every third worker that is started dies at a boundary, not at just any moment."""
        if self.is_over.is_set() or self.failpoint_random.random() > 0.33:
            return None
        point = self.failpoint_random.choice(FAILPOINTS)
        rare = point in ("relay_page", "intent_recorded", "target_written", "before_publish", "after_publish")
        return f"{point}:{self.failpoint_random.randint(1, 20 if rare else 300)}"

    def pause_workers(self, end):
        number = self.weather_random.randint(1, 2)
        seconds = self.weather_random.choice([0.3, 1, 3, 8, 14])
        chosen = self.weather_random.sample(self.slots, min(number, len(self.slots)))
        threads = [threading.Thread(target=self.supervisor.pause, args=(slot, min(seconds, max(0.1, end - time.monotonic()))))
                   for slot in chosen]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # ---- the broker

    def kill_broker(self, end):
        broker = self.world.broker
        with broker.lock:
            broker.stop(kill=True)
            self.rest(self.weather_random.uniform(0, 2), end)
            broker.start()

    def pause_broker(self, end):
        broker = self.world.broker
        with broker.lock:
            os.kill(broker.pid, signal.SIGSTOP)
            try:
                self.rest(self.weather_random.choice([0.5, 2, 6, 12]), end)
            finally:
                os.kill(broker.pid, signal.SIGCONT)

    def alarm(self, end):
        """The memory alarm: the broker reads no more from those that publish."""
        self.world.broker.control("set_vm_memory_high_watermark", "absolute", "1MB")
        self.rest(self.weather_random.uniform(1, 6), end)
        self.world.broker.control("set_vm_memory_high_watermark", "0.25")

    def management(self, method, path, body=None):
        address = urllib.parse.urlsplit(self.world.broker.management)
        data = json.dumps(body).encode() if body is not None else None
        url = f"http://{address.hostname}:{address.port}/api/{path}"
        login = base64.b64encode(f"{address.username}:{address.password}".encode()).decode()
        request = urllib.request.Request(
            url, data, {"Content-Type": "application/json", "Authorization": f"Basic {login}"}, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def reject_publish(self, end):
        """A work queue that is full: producers and the delay ladder are refused."""
        group = self.weather_random.choice(self.world.groups)
        queue = self.weather_random.choice(["default", "short", "long"] if group.shared else ["default"])
        policy = {"pattern": f"^{group.prefix}\\.{queue}$", "apply-to": "queues", "definition": {"max-length": 5}}
        self.management("PUT", "policies/ferry/chaos-full", policy)
        self.rest(self.weather_random.uniform(1, 5), end)
        self.management("DELETE", "policies/ferry/chaos-full")

    def delete_queue(self, end):
        """A queue is deleted under its workers and made again.

        What lies in a queue that is deleted is lost by the word of whoever deletes it, so producers hold back what goes to
        this one, and it is empty by then. The workers of RabbitMQ 3.10 are told only if it stays away for a moment.
        """
        group = self.world.groups[0]
        queue = f"{group.prefix}.side"
        # A broker that is killed meanwhile counts from zero again, and one that has just declared a queue may forget it.
        with self.side_gate, self.world.broker.lock:
            if not self.is_empty_for_certain(queue):
                self.counts["delete_queue"] -= 1
                return
            self.management("DELETE", f"queues/ferry/{queue}")
            self.rest(self.weather_random.uniform(2, 4), end)
            group.ferry("topology", "apply")
            time.sleep(1)

    def is_empty_for_certain(self, queue):
        """Whether nobody has a message of the queue: the broker counts a quorum queue's anew only every five seconds."""
        patience = time.monotonic() + 40
        empty_since = None
        while time.monotonic() < patience and not self.is_over.is_set():
            if self.depth(queue) != 0:
                empty_since = None
            elif empty_since is None:
                empty_since = time.monotonic()
            elif time.monotonic() - empty_since > 11:
                return True
            time.sleep(0.5)
        return False

    def depth(self, queue):
        for line in self.world.broker.control(
                "list_queues", "-q", "-p", "ferry", "name", "messages", "--no-table-headers").splitlines():
            name, _, count = line.partition("\t")
            if name == queue:
                return int(count)
        return None

    # ---- the network

    def some_doors(self):
        count = self.weather_random.choice([1, 2, len(self.slots)])
        return [slot.door for slot in self.weather_random.sample(self.slots, min(count, len(self.slots)))]

    def drop_connections(self, end):
        for door in self.some_doors():
            door.reset()

    def through(self, mode, seconds, end):
        doors = self.some_doors()
        for door in doors:
            door.set(mode)
        self.rest(seconds, end)
        for door in doors:
            door.set("pass")

    def black_hole(self, end):
        self.through(self.weather_random.choice(["swallow", "swallow", "refuse"]),
                     self.weather_random.choice([1, 4, 9, 15]), end)

    def slow(self, end):
        self.through("slow", self.weather_random.uniform(2, 8), end)

    def calm(self):
        """Takes back whatever an error may have left in force."""
        for slot in self.slots:
            slot.door.set("pass")
        try:
            self.management("DELETE", "policies/ferry/chaos-full")
        except (urllib.error.HTTPError, OSError):
            pass
        self.supervisor.restart_quietly()


class Watch(threading.Thread):
    """Counts what the broker delivered again, as its statistics tell it: at least so many."""

    def __init__(self, trouble, counts):
        super().__init__(daemon=True)
        self.trouble, self.counts = trouble, counts
        self.seen = {}

    def run(self):
        while True:
            try:
                queues = self.trouble.management("GET", "queues/ferry?columns=name,message_stats.redeliver")
            except (OSError, ValueError):
                self.seen = {}
                time.sleep(1)
                continue
            for queue in queues:
                count = (queue.get("message_stats") or {}).get("redeliver", 0)
                before = self.seen.get(queue["name"], 0)
                self.counts["redelivered"] += count - before if count >= before else count
                self.seen[queue["name"]] = count
            time.sleep(2)
