"""A lost etcd: what `alluvium recover` and `alluvium fsck` take for a bucket of some gigabytes."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from .clients import ClientFailed, driver
from .measure import Section
from .outcome import Outcome
from .stores import ACCESS_KEY, SECRET_KEY, Etcd
from .systems import Alluvium
from .toolbox import built

MIB_STORED = 4_096
LOAD = {"connections": 4, "in_flight": 5, "batch_bytes": 131_072, "batches_per_request": 7}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": "us-east-1"}


@dataclass(frozen=True)
class Command:
    """A command that came to its end."""

    seconds: float
    peak_mib: float
    cpu_seconds: float
    told: str


def recovery(system: Alluvium, topic: str) -> Outcome:
    """4 GiB in 16 partitions, nearly all of it younger than the snapshot; the broker killed, etcd replaced by an empty one, rebuilt, checked, read."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=16)
    with Section(system) as section:
        wrote = driver(system.bootstrap, "produce", topic=topic, mib=MIB_STORED, **LOAD)["produced"]["bytes"]
    system.broker.child.kill()
    system.broker.child.wait()
    system.etcd.process.stop()
    replace_etcd(system)
    told = command(system, "recover", "--dry-run", fails=True).told
    cluster = re.search(r"holds cluster ([^:]+):", told)
    if not cluster:
        raise ClientFailed(f"recover: {told[-500:]}")
    recover = command(system, "recover", "--cluster-id", cluster[1])
    segments = re.search(r"(\d+) segments were stored since", recover.told)
    system.start()
    read = driver(system.bootstrap, "consume", topic=topic)["consumed"]["bytes"]
    system.broker.stop()
    footers = command(system, "fsck")
    deep = command(system, "fsck", "--deep")
    stored = re.findall(r"objects \(([\d.]+) MB\)", deep.told)
    megabytes = float(stored[-1]) if stored else wrote / 1e6
    system.start()
    figures = {
        "records written GiB": wrote / 2**30,
        "records read after recovery GiB": read / 2**30,
        "bucket MB": megabytes,
        "segments adopted": float(segments[1]) if segments else 0.0,
    }
    for name, ran in [("recover", recover), ("fsck", footers), ("fsck --deep", deep)]:
        figures |= {
            f"{name} s": ran.seconds,
            f"{name} MB/s of bucket": megabytes / ran.seconds,
            f"{name} CPU s": ran.cpu_seconds,
            f"{name} peak RSS MiB": ran.peak_mib,
        }
    return Outcome(figures, [section.cost])


def replace_etcd(system: Alluvium) -> None:
    """An empty etcd takes the place of the one that is gone."""
    old = system.etcd.endpoint.replace("http", "etcd")
    system.etcd = Etcd(system.directory / "etcd-empty")
    new = system.etcd.endpoint.replace("http", "etcd")
    system.arguments = [new if argument == old else argument for argument in system.arguments]


def command(system: Alluvium, name: str, *more: str, fails: bool = False) -> Command:
    """Runs a command of ours on the system's stores, and reads what it took."""
    flags = stores_flags([str(argument) for argument in system.arguments])
    line = [str(built("alluvium")), name, *flags, *more]
    began = time.monotonic()
    log = system.directory / f"{name}.log"
    with open(log, "wb") as output:
        child = subprocess.Popen(line, stdout=output, stderr=output, env=os.environ | CREDENTIALS)
        _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    told = log.read_text(errors="replace")
    if (child.returncode != 0) != fails:
        raise ClientFailed(f"{name}: exit status {child.returncode}: {told[-500:]}")
    return Command(seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, told)


def stores_flags(arguments: list[str]) -> list[str]:
    """Those of a broker's flags that say where its stores are."""
    wanted: Callable[[str], bool] = lambda flag: flag in ("--data-dir", "--metadata", "--object-store", "--object-store-endpoint")
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    return [part for flag, value in pairs if wanted(flag) for part in (flag, value)]
