"""What TLS costs; and what is left to honest clients while others do their worst."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from .clients import driver, java_producer
from .measure import Section
from .outcome import Outcome
from .process import free_port
from .systems import System
from .toolbox import REPOSITORY, built

GIB = 2**30
TUNED = {"linger.ms": 5, "batch.size": 131_072}
ATTACK = REPOSITORY / "benches/clients/attack.py"
# Two of these are the five minutes.
ATTACK_SECONDS = 150


def tls(system: System, topic: str) -> Outcome:
    """The tuned Java producer in the open and over TLS, one after the other, on the same broker."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=16)
    records, warm_up = 1_000_000, 200_000
    figures, sections = {}, []
    for name, bootstrap, properties in [("open", system.bootstrap, {}), ("TLS", system.tls_bootstrap, system.certificates.client())]:
        with Section(system) as section:
            java = java_producer(bootstrap, topic, records, TUNED | properties, warm_up=warm_up)
        figures[f"{name} MiB/s"] = java.mib_per_second
        figures[f"{name} broker CPU s/GiB"] = section.cost.broker_cpu_seconds / (records * 1024 / GIB)
        sections.append(section.cost)
    figures["TLS to open, MiB/s"] = figures["TLS MiB/s"] / figures["open MiB/s"]
    figures["TLS to open, CPU s/GiB"] = figures["TLS broker CPU s/GiB"] / figures["open broker CPU s/GiB"]
    return Outcome(figures, sections)


def hostile(system: System, topic: str) -> Outcome:
    """Honest clients as fast as they go: while attackers hit a socket that only accepts and closes, then while they hit the broker."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=16)
    figures, sections = {}, []
    sink_port = free_port()
    sink = subprocess.Popen([str(built("load-driver")), "sink", "--listen", f"127.0.0.1:{sink_port}"])
    try:
        elsewhere = dict.fromkeys(system.targets, f"127.0.0.1:{sink_port}")
        for name, targets in [("sink", elsewhere), ("broker", system.targets)]:
            with Section(system) as section, ThreadPoolExecutor() as background:
                attack = background.submit(_attack, targets, ATTACK_SECONDS)
                load = {"connections": 2, "in_flight": 5, "batch_bytes": 65_536, "consumers": 1}
                ours = driver(system.bootstrap, "tail", topic=topic, mib_per_second=100, seconds=ATTACK_SECONDS - 10, **load)
                done = attack.result()
            figures[f"attacked {name}: honest MiB/s"] = ours["produced"]["mib_per_second"]
            figures[f"attacked {name}: produce p50 ms"] = ours["produce_ms"]["p50"]
            figures[f"attacked {name}: produce p99 ms"] = ours["produce_ms"]["p99"]
            for what, count in done.items():
                figures[f"attacked {name}: {what}/s"] = count / ATTACK_SECONDS
            sections.append(section.cost)
    finally:
        sink.kill()
        sink.wait()
    figures["honest MiB/s kept"] = figures["attacked broker: honest MiB/s"] / figures["attacked sink: honest MiB/s"]
    figures["peak RSS MiB"] = system.broker.peak_resident_mib()
    figures["restarts"] = 0 if system.broker.child.poll() is None else 1
    return Outcome(figures, sections)


def _attack(targets: dict[str, str], seconds: int) -> dict[str, float]:
    command = [sys.executable, str(ATTACK), "--seconds", str(seconds)]
    for name, address in targets.items():
        command += [f"--{name}", address]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
