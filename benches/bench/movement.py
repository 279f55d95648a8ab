"""Partitions on their way between living brokers: what a producer sees of a move, and how long a broker takes to leave."""

import concurrent.futures
import time

from .clients import driver, java_producer
from .measure import Section
from .outcome import Outcome
from .partitions import leaders, reassign, until_led
from .systems import Brokers

MOVES = 20
SECONDS_BETWEEN_MOVES = 1.0
WARM_UP_SECONDS = 5
# On one partition: well below what a default producer gets through in `object` mode.
RECORDS_A_SECOND = 500
# On all 3,000.
DRAIN_RECORDS_A_SECOND = 2_000


def moves(system: Brokers, topic: str) -> Outcome:
    """A partition moves every second under a producer of 500 records of 1 KiB a second; then a broker with a third of 3,000 partitions stops."""
    with Section(system) as section:
        figures = one_partition(system, topic) | drain(system, f"{topic}-drained")
    return Outcome(figures, [section.cost])


def one_partition(system: Brokers, topic: str) -> dict[str, float]:
    """What the producer sees, without moves and with them; and how long it is from the request to the next leader."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=1)
    seconds = int(MOVES * SECONDS_BETWEEN_MOVES)
    load = {"records": (seconds + WARM_UP_SECONDS) * RECORDS_A_SECOND, "properties": {}, "per_second": RECORDS_A_SECOND}
    load["warm_up"] = WARM_UP_SECONDS * RECORDS_A_SECOND
    still = java_producer(system.bootstrap, topic, **load)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        producing = pool.submit(java_producer, system.bootstrap, topic, **load)
        time.sleep(WARM_UP_SECONDS + 2)
        took = [move_on(system, topic) for _ in range(MOVES - 4)]
        moving = producing.result()
    took.sort()
    return {
        "producer without moves p50 ms": still.p50_ms,
        "producer without moves p99 ms": still.p99_ms,
        "producer without moves max ms": still.max_ms,
        "producer with moves p50 ms": moving.p50_ms,
        "producer with moves p99 ms": moving.p99_ms,
        "producer with moves max ms": moving.max_ms,
        "move p50 ms": took[len(took) // 2] * 1_000,
        "move max ms": took[-1] * 1_000,
    }


def move_on(system: Brokers, topic: str) -> float:
    """Moves the topic's only partition to the next broker; seconds until the next leader is named."""
    began = time.monotonic()
    target = leaders(system.bootstrap, topic)[0] % system.count + 1
    reassign(system.bootstrap, topic, [0], target)
    until_led(system.bootstrap, topic, [0], target)
    took = time.monotonic() - began
    time.sleep(max(0.0, SECONDS_BETWEEN_MOVES - took))
    return took


def drain(system: Brokers, topic: str) -> dict[str, float]:
    """The last broker stops, with its third of 3,000 partitions, under a producer that writes to all."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=3_000)
    leaving = system.others[-1]
    owned = sum(leader == system.count for leader in leaders(system.bootstrap, topic).values())
    with concurrent.futures.ThreadPoolExecutor() as pool:
        seconds = 40
        load = {"properties": {"linger.ms": 100}, "per_second": DRAIN_RECORDS_A_SECOND, "warm_up": 10 * DRAIN_RECORDS_A_SECOND}
        producing = pool.submit(java_producer, system.bootstrap, topic, seconds * DRAIN_RECORDS_A_SECOND, **load)
        time.sleep(15)
        began = time.monotonic()
        leaving.broker.stop()
        took = time.monotonic() - began
        producer = producing.result()
    return {
        "drained partitions": owned,
        "drain s": took,
        "producer in the drain p99 ms": producer.p99_ms,
        "producer in the drain max ms": producer.max_ms,
    }
