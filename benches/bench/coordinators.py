"""The loads of coordinators: commits, rebalances, groups and transactional ids at rest, transactions."""

import sys
import time
from collections.abc import Callable

from .clients import driver
from .measure import Section
from .outcome import Outcome, percentiles
from .systems import System


def commits(system: System, topic: str) -> Outcome:
    """1,000 groups of ten members that commit every second, open loop; what each commit costs the metadata store."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=10)
    load = {"topic": topic, "groups": 1_000, "members": 10}
    driver(system.bootstrap, "commit", **load, seconds=10)
    stored = system.etcd_bytes()
    with Section(system) as section:
        ours = driver(system.bootstrap, "commit", **load, seconds=60)
    figures = percentiles("commit", ours["commit_ms"])
    figures["refused commits"] = sum(ours["errors"].values())
    figures["broker CPU s"] = section.cost.broker_cpu_seconds
    if stored is not None:
        figures["each commit bytes of etcd"] = (system.etcd_bytes() - stored) / (60 * 10_000)
    return Outcome(figures, [section.cost])


def commits_for_an_hour(system: System, topic: str) -> Outcome:
    """The load of `commits` for an hour, a minute at a time: what it makes of etcd, and the worst minute's latency."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=10)
    load = {"topic": topic, "groups": 1_000, "members": 10}
    sizes, latencies, refused = [], [], 0
    with Section(system) as section:
        for minute in range(60):
            ours = driver(system.bootstrap, "commit", **load, seconds=60)
            latencies.append(ours["commit_ms"])
            refused += sum(ours["errors"].values())
            sizes.append((system.etcd_bytes() or 0) / 2**20)
            print(f"# minute {minute + 1}: p99 {ours['commit_ms']['p99']:.0f} ms, etcd {sizes[-1]:.0f} MiB", file=sys.stderr)
    figures = percentiles("worst minute's commit", max(latencies, key=lambda it: it["p99"]))
    figures |= {"refused commits": refused, "etcd MiB at most": max(sizes), "etcd MiB at the end": sizes[-1]}
    figures["broker RSS MiB at the end"] = system.broker.resident_mib()
    return Outcome(figures, [section.cost])


def rebalance(system: System, topic: str) -> Outcome:
    """A group of 1,000 members forms, then one more joins, under both protocols; members act as soon as they can."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=1_001)
    figures, sections = {}, []
    for protocol in ["classic", "consumer"]:
        with Section(system, settle=False) as section:
            ours = driver(system.bootstrap, "rebalance", topic=topic, members=1_000, protocol=protocol, group=protocol)
        figures[f"{protocol} formed s"] = ours["formed_seconds"]
        figures[f"{protocol} rebalanced s"] = ours["rebalanced_seconds"]
        sections.append(section.cost)
    return Outcome(figures, sections)


def groups_at_rest(system: System, topic: str) -> Outcome:
    """10,000 groups of one member each at rest: the memory of each, and how long a broker takes to start with them."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=1)
    driver(system.bootstrap, "rebalance", topic=topic, protocol="consumer", group="first", groups=10)
    with Section(system, settle=False) as section:
        before = system.broker.resident_mib()
        taken = driver(system.bootstrap, "rebalance", topic=topic, protocol="consumer", group="resting", groups=10_000)
        time.sleep(2)
        figures = {"10,000 groups made s": taken["formed_seconds"]}
        figures["each group KiB of RSS"] = (system.broker.resident_mib() - before) * 1024 / 10_000
    last = {"topic": topic, "protocol": "consumer", "group": "last", "groups": 1}
    restart(system, figures, "groups", lambda: driver(system.bootstrap, "rebalance", **last))
    return Outcome(figures, [section.cost])


def restart(system: System, figures: dict, what: str, serve: Callable[[], object]) -> None:
    """Stops and starts it; how long until it accepts connections, and until `serve` gets its answer."""
    system.broker.stop()
    started = time.monotonic()
    system.start()
    figures["start s"] = time.monotonic() - started
    serve()
    figures[f"start until {what} are served s"] = time.monotonic() - started


def transactions(system: System, topic: str) -> Outcome:
    """1 and 16 producers that do one transaction after another: two partitions, ten records of 100 bytes on each."""
    figures, sections = {}, []
    driver(system.bootstrap, "create-topic", topic=topic, partitions=2)
    driver(system.bootstrap, "transactions", topic=topic, producers=16, seconds=5)
    for producers in [1, 16]:
        with Section(system) as section:
            ours = driver(system.bootstrap, "transactions", topic=topic, producers=producers, seconds=30)
        named = f"{producers} producer{'s'[: producers - 1]}"
        figures[f"{named} transactions/s"] = ours["transactions_per_second"]
        figures |= percentiles(f"{named} EndTxn", ours["end_ms"])
        figures |= percentiles(f"{named} transaction", ours["transaction_ms"])
        sections.append(section.cost)
    return Outcome(figures, sections)


def transactional_ids(system: System, topic: str) -> Outcome:
    """10,000 transactional ids at rest: the memory of each, and how long a broker takes to start with them."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=2)
    driver(system.bootstrap, "transactions", topic=topic, producers=16, seconds=1)
    with Section(system, settle=False) as section:
        before = system.broker.resident_mib()
        taken = driver(system.bootstrap, "transactions", topic=topic, producers=16, seconds=0, at_rest=10_000)
        figures = {"10,000 ids taken s": taken["at_rest_seconds"]}
        time.sleep(2)
        figures["each id KiB of RSS"] = (system.broker.resident_mib() - before) * 1024 / 10_000
    # The ids are there when a coordinator takes a transaction of one.
    restart(system, figures, "ids", lambda: driver(system.bootstrap, "transactions", topic=topic, producers=16, seconds=0))
    return Outcome(figures, [section.cost])
