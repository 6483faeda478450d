# A door between an engine and the broker that passes every byte on and notes when an acknowledgement goes through.
# Invariant: it changes and holds back nothing; it costs some tens of microseconds, the same for everyone.
import socket
import struct
import threading
import time

PROTOCOL_HEADER = 8
METHOD_FRAME, BASIC_ACK = 1, (60, 80)


class AckWatch:
    """A context; `port` is the door's, `count` how many basic.ack have gone through."""

    def __init__(self, broker_port):
        self.broker_port, self.count, self.at = broker_port, 0, 0.0
        self.changed = threading.Condition()
        self.streams = []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        for stream in (self.listener, *self.streams):
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            stream.close()

    def wait(self, count, patience):
        """When the acknowledgement with this number went through; nil when it did not in time."""
        with self.changed:
            return self.at if self.changed.wait_for(lambda: self.count >= count, patience) else None

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.broker_port))
            except OSError:
                return
            self.streams += [near, far]
            for stream in (near, far):
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.pump, args=(near, far, self.frames()), daemon=True).start()
            threading.Thread(target=self.pump, args=(far, near, None), daemon=True).start()

    def pump(self, source, destination, watcher):
        if watcher:
            next(watcher)
        try:
            while data := source.recv(65536):
                destination.sendall(data)
                if watcher:
                    watcher.send((data, time.monotonic()))
        except OSError:
            pass
        for stream in (source, destination):
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def frames(self):
        """Takes what the engine sends, in pieces, and notes each acknowledgement in it."""
        waiting, skip = b"", PROTOCOL_HEADER
        while True:
            data, at = yield
            waiting += data
            dropped = min(skip, len(waiting))
            waiting, skip = waiting[dropped:], skip - dropped
            while len(waiting) >= 7:
                kind, _, size = struct.unpack_from(">BHI", waiting)
                if len(waiting) < size + 8:
                    break
                if kind == METHOD_FRAME and struct.unpack_from(">HH", waiting, 7) == BASIC_ACK:
                    with self.changed:
                        self.count, self.at = self.count + 1, at
                        self.changed.notify_all()
                waiting = waiting[size + 8:]
