"""The loads of producers and consumers, one function each, and all scenarios by name. A scenario takes a running system and returns figures by name.

Names of figures end in their unit. Rates are MiB/s (what Kafka's tools call MB/sec), GiB are 2^30 bytes of records.
"""

import subprocess
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import disk
from .clients import driver, java_drain, java_producer
from .coordinators import commits, commits_for_an_hour, groups_at_rest, rebalance, transactional_ids, transactions
from .failover import failover, rolling_restart
from .measure import Cost, Section
from .movement import moves
from .outcome import Outcome, percentiles
from .plateau import plateau
from .recovery import recovery
from .registry import registry
from .security import hostile, tls
from .spread import spread
from .systems import System
from .telemetry import telemetry
from .toolbox import built

TUNED = {"linger.ms": 5, "batch.size": 131_072}
# What the tuned Java producer sends: up to 1 MiB (max.request.size) of batches in a request, five requests under way.
TUNED_DRIVER = {"connections": 1, "in_flight": 5, "batch_bytes": 131_072, "batches_per_request": 7}
DEFAULT_DRIVER = {"connections": 1, "in_flight": 5, "batch_bytes": 16_384, "batches_per_request": 1}
# At a rate: the same batches, and a window that even the slowest answer does not fill.
PACED_DRIVER = {"connections": 1, "in_flight": 200, "batch_bytes": 16_384}
GIB = 2**30
IDLE_SECONDS = 60
# What a load replaced is deleted after log.segment.delete.delay.ms, a minute: only then does nothing happen any more.
UNTIL_IDLE_SECONDS = 120


@dataclass(frozen=True)
class Scenario:
    """A load, and the systems that the issue asks about."""

    run: Callable[[System, str], Outcome]
    systems: list[str]
    # Wants a broker that nothing was done with before.
    fresh: bool = False
    # Is about how long things take, so that it must not pay for what others wrote before.
    quiet_disk: bool = False
    # Takes hours, so it runs only when it is named.
    hours: bool = False


def tuned_producer(system: System, topic: str) -> Outcome:
    """As fast as it goes, 16 partitions, linger 5 ms, batches of 128 KiB."""
    java = JavaLoad(records=1_500_000, warm_up=100_000, properties=TUNED)
    outcome = at_full_speed(system, topic, 16, java, {"mib": 1_536, **TUNED_DRIVER})
    return Outcome(outcome.figures | {"peak RSS MiB": system.broker.peak_resident_mib()}, outcome.sections)


def single_partition(system: System, topic: str) -> Outcome:
    """As fast as it goes, one partition, the producer's default properties."""
    java = JavaLoad(records=500_000, warm_up=50_000, properties={})
    return at_full_speed(system, topic, 1, java, {"mib": 512, **DEFAULT_DRIVER})


@dataclass(frozen=True)
class JavaLoad:
    """What Kafka's producer sends: records of 1 KiB, the first of them not measured."""

    records: int
    warm_up: int
    properties: dict


def at_full_speed(system: System, topic: str, partitions: int, load: JavaLoad, driver_load: dict) -> Outcome:
    """Kafka's producer, then our driver, each as fast as it goes."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=partitions)
    with Section(system) as java_section:
        java = java_producer(system.bootstrap, topic, load.records, load.properties, warm_up=load.warm_up)
    with Section(system) as driver_section:
        ours = driver(system.bootstrap, "produce", topic=topic, **driver_load)
    figures = {
        "java MiB/s": java.mib_per_second,
        "java p50 ms": java.p50_ms,
        "java p99 ms": java.p99_ms,
        **costs("java", java_section.cost, load.records * 1024),
        **driver_produced(ours),
        **costs("driver", driver_section.cost, ours["produced"]["bytes"]),
    }
    return Outcome(figures, [java_section.cost, driver_section.cost])


def latency(system: System, topic: str) -> Outcome:
    """10 MiB/s, 16 partitions, default properties; our driver sends open loop and has a consumer at the end."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=16)
    seconds, warm_up = 12, 3
    records = (seconds + warm_up) * 10_240
    with Section(system) as java_section:
        java = java_producer(system.bootstrap, topic, records, {}, per_second=10_240, warm_up=warm_up * 10_240)
    with Section(system) as driver_section:
        ours = driver(system.bootstrap, "tail", topic=topic, mib_per_second=10, seconds=seconds, **PACED_DRIVER)
    figures = {
        "java p50 ms": java.p50_ms,
        "java p99 ms": java.p99_ms,
        "java p99.9 ms": java.p99_9_ms,
        **costs("java", java_section.cost, records * 1024),
        **percentiles("driver", ours["produce_ms"]),
        **percentiles("driver end-to-end", ours["end_to_end_ms"]),
    }
    return Outcome(figures, [java_section.cost, driver_section.cost])


def tail(system: System, topic: str) -> Outcome:
    """A producer at 50 MB/s on 16 partitions and four consumers at the end."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=16)
    load = {"connections": 2, "in_flight": 5, "batch_bytes": 65_536}
    with Section(system) as section:
        ours = driver(system.bootstrap, "tail", topic=topic, mib_per_second=47.68, seconds=12, consumers=4, **load)
    delivered = ours["consumed"]["bytes"] / GIB
    figures = {
        "produced MiB/s": ours["produced"]["mib_per_second"],
        "delivered GiB": delivered,
        "broker CPU s/GiB delivered": section.cost.broker_cpu_seconds / delivered,
        **percentiles("end-to-end", ours["end_to_end_ms"]),
    }
    if section.cost.requests:
        figures["GETs"] = section.cost.requests["get"]
    return Outcome(figures, [section.cost])


def history(system: System, topic: str) -> Outcome:
    """3 GiB in 16 partitions, written before, read from the beginning."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=16)
    with Section(system):
        driver(system.bootstrap, "produce", topic=topic, mib=3_072, **TUNED_DRIVER)
    with Section(system, settle=False) as java_section:
        java = java_drain(system.bootstrap, topic)
    with Section(system, settle=False) as driver_section:
        ours = driver(system.bootstrap, "consume", topic=topic)["consumed"]
    figures = {
        "java MiB/s": java["mib_per_second"],
        "java broker CPU s/GiB": java_section.cost.broker_cpu_seconds / (java["bytes"] / GIB),
        "driver MiB/s": ours["mib_per_second"],
        "driver broker CPU s/GiB": driver_section.cost.broker_cpu_seconds / (ours["bytes"] / GIB),
        "peak RSS MiB": system.broker.peak_resident_mib(),
    }
    if java_section.cost.requests:
        figures["GETs/GiB"] = java_section.cost.requests["get"] / (java["bytes"] / GIB)
    return Outcome(figures, [java_section.cost, driver_section.cost])


def catchup(system: System, topic: str) -> Outcome:
    """10 GiB of history read cold by one consumer, beside 10 MiB/s on another topic with a consumer at its end; first those alone."""
    past, live = f"{topic}-past", f"{topic}-live"
    for name in [past, live]:
        driver(system.bootstrap, "create-topic", topic=name, partitions=16)
    with Section(system):
        driver(system.bootstrap, "produce", topic=past, mib=10 * 1_024, **TUNED_DRIVER)
    system.broker.stop()
    system.start()
    load = {"mib_per_second": 10, "seconds": 15, **PACED_DRIVER}
    driver(system.bootstrap, "tail", topic=live, **load)
    alone = driver(system.bootstrap, "tail", topic=live, **load)
    disk.forget_cached_pages()
    with Section(system, settle=False) as section, ThreadPoolExecutor() as background:
        reading = background.submit(driver, system.bootstrap, "consume", topic=past)
        beside = driver(system.bootstrap, "tail", topic=live, **load)
        read = reading.result()["consumed"]
    figures = {"history MiB/s": read["mib_per_second"], "history GiB": read["bytes"] / GIB}
    for when, tail in [("alone", alone), ("beside", beside)]:
        figures |= percentiles(f"{when} produce", tail["produce_ms"]) | percentiles(f"{when} end-to-end", tail["end_to_end_ms"])
    figures["broker CPU s"] = section.cost.broker_cpu_seconds
    figures["peak RSS MiB"] = system.broker.peak_resident_mib()
    if section.cost.requests:
        figures["GETs/GiB"] = section.cost.requests["get"] / (read["bytes"] / GIB)
    return Outcome(figures, [section.cost])


def object_latency(system: System, topic: str) -> Outcome:
    """`latency` where acks=all waits for object storage; and a default producer on one partition as fast as it goes."""
    paced = latency(system, topic)
    driver(system.bootstrap, "create-topic", topic=f"{topic}-one", partitions=1)
    with Section(system) as section:
        java = java_producer(system.bootstrap, f"{topic}-one", 60_000, {})
    return Outcome(paced.figures | {"one partition java MiB/s": java.mib_per_second}, [*paced.sections, section.cost])


def puts(system: System, topic: str) -> Outcome:
    """PUTs per GiB at 32 MiB/s on 1 and on 1,000 partitions, producers with room in their windows; then an idle minute."""
    # Windows of 20 MiB together: more than 32 MiB/s fill while a flush of 8 MiB gathers and uploads.
    # Commits are gathered 64 at a time: long enough for one time more or less to make little difference.
    load = {"connections": 8, "in_flight": 10, "mib_per_second": 32, "seconds": 120}
    requests = {1: {"batch_bytes": 262_144}, 1_000: {"batch_bytes": 16_384, "batches_per_request": 16}}
    figures, sections = {}, []
    for partitions, request in requests.items():
        name, named = f"{topic}-{partitions}", f"{partitions:,} partition{'s'[: partitions - 1]}"
        driver(system.bootstrap, "create-topic", topic=name, partitions=partitions)
        with Section(system) as section:
            ours = driver(system.bootstrap, "produce", topic=name, **load, **request)
        figures[f"{named} MiB/s"] = ours["produced"]["mib_per_second"]
        figures |= costs(named, section.cost, ours["produced"]["bytes"])
        sections.append(section.cost)
    figures["PUT/GiB, 1,000 partitions to 1"] = figures["1,000 partitions PUT/GiB"] / figures["1 partition PUT/GiB"]
    time.sleep(UNTIL_IDLE_SECONDS)
    counted = minio_requests(system)
    with Section(system, settle=False) as section:
        time.sleep(IDLE_SECONDS)
    figures["idle minute requests, broker's count"] = sum(section.cost.requests.values())
    figures["idle minute requests, MinIO's count"] = minio_requests(system) - counted
    return Outcome(figures, [*sections, section.cost])


def minio_requests(system: System) -> float:
    """MinIO's own count of S3 requests. It lags by ten seconds and more: read until it stands still."""
    if not getattr(system, "minio", None):
        return 0.0
    counts = [-1.0, system.minio.requests()]
    while counts[-1] != counts[-2]:
        time.sleep(15)
        counts.append(system.minio.requests())
    return counts[-1]


def look_around(http: str) -> None:
    """What somebody with the console open asks for, a hundred times."""
    pages = ["/", "/console/main.js", "/console/api/overview", "/console/api/topics", "/console/api/groups", "/console/api/access"]
    for _ in range(100):
        for page in pages:
            with urllib.request.urlopen(http + page) as answer:
                answer.read()


def footprint(system: System, topic: str) -> Outcome:
    """An empty broker's memory and start; with 10,000 idle connections; then with 10,000 idle partitions, and how long they take to start."""
    with Section(system, settle=False) as section:
        time.sleep(2)
        figures = {"empty RSS MiB": system.broker.resident_mib()}
        if system.ready_seconds is not None:
            figures["empty start s"] = system.ready_seconds
        if system.name == "embedded-console":
            look_around(system.http)
            figures["after 100 looks at the console RSS MiB"] = system.broker.resident_mib()
        command = [str(built("load-driver")), "--bootstrap", system.bootstrap, "idle", "--connections", "10000"]
        idle = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if idle.stdout.readline().strip() == "open":
            figures["10,000 connections more RSS MiB"] = system.broker.resident_mib() - figures["empty RSS MiB"]
        idle.communicate()
    # Kafka makes a directory and maps files for each partition: not what it is for, and minutes of work.
    if system.name != "kafka":
        driver(system.bootstrap, "create-topic", topic=topic, partitions=10_000)
        system.broker.stop()
        started = time.monotonic()
        system.start()
        figures["10,000 partitions start s"] = time.monotonic() - started
        driver(system.bootstrap, "create-topic", topic=topic, partitions=10_000)
        time.sleep(2)
        figures["10,000 partitions RSS MiB"] = system.broker.resident_mib()
    return Outcome(figures, [section.cost])


def costs(client: str, cost: Cost, byte_count: int) -> dict[str, float]:
    """CPU and requests per GiB of what `client` wrote."""
    gib = byte_count / GIB
    figures = {f"{client} broker CPU s/GiB": cost.broker_cpu_seconds / gib}
    if cost.stores_cpu_seconds:
        figures[f"{client} stores CPU s/GiB"] = cost.stores_cpu_seconds / gib
    if cost.requests:
        figures[f"{client} PUT/GiB"] = cost.requests["put"] / gib
        figures[f"{client} other requests/GiB"] = sum(cost.requests.values()) / gib - figures[f"{client} PUT/GiB"]
    return figures


def driver_produced(report: dict) -> dict[str, float]:
    gib = report["produced"]["bytes"] / GIB
    return {
        "driver MiB/s": report["produced"]["mib_per_second"],
        **percentiles("driver", report["produce_ms"]),
        "driver's own CPU s/GiB": report["driver_cpu_seconds"] / gib,
        "driver refused batches": sum(report["produced"]["errors"].values()),
    }


SCENARIOS = {
    "tuned-producer": Scenario(tuned_producer, ["kafka", "embedded-wal", "minio-wal"]),
    "single-partition": Scenario(single_partition, ["kafka", "embedded-wal", "minio-wal"]),
    "latency": Scenario(latency, ["kafka", "embedded-wal", "minio-wal"], quiet_disk=True),
    "tail": Scenario(tail, ["kafka", "embedded-wal", "minio-wal"], quiet_disk=True),
    "history": Scenario(history, ["kafka", "embedded-wal"]),
    "catchup": Scenario(catchup, ["kafka", "minio-wal"], quiet_disk=True),
    "object-latency": Scenario(object_latency, ["minio-object", "minio-object-fast"], quiet_disk=True),
    "puts": Scenario(puts, ["minio-object"]),
    "transactions": Scenario(
        transactions, ["kafka", "embedded-wal", "minio-wal", "minio-object", "minio-object-fast"], quiet_disk=True
    ),
    "commits": Scenario(commits, ["kafka", "embedded-wal", "minio-wal"], quiet_disk=True),
    "commits-for-an-hour": Scenario(commits_for_an_hour, ["embedded-wal", "minio-wal"], fresh=True, hours=True),
    "rebalance": Scenario(rebalance, ["kafka", "embedded-wal", "minio-wal"]),
    "groups-at-rest": Scenario(groups_at_rest, ["kafka", "embedded-wal", "minio-wal"], fresh=True),
    "transactional-ids": Scenario(transactional_ids, ["kafka", "embedded-wal", "minio-wal"], fresh=True),
    "moves": Scenario(moves, ["three-object", "three-wal"]),
    "failover": Scenario(failover, ["three-object-3s"]),
    "rolling-restart": Scenario(rolling_restart, ["three-object", "three-wal"]),
    "spread": Scenario(spread, ["minio-object", "three-object", "minio-wal", "three-wal"]),
    "plateau": Scenario(plateau, ["minio-wal-days"], fresh=True),
    "recovery": Scenario(recovery, ["minio-object"], fresh=True),
    "registry": Scenario(registry, ["embedded-registry"], fresh=True),
    "tls": Scenario(tls, ["kafka-tls", "embedded-tls"]),
    "hostile": Scenario(hostile, ["embedded-besieged"], fresh=True),
    "telemetry": Scenario(telemetry, ["embedded-wal"], fresh=True),
    "footprint": Scenario(footprint, ["kafka", "embedded-wal", "embedded-console"], fresh=True),
}


def warm_up(system: System) -> None:
    """The same for each system: enough for a JVM to have compiled what it runs."""
    driver(system.bootstrap, "create-topic", topic="warm-up", partitions=16)
    java_producer(system.bootstrap, "warm-up", 1_200_000, TUNED)
    driver(system.bootstrap, "tail", topic="warm-up", mib=256, consumers=1, **TUNED_DRIVER)
    driver(system.bootstrap, "tail", topic="warm-up", mib=64, consumers=1, **DEFAULT_DRIVER)
    time.sleep(2)
