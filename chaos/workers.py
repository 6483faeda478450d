# The workers, as a supervisor would keep them: whoever ends is started again, and how each ended is remembered.
# Invariant: a signal goes to a process that we started and have not yet waited for, never to a number.
import os
import re
import signal
import subprocess
import threading
import time

# Ways to end that are a program's own fault: an illegal instruction is how Swift ends at a broken precondition.
CRASHES = {signal.SIGILL, signal.SIGTRAP, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE}


class Slot:
    """One worker's place: its group, its store, its door, and the process that is there now."""

    def __init__(self, number, group, door):
        self.number, self.group, self.door = number, group, door
        self.store = group.store(number)
        self.log = group.world.folder / f"worker-{group.name}-{number}.log"
        self.process = None
        self.paused = False
        self.failpoint = None
        self.started_at = 0.0

    @property
    def url(self):
        return re.sub(r":\d+/", f":{self.door.port}/", self.group.world.broker.url)

    def start(self, failpoint=None):
        environment = self.group.environment(self.store, self.url)
        self.failpoint = failpoint
        if failpoint:
            environment |= {"FERRY_FAILPOINT": failpoint, "FERRY_FAILPOINTS_ALLOWED": "1"}
        with open(self.log, "ab") as log:
            log.write(f"---- started, failpoint {failpoint}\n".encode())
            log.flush()
            self.process = subprocess.Popen(
                [self.group.world.ferry, "work", "--json", "--log-level", "info"], env=environment,
                cwd=self.group.world.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.started_at = time.monotonic()
        self.paused = False

    def signal(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            return True
        return False


class Supervisor(threading.Thread):
    """Starts workers, and starts again whoever has ended."""

    def __init__(self, slots, counts, choose_failpoint):
        super().__init__(daemon=True)
        self.slots, self.counts, self.choose_failpoint = slots, counts, choose_failpoint
        self.lock = threading.RLock()
        self.stopping = False
        self.crashes = []

    def run(self):
        while not self.stopping:
            for slot in self.slots:
                with self.lock:
                    if not self.stopping and (slot.process is None or slot.process.poll() is not None):
                        self.note_end(slot)
                        self.start_again(slot)
            time.sleep(0.05)

    def start_again(self, slot):
        # One that could not start is not tried a hundred times a second.
        if time.monotonic() - slot.started_at > 1:
            slot.start(self.choose_failpoint(slot))

    def note_end(self, slot):
        if slot.process is None:
            return
        status = slot.process.returncode
        if status == -signal.SIGKILL:
            self.counts["worker_kills"] += 1
            if slot.failpoint:
                self.counts["worker_kills_at_a_failpoint"] += 1
        elif -status in CRASHES:
            self.crashes.append(f"worker {slot.group.name}-{slot.number} ended with signal {-status}: {slot.log}")
        elif status != 0:
            self.counts[f"workers_ended_with_{status}"] += 1
        slot.process = None

    def kill(self, slot):
        with self.lock:
            if slot.signal(signal.SIGKILL):
                slot.failpoint = None
                slot.process.wait()

    def pause(self, slot, seconds):
        with self.lock:
            if not slot.signal(signal.SIGSTOP):
                return
            slot.paused = True
            process = slot.process
        time.sleep(seconds)
        with self.lock:
            if slot.process is process:
                slot.signal(signal.SIGCONT)
                slot.paused = False

    def restart_quietly(self):
        """After the trouble: nobody is paused, and nobody has a failpoint left in it."""
        self.choose_failpoint = lambda slot: None
        for slot in self.slots:
            with self.lock:
                slot.signal(signal.SIGCONT)
                if slot.failpoint and slot.signal(signal.SIGKILL):
                    slot.process.wait()

    def stop(self, grace=60):
        """Ends all workers as a deployment does; answers what is wrong with how they ended."""
        self.stopping = True
        wrong = []
        with self.lock:
            running = [slot for slot in self.slots if slot.signal(signal.SIGTERM)]
        for slot in running:
            try:
                if slot.process.wait(grace) != 0:
                    wrong.append(f"worker {slot.group.name}-{slot.number} ended with {slot.process.returncode}: {slot.log}")
            except subprocess.TimeoutExpired:
                wrong.append(f"worker {slot.group.name}-{slot.number} did not end within {grace} s: {slot.log}")
                self.kill(slot)
        return wrong + self.crashes

    def end_at_once(self):
        self.stopping = True
        for slot in self.slots:
            if slot.process and slot.process.poll() is None:
                os.kill(slot.process.pid, signal.SIGKILL)
                slot.process.wait()
