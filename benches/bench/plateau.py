"""Days of retention in minutes: what memory, etcd and the bucket come to under a load that goes on."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean

from .clients import driver
from .measure import Section
from .outcome import Outcome
from .plot import save_lines
from .systems import DAY_SECONDS, System
from .toolbox import target_directory

DAYS = 6
SAMPLE_SECONDS = 4


def plateau(system: System, topic: str) -> Outcome:
    """16 MiB/s on 200 partitions and 100 groups that commit, for six days of two minutes each that keep one: samples, and a plot of them.
    A little goes to a topic that keeps everything."""
    driver(system.bootstrap, "create-topic", topic=topic, partitions=200)
    kept = f"{topic}-kept"
    driver(system.bootstrap, "create-topic", topic=kept, partitions=4, config="retention.ms=-1")
    load = {"connections": 4, "in_flight": 20, "batch_bytes": 16_384, "mib_per_second": 16, "seconds": DAYS * DAY_SECONDS}
    samples, ended = [], threading.Event()
    with Section(system, settle=False) as section, ThreadPoolExecutor() as background:
        watching = background.submit(_watch, system, samples, ended)
        commits = background.submit(driver, system.bootstrap, "commit", topic=topic, groups=100, members=2, seconds=load["seconds"])
        beside = background.submit(driver, system.bootstrap, "produce", topic=kept, **load | {"connections": 1, "mib_per_second": 0.125})
        try:
            written = driver(system.bootstrap, "produce", topic=topic, **load)
            commits.result()
            beside.result()
        finally:
            ended.set()
        watching.result()
    path = target_directory() / "bench" / f"plateau-{system.name}.svg"
    save_lines(path, f"{system.name}: {DAYS} days of {DAY_SECONDS} s, one of which is kept", DAY_SECONDS, samples)
    print(f"# {path}", flush=True)
    figures = {"produced GiB": written["produced"]["bytes"] / 2**30}
    for name in samples[0][1]:
        third, last = (_mean_of_day(samples, name, day) for day in (2, DAYS - 1))
        figures |= {f"{name}, third day": third, f"{name}, sixth day": last, f"{name}, sixth to third": last / third}
    return Outcome(figures, [section.cost])


def _watch(system: System, samples: list, ended: threading.Event) -> None:
    start = time.monotonic()
    while not ended.wait(SAMPLE_SECONDS):
        objects, size = _bucket(system.minio.data)
        now = {"RSS MiB": system.broker.resident_mib(), "etcd MiB": (system.etcd_bytes() or 0) / 2**20}
        samples.append((time.monotonic() - start, now | {"objects": objects, "bucket MiB": size / 2**20}))


def _mean_of_day(samples: list, name: str, day: int) -> float:
    return mean(values[name] for at, values in samples if day <= at / DAY_SECONDS < day + 1)


def _bucket(data: Path) -> tuple[int, int]:
    """Objects in MinIO's buckets, each a directory with an `xl.meta`, and the bytes of their files."""
    objects = size = 0
    for directory, names, files in os.walk(data):
        names[:] = [name for name in names if name != ".minio.sys"]
        objects += "xl.meta" in files
        for file in files:
            try:
                size += os.stat(os.path.join(directory, file)).st_size
            except FileNotFoundError:
                continue
    return objects, size
