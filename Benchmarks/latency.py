# How long an idle engine takes for one job: from just before its request is published to its acknowledgement, seen on
# the wire by a door between the engine and the broker. The publisher does not pass the door.
# The times go into an HdrHistogram: whole microseconds with three digits, so nothing is lost between the percentiles.
# Invariant: one request at a time, each of another document, with a pause of random length in between; all but the
# first ones are in the figures.
import random
import time

import pika
import processes
import world
from ack_watch import AckWatch
from hdrh.histogram import HdrHistogram
from measure import Failed

WARM_UP = 20
LONGEST = 60_000_000
PERCENTILES = {"p50_ms": 50, "p90_ms": 90, "p99_ms": 99, "p99_9_ms": 99.9, "max_ms": 100}


def of(contestant, wanted):
    """The percentiles of `wanted` jobs, after some that are not counted; the whole histogram goes into a file."""
    histogram = HdrHistogram(1, LONGEST, 3)
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
            for number in range(WARM_UP + count):
                time_taken = one(channel, acks, number, program)
                if number >= WARM_UP:
                    histogram.record_value(min(max(round(time_taken * 1e6), 1), LONGEST))
        finally:
            program.end()
    with open(place.folder / f"latency-{contestant.name}.hgrm", "wb") as file:
        histogram.output_percentile_distribution(file, 1000.0)
    return {"messages": count} | {
        name: round(histogram.get_value_at_percentile(percent) / 1000, 3) for name, percent in PERCENTILES.items()}


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
    return end - start
