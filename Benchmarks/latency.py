# How long an idle engine takes for one job: from just before its request is published to its acknowledgement, seen on
# the wire by a door between the engine and the broker. The publisher does not pass the door.
# Invariant: one request at a time, each of another document, with a pause of random length in between; all but the
# first ones are in the figures.
import random
import statistics
import time

import pika
import processes
import world
from ack_watch import AckWatch
from measure import Failed

WARM_UP = 20


def of(contestant, wanted):
    """The times of `wanted` jobs, in milliseconds, after some that are not counted."""
    count = min(wanted, contestant.count - WARM_UP)
    contestant.prepare()
    place = contestant.world
    address = f"127.0.0.1:{place.variables['FERRY_BROKER_PORT']}"
    with AckWatch(int(place.variables["FERRY_BROKER_PORT"])) as acks, place.channel() as channel:
        door = f"127.0.0.1:{acks.port}"
        environment = {key: value.replace(address, door) for key, value in contestant.environment().items()}
        program = processes.Program(
            contestant.idle_command, contestant.folder / "program.log", cwd=contestant.folder, env=environment)
        try:
            times = [one(channel, acks, number, program) for number in range(WARM_UP + count)][WARM_UP:]
        finally:
            program.end()
    times.sort()
    return {
        "messages": count, "p50_ms": round(statistics.median(times), 3), "max_ms": round(times[-1], 3),
        # The nearest rank: the smallest time that at least 99 % do not exceed.
        "p99_ms": round(times[max(-(-99 * count // 100) - 1, 0)], 3),
    }


def one(channel, acks, number, program):
    body = f'{{"sync_job_type":"Customer Sync","source_document_name":"{world.code(number)}"}}'
    properties = pika.BasicProperties(
        message_id=f"latency:{number}", content_type="application/json", delivery_mode=2)
    before = acks.count
    start = time.monotonic()
    channel.basic_publish("ferry.requests", "default.customer_sync", body, properties, mandatory=True)
    end = acks.wait(before + 1, patience=60 if number == 0 else 10)
    if end is None:
        raise Failed(f"no acknowledgement of request {number}: {program.last_words()}")
    time.sleep(random.uniform(0.002, 0.010))
    return (end - start) * 1000
