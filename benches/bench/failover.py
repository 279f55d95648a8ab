"""Brokers that die, and brokers that are restarted in turn, under load."""

import concurrent.futures
import time

from .clients import driver, java_producer
from .measure import Section
from .outcome import Outcome
from .partitions import controller, leaders, reassign, until_led
from .systems import Alluvium, Brokers

PARTITIONS = 1_000
KILLS = 20
# Driver seconds around a kill: before it, after it until what it cost is counted, and all. Then the driver reads everything back.
BEFORE_SECONDS, AFTER_SECONDS, RUN_SECONDS = 5, 9, 16
RESTART_SECONDS = 100


def failover(system: Brokers, topic: str) -> Outcome:
    """One broker of three after the other is killed -9, 20 times, each with its third of 1,000 partitions that are all written to."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=PARTITIONS)
    shares = share(system, topic)
    kills = []
    with Section(system) as section:
        for number in range(KILLS):
            kills.append(kill(system, topic, number % system.count + 1, shares))
    moved = sorted(one["worst s"] for one in kills)
    of_controllers = [one["worst s"] for one in kills if one["was the controller"]]
    return Outcome(
        {
            "kills": len(kills),
            "partitions without leader, of each kill": sum(one["moved"] for one in kills) / len(kills),
            "median partition without writes s": median([one["median s"] for one in kills]),
            "worst partition without writes p50 s": median(moved),
            "worst partition without writes p95 s": moved[len(moved) * 95 // 100 - 1],
            "worst partition without writes max s": moved[-1],
            "kills of the controller": len(of_controllers),
            "the same of the controller max s": max(of_controllers, default=0.0),
            "others' partitions without writes max s": max(one["others s"] for one in kills),
            "GETs for each partition taken": sum(one["gets"] for one in kills) / max(1, sum(one["moved"] for one in kills)),
            "acknowledged batches": sum(one["acknowledged"] for one in kills),
            "lost batches": sum(one["lost"] for one in kills),
        },
        [section.cost],
    )


def share(system: Brokers, topic: str) -> dict[int, list[int]]:
    """The partitions of each broker, a third each."""
    owners: dict[int, list[int]] = {}
    for partition, leader in leaders(system.bootstrap, topic).items():
        owners.setdefault(leader, []).append(partition)
    return owners


def kill(system: Brokers, topic: str, number: int, shares: dict[int, list[int]]) -> dict:
    """Kills one broker under load, and starts it again; at the end it has what it had."""
    brokers = system.brokers()
    victim, witness = brokers[number], brokers[number % system.count + 1]
    for broker, partitions in shares.items():
        reassign(witness.bootstrap, topic, partitions, broker)
        until_led(witness.bootstrap, topic, partitions, broker)
    was_controller = controller(witness.bootstrap, topic) == number
    with concurrent.futures.ThreadPoolExecutor() as pool:
        writing = pool.submit(driver, witness.bootstrap, "outage", topic=topic, seconds=RUN_SECONDS)
        time.sleep(BEFORE_SECONDS)
        gets = gets_of(brokers, number)
        victim.broker.kill()
        time.sleep(AFTER_SECONDS)
        gets = gets_of(brokers, number) - gets
        report = writing.result()
    victim.start()
    found = {
        "was the controller": was_controller,
        "moved": report["moved"],
        "median s": report["moved_ms"]["p50"] / 1_000,
        "worst s": report["moved_ms"]["max"] / 1_000,
        "others s": report["stayed_ms"]["max"] / 1_000,
        "gets": gets,
        "acknowledged": report["acknowledged"],
        "lost": report["lost"],
    }
    print(f"  broker {number}: {found}, refused {report['errors']}", flush=True)
    return found


def gets_of(brokers: dict[int, Alluvium], without: int) -> float:
    return sum(broker.object_requests()["get"] for number, broker in brokers.items() if number != without)


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def rolling_restart(system: Brokers, topic: str) -> Outcome:
    """All three brokers are restarted in turn under Kafka's producer with its defaults: 2,000 records of 1 KiB a second on 300 partitions."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=300)
    load = {"properties": {}, "per_second": 2_000, "warm_up": 20_000}
    still = java_producer(system.bootstrap, topic, 60_000, **load)
    with Section(system) as section, concurrent.futures.ThreadPoolExecutor() as pool:
        producing = pool.submit(java_producer, system.bootstrap, topic, RESTART_SECONDS * 2_000, **load)
        time.sleep(15)
        took = [restart(broker) for broker in system.brokers().values()]
        restarting = producing.result()
    return Outcome(
        {
            "restarts": len(took),
            "restart s": max(took),
            "records that failed": RESTART_SECONDS * 2_000 - load["warm_up"] - restarting.records,
            "producer p99 ms": still.p99_ms,
            "producer in restarts p50 ms": restarting.p50_ms,
            "producer in restarts p99 ms": restarting.p99_ms,
            "producer in restarts max ms": restarting.max_ms,
        },
        [section.cost],
    )


def restart(broker: Alluvium) -> float:
    """Stops a broker, which drains it, and starts it; seconds until it is ready again."""
    began = time.monotonic()
    broker.broker.stop()
    broker.start()
    took = time.monotonic() - began
    time.sleep(10)
    return took
