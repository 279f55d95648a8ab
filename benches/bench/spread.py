"""The same load on one broker and on three: what their number costs."""

import time

from .clients import driver
from .measure import SETTLE_SECONDS, Section
from .outcome import Outcome, percentiles
from .process import Process
from .systems import Brokers, System

SECONDS = 30
LOAD = {"connections": 9, "in_flight": 10, "batch_bytes": 65_536, "consumers": 3, "mib_per_second": 32}
GIB = 2**30


def spread(system: System, topic: str) -> Outcome:
    """32 MiB/s on 48 partitions from nine connections, and three consumers at the end: CPU of all brokers together."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=48)
    brokers = _brokers(system)
    driver(system.bootstrap, "tail", topic=topic, seconds=5, **LOAD)
    time.sleep(SETTLE_SECONDS)
    with Section(system, settle=False) as section:
        before = [broker.cpu_seconds() for broker in brokers]
        ours = driver(system.bootstrap, "tail", topic=topic, seconds=SECONDS, **LOAD)
        time.sleep(SETTLE_SECONDS)
        used = [broker.cpu_seconds() - start for broker, start in zip(brokers, before)]
    figures = {
        "produced MiB/s": ours["produced"]["mib_per_second"],
        "delivered MiB/s": ours["consumed"]["bytes"] / 2**20 / SECONDS,
        "all brokers CPU s/GiB": sum(used) / (ours["produced"]["bytes"] / GIB),
        "busiest broker's part of it": max(used) / sum(used),
        **percentiles("produce", ours["produce_ms"]),
    }
    return Outcome(figures, [section.cost])


def _brokers(system: System) -> list[Process]:
    return [one.broker for one in system.brokers().values()] if isinstance(system, Brokers) else [system.broker]
