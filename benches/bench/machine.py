"""The whole machine's CPU: what everything used, and what the hypervisor took away."""

import os
import time
from dataclasses import dataclass

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class MachineCpu:
    """CPU seconds since boot, of all cores together."""

    at: float
    busy: float
    steal: float

    @staticmethod
    def now() -> "MachineCpu":
        """Interrupts are left out: they cannot be told to belong to a process."""
        with open("/proc/stat") as stat:
            fields = [int(field) for field in stat.readline().split()[1:9]]
        user, nice, system, _idle, _wait, _interrupts, _soft, steal = fields
        return MachineCpu(time.monotonic(), (user + nice + system) / TICKS_PER_SECOND, steal / TICKS_PER_SECOND)


def foreign_cores(seconds: float = 1.0) -> float:
    """How many cores other processes keep busy while we do nothing."""
    before = MachineCpu.now()
    time.sleep(seconds)
    after = MachineCpu.now()
    return (after.busy - before.busy) / (after.at - before.at)


def describe() -> str:
    """One line for the results: cores, memory, kernel."""
    with open("/proc/meminfo") as meminfo:
        kibibytes = int(meminfo.readline().split()[1])
    return f"{os.cpu_count()} cores, {kibibytes / 2**20:.0f} GiB, Linux {os.uname().release}"
