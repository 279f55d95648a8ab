"""Where programs, jars and the release build are. Nothing is downloaded here: the system tests fetch tools into their cache."""

import os
import subprocess
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent


class Missing(Exception):
    """A tool that has to be fetched first."""


def cache_directory() -> Path:
    """As crates/services finds it."""
    if tools := os.environ.get("ALLUVIUM_TOOLS"):
        return Path(tools)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "alluvium-tools"


def tool(name: str) -> Path:
    """A program of the tests' cache: etcd or minio."""
    for directory in sorted(cache_directory().glob(f"{name}-*")):
        if (directory / name).exists():
            return directory / name
    raise Missing(f"no {name} in {cache_directory()}: `cargo test -p services` builds it there, once")


@cache
def kafka_class_path() -> str:
    """Apache Kafka's jars: broker, tools, clients."""
    for directory in sorted(cache_directory().glob("java-*")):
        if list(directory.glob("kafka_2.13-*.jar")):
            return f"{directory}/*"
    raise Missing(f"no Kafka jars in {cache_directory()}: `cargo test -p alluvium --test system java` fetches them, once")


def target_directory() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")


def build() -> None:
    """Builds the broker and the driver, in release."""
    command = ["cargo", "build", "--release", "--locked", "--quiet", "-p", "alluvium", "-p", "load_driver"]
    subprocess.run(command, cwd=REPOSITORY, check=True)


def built(name: str) -> Path:
    """A release build: `alluvium` or `load-driver`. BENCH_BINARIES names a directory with other builds of them."""
    directory = os.environ.get("BENCH_BINARIES") or target_directory() / "release"
    path = Path(directory) / name
    if not path.exists():
        raise Missing(f"{path} does not exist: run without --no-build")
    return path
