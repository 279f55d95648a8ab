"""What it costs to be watched: a broker of 1,000 partitions at 10 MiB/s, unwatched, scraped every 15 s, and traced at one request in a hundred.

The three take turns, there and back, each on a broker that was started anew on the same data, so that what drifts drifts for all. A scrape is
also timed and charged by itself, a hundred times in a row on an idle broker: its share of the load's CPU is too small to be told from noise.
"""

import json
import os
import subprocess
import threading
import time
import urllib.request
from statistics import mean

from .clients import driver
from .measure import Section
from .outcome import Outcome
from .process import free_port
from .systems import Alluvium
from .toolbox import built

PARTITIONS = 1_000
GROUPS = 10
MIB_PER_SECOND = 10
# BENCH_TELEMETRY_SECONDS makes a try of it short.
SECONDS = int(os.environ.get("BENCH_TELEMETRY_SECONDS", "35"))
SCRAPE_INTERVAL_SECONDS = 15
WARM_UP_SECONDS = 4
SCRAPES_IN_A_ROW = 100
PATHS = {"/metrics": "metrics", "/metrics/detail": "detail"}
LOAD = {"connections": 4, "in_flight": 200, "batch_bytes": 16_384, "mib_per_second": MIB_PER_SECOND}


class Collector:
    """A collector of OTLP that takes everything and keeps nothing."""

    def __init__(self):
        self.port = free_port()
        command = [str(built("load-driver")), "collector", "--port", str(self.port)]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self) -> dict:
        """What it was sent."""
        return json.loads(self.child.communicate()[0].splitlines()[-1])


class Scraper:
    """Asks for all metrics every 15 s, as Prometheus would."""

    def __init__(self, http: str):
        self.http, self.over = http, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.count = 0

    def __enter__(self) -> "Scraper":
        self.thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self.over.set()
        self.thread.join()

    def _run(self) -> None:
        while not self.over.wait(SCRAPE_INTERVAL_SECONDS):
            for path in PATHS:
                scrape(self.http, path)
            self.count += 1


def scrape(http: str, path: str) -> tuple[float, int]:
    """How long it took, in milliseconds, and how many bytes came."""
    began = time.perf_counter()
    with urllib.request.urlopen(f"{http}{path}", timeout=30) as answer:
        size = len(answer.read())
    return (time.perf_counter() - began) * 1e3, size


def telemetry(system: Alluvium, topic: str) -> Outcome:
    """CPU of the broker, watched and not; and what one scrape takes."""
    plain = list(system.arguments)
    driver(system.bootstrap, "create-topic", topic=topic, partitions=PARTITIONS)
    driver(system.bootstrap, "commit", topic=topic, groups=GROUPS, members=PARTITIONS // GROUPS, seconds=3)
    cpu: dict[str, list[float]] = {"unwatched": [], "scraped": [], "traced": []}
    sections, spans, scrapes = [], 0, 0
    for watched in [*cpu, *reversed(cpu)]:
        collector = Collector() if watched == "traced" else None
        more = ["--set", f"otlp.endpoint=http://127.0.0.1:{collector.port}", "--set", "otlp.traces.sample.ratio=0.01"] if collector else []
        restart(system, plain + more)
        driver(system.bootstrap, "produce", topic=topic, seconds=WARM_UP_SECONDS, **LOAD)
        with Section(system, settle=False) as section:
            if watched == "scraped":
                with Scraper(system.http) as scraper:
                    driver(system.bootstrap, "produce", topic=topic, seconds=SECONDS, **LOAD)
                scrapes += scraper.count
            else:
                driver(system.bootstrap, "produce", topic=topic, seconds=SECONDS, **LOAD)
        cpu[watched].append(section.cost.broker_cpu_seconds / section.cost.seconds)
        sections.append(section.cost)
        if collector:
            spans += collector.stop()["spans"]
    # The last broker was unwatched, and has seen its load: all series are there.
    return Outcome(figures(cpu, spans, scrapes) | one_scrape(system, mean(cpu["unwatched"])), sections)


def figures(cpu: dict[str, list[float]], spans: int, scrapes: int) -> dict[str, float]:
    unwatched = mean(cpu["unwatched"])
    found = {f"{watched} broker CPU % of a core": mean(shares) * 100 for watched, shares in cpu.items()}
    found |= {f"{watched} more broker CPU %": (mean(cpu[watched]) / unwatched - 1) * 100 for watched in ("scraped", "traced")}
    spread = max(cpu["unwatched"]) - min(cpu["unwatched"])
    return found | {"unwatched spread %": spread / unwatched * 100, "scrapes under load": scrapes, "spans received": spans}


def one_scrape(system: Alluvium, unwatched: float) -> dict[str, float]:
    """A scrape by itself: time, size, and the broker's CPU, also as its share when it comes every 15 s under the load."""
    found, share = {}, 0.0
    for path, name in PATHS.items():
        before = system.broker.cpu_seconds()
        answers = [scrape(system.http, path) for _ in range(SCRAPES_IN_A_ROW)]
        each = (system.broker.cpu_seconds() - before) / SCRAPES_IN_A_ROW
        took = sorted(milliseconds for milliseconds, _ in answers)
        found |= {
            f"{name} scrape p50 ms": took[len(took) // 2],
            f"{name} scrape max ms": took[-1],
            f"{name} KiB": answers[-1][1] / 1024,
            f"{name} broker CPU ms a scrape": each * 1e3,
        }
        share += each / SCRAPE_INTERVAL_SECONDS / unwatched
    return found | {"scrapes' share of the load's CPU %": share * 100}


def restart(system: Alluvium, arguments: list) -> None:
    """Starts the broker anew on the same data with other arguments."""
    system.broker.stop()
    system.arguments = arguments
    system.start()
