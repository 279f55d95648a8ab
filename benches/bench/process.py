"""A child process: started with its output in a file, measured through /proc, stopped by its pid."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .machine import TICKS_PER_SECOND


class NotReady(Exception):
    """A server that did not come up."""


class Process:
    """A server of ours, or (without a command) one that somebody else started."""

    def __init__(self, pid: int, child: subprocess.Popen | None = None, log: Path | None = None):
        self.pid, self.child, self.log = pid, child, log

    @staticmethod
    def start(command: list, log: Path, environment: dict | None = None) -> "Process":
        with open(log, "ab") as output:
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_clean_environment() | (environment or {}),
            )
        return Process(child.pid, child, log)

    def stop(self) -> None:
        """SIGTERM, and after half a minute SIGKILL."""
        if self.child is None or self.child.poll() is not None:
            return
        self.child.terminate()
        try:
            self.child.wait(30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def kill(self) -> None:
        """SIGKILL, for a process of ours."""
        self.child.kill()
        self.child.wait()

    def wait_until(self, ready, patience_seconds: float = 120) -> None:
        """Polls `ready` until it holds, as long as the process lives."""
        end = time.monotonic() + patience_seconds
        while not ready():
            if self.child and self.child.poll() is not None or time.monotonic() > end:
                tail = self.log.read_text(errors="replace")[-2000:] if self.log else ""
                raise NotReady(f"{self.log}: not ready\n{tail}")
            time.sleep(0.01)

    def cpu_seconds(self) -> float:
        """User and system time, with that of children that ended."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / TICKS_PER_SECOND

    def resident_mib(self) -> float:
        return self._status_mib("VmRSS")

    def peak_resident_mib(self) -> float:
        return self._status_mib("VmHWM")

    def _status_mib(self, name: str) -> float:
        with open(f"/proc/{self.pid}/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        return int(lines[name].split()[0]) / 1024


def _clean_environment() -> dict[str, str]:
    """Without variables that would set a broker's configs: what is measured are shipped defaults."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ALLUVIUM_")}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def http_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
