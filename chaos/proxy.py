# The network between a worker and the broker: one door for each worker, which can cut, refuse, delay or swallow.
# Invariant: in a black hole no byte moves in either direction and no connection ends, like a network that has gone away.
import asyncio
import random
import socket
import struct
import threading


class Door:
    """Forwards a port of its own to the broker."""

    def __init__(self, network, target):
        self.network, self.target = network, target
        self.mode = "pass"
        self.streams = set()
        self.port = None

    async def open(self):
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        if self.mode == "refuse":
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target())
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self.streams.update(pair)
        try:
            pumps = [asyncio.ensure_future(self.pump(*way)) for way in ((reader, far_writer), (far_reader, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
        finally:
            for stream in pair:
                self.streams.discard(stream)
                stream.transport.abort()

    async def pump(self, reader, writer):
        try:
            while True:
                data = await reader.read(16384)
                while self.mode == "swallow":
                    await asyncio.sleep(0.05)
                if self.mode == "slow":
                    await asyncio.sleep(random.uniform(0.02, 0.2))
                if not data:
                    return
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            return

    def set(self, mode):
        self.mode = mode

    def reset(self):
        """Ends all connections with a reset, as a firewall does that has forgotten them."""
        def cut():
            for stream in list(self.streams):
                raw = stream.get_extra_info("socket")
                if raw is not None:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stream.transport.abort()
        self.network.loop.call_soon_threadsafe(cut)


class Network:
    """The doors, served by a thread of their own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def door(self, target):
        door = Door(self, target)
        asyncio.run_coroutine_threadsafe(door.open(), self.loop).result(10)
        return door
