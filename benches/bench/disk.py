"""The disk under the systems: waits until it is quiet."""

import os
import time
from pathlib import Path

# Quiet: so many seconds in which no sync of a block took longer.
QUIET_SECONDS = 5.0
LONGEST_SYNC_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
BETWEEN_SYNCS_SECONDS = 0.01


def settle(directory: Path) -> bool:
    """Waits until `directory`'s disk syncs a block at once again, a minute at most; whether it does.

    A virtual disk that took gigabytes goes on writing them for a while, and holds syncs up meanwhile: who syncs would pay for who
    wrote before.
    """
    os.sync()
    probe = directory / "disk-probe"
    block = bytes(4096)
    started = quiet_since = time.monotonic()
    with probe.open("wb", buffering=0) as file:
        while (now := time.monotonic()) - quiet_since < QUIET_SECONDS and now - started < PATIENCE_SECONDS:
            os.pwrite(file.fileno(), block, 0)
            os.fdatasync(file.fileno())
            if time.monotonic() - now > LONGEST_SYNC_SECONDS:
                quiet_since = time.monotonic()
            time.sleep(BETWEEN_SYNCS_SECONDS)
    probe.unlink()
    return time.monotonic() - quiet_since >= QUIET_SECONDS


def forget_cached_pages() -> None:
    """What lies in the page cache is read from the disk the next time. For root alone."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")
