"""The clients: Kafka's own Java tools, and our driver. Both are given the same load."""

import json
import re
import subprocess
from dataclasses import dataclass

from .toolbox import REPOSITORY, built, kafka_class_path

DRAIN = REPOSITORY / "benches/clients/Drain.java"


class ClientFailed(Exception):
    """A client that gave no figures."""


@dataclass(frozen=True)
class JavaProduced:
    """The last line of ProducerPerformance. `mib_per_second` is what it calls MB/sec; `records` are those that were acknowledged."""

    records: int
    mib_per_second: float
    p50_ms: float
    p99_ms: float
    p99_9_ms: float
    max_ms: float


_PERFORMANCE = re.compile(
    r"(\d+) (?:steady state )?records sent, .*\(([\d.]+) MB/sec\).* ([\d.]+) ms max latency, (\d+) ms 50th, (\d+) ms 95th, (\d+) ms 99th, (\d+) ms 99.9th"
)


def java_producer(bootstrap: str, topic: str, records: int, properties: dict, per_second: int = -1, warm_up: int = 0) -> JavaProduced:
    """ProducerPerformance with records of 1 KiB. With `warm_up` its first records count for nothing."""
    command = ["java", "-Xmx1g", "-cp", kafka_class_path(), "org.apache.kafka.tools.ProducerPerformance"]
    command += ["--topic", topic, "--num-records", str(records), "--record-size", "1024", "--throughput", str(per_second)]
    command += ["--command-property", f"bootstrap.servers={bootstrap}", *(f"{key}={value}" for key, value in properties.items())]
    if warm_up:
        command += ["--warmup-records", str(warm_up)]
    return producer_performance(_run(command))


def producer_performance(output: str) -> JavaProduced:
    """The last summary: of all records, or behind that one of those after the warm-up."""
    found = _PERFORMANCE.findall(output)
    if not found:
        raise ClientFailed(f"ProducerPerformance: {output[-500:]}")
    records, rate, longest, p50, _p95, p99, p99_9 = found[-1]
    return JavaProduced(int(records), float(rate), float(p50), float(p99), float(p99_9), float(longest))


def java_drain(bootstrap: str, topic: str) -> dict:
    """Kafka's Java consumer over all partitions, from the beginning to the end."""
    return json.loads(_run(["java", "-Xmx1g", "-cp", kafka_class_path(), str(DRAIN), bootstrap, topic]).splitlines()[-1])


def driver(bootstrap: str, command: str, **options) -> dict:
    """Our driver; `options` are its flags. More than a hundredth of the batches refused fails the run."""
    line = [str(built("load-driver")), "--bootstrap", bootstrap, command]
    for name, value in options.items():
        line += [f"--{name.replace('_', '-')}", str(value)]
    report = json.loads(_run(line).splitlines()[-1])
    produced = report.get("produced", {})
    refused = sum(produced.get("errors", {}).values())
    if refused > produced.get("requests", 0) / 100:
        raise ClientFailed(f"the broker refused batches of {command}: {produced['errors']} by error code")
    return report


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise ClientFailed(f"{' '.join(command[-8:])}: {(done.stderr or done.stdout)[-1500:]}")
    return done.stdout
