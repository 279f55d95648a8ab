"""What a section of a run cost: broker CPU, object requests, and how much of the machine others used meanwhile."""

import os
import resource
import time
from dataclasses import dataclass

from .machine import MachineCpu
from .systems import System

# Long enough for what nobody waits for to reach object storage (flush.max.interval.idle is 2 s).
SETTLE_SECONDS = 3.0


@dataclass(frozen=True)
class Cost:
    """What a section cost."""

    broker_cpu_seconds: float
    stores_cpu_seconds: float
    requests: dict[str, float]
    seconds: float
    foreign_cores: float
    steal_cores: float


class Section:
    """A part of a run whose cost is wanted: `with Section(system) as section: …`, then `section.cost`."""

    cost: Cost

    def __init__(self, system: System, settle: bool = True):
        self.system, self.settle = system, settle

    def __enter__(self) -> "Section":
        self.before = self._read()
        return self

    def __exit__(self, *_exception) -> None:
        if self.settle:
            time.sleep(SETTLE_SECONDS)
        machine, broker, stores, clients, requests = self._read()
        machine_0, broker_0, stores_0, clients_0, requests_0 = self.before
        seconds = machine.at - machine_0.at
        ours = (broker - broker_0) + (stores - stores_0) + (clients - clients_0)
        self.cost = Cost(
            broker_cpu_seconds=broker - broker_0,
            stores_cpu_seconds=stores - stores_0,
            requests={name: count - requests_0.get(name, 0.0) for name, count in requests.items()},
            seconds=seconds,
            foreign_cores=max(0.0, (machine.busy - machine_0.busy - ours) / seconds),
            steal_cores=(machine.steal - machine_0.steal) / seconds,
        )

    def _read(self) -> tuple:
        stores = sum(store.cpu_seconds() for store in self.system.stores())
        return MachineCpu.now(), self.system.broker.cpu_seconds(), stores, _clients_cpu(), self.system.object_requests()


def _clients_cpu() -> float:
    """Of this program and of its children that ended, which clients have at a section's end."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def load_average() -> float:
    return os.getloadavg()[0]
