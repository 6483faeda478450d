# What a program with all its processes has used, read from /proc; a program is a session of its own.
# Invariant: nothing here ends a process that does not belong to a session which was started here.
import os
import pathlib
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def fields(pid):
    """The fields of /proc/PID/stat from the third on; the second may hold blanks."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def seconds(pid):
    """Processor seconds of a process and of its children that have ended."""
    return sum(int(word) for word in fields(pid)[11:15]) / TICKS


class Program:
    """A command in a session of its own, its output in a file."""

    def __init__(self, command, log, **more):
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True, **more)

    def members(self):
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if int(fields(entry)[3]) == self.process.pid:
                        found.append(int(entry))
                except OSError:
                    pass
        return found

    def processor_seconds(self):
        total = 0.0
        for pid in self.members():
            try:
                total += seconds(pid)
            except OSError:
                pass
        return total

    def peak_bytes(self):
        """The sum of the processes' peaks; pages that they share count for each."""
        return self.memory_bytes("VmHWM:")

    def resident_bytes(self):
        """What the processes hold now, counted in the same way."""
        return self.memory_bytes("VmRSS:")

    def memory_bytes(self, figure):
        total = 0
        for pid in self.members():
            try:
                lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(figure))
        return total

    def last_words(self):
        return pathlib.Path(self.log).read_text(errors="replace")[-2000:]

    def end(self, patience=20):
        """Asks it to end, makes it end; answers the status of its first process."""
        for number, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 10)):
            for pid in self.members():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + wait
            while self.members() and time.monotonic() < deadline:
                self.process.poll()
                time.sleep(0.02)
            if not self.members():
                break
        return self.process.wait(timeout=10)
