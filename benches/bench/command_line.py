"""`benches/run run|compare|table`: which scenarios on which systems, how many rounds."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from . import disk, machine, results, toolbox
from .clients import ClientFailed
from .measure import load_average
from .process import NotReady
from .results import BUSY_CORES, Run
from .scenarios import SCENARIOS, warm_up
from .systems import SYSTEMS, Alluvium, Running, System


def main() -> int:
    arguments = parse()
    # Stops what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return arguments.command(arguments)
    except (toolbox.Missing, ClientFailed, NotReady) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="scenarios once, or on a broker that runs already")
    compare = commands.add_parser("compare", help="scenarios in rounds, with medians, spreads and ratios to Kafka")
    for command in (run, compare):
        command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; default: all but those of hours")
        command.add_argument("--systems", help=f"comma-separated, of {', '.join(SYSTEMS)}; default: each scenario's own")
        command.add_argument("--no-build", action="store_true", help="take the release build as it is")
        command.add_argument("--no-warm-up", action="store_true", help="measure from the first request on")
        command.add_argument("--anyway", action="store_true", help="measure although others use the CPUs; the results say so")
        command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of every Alluvium; may be given again")
        command.add_argument("--output", type=Path, help="append a line of JSON for each run to this file")
        command.set_defaults(command=benchmark, bootstrap=None)
    run.set_defaults(rounds=1)
    compare.add_argument("--rounds", type=int, default=5)
    run.add_argument("--bootstrap", help="a broker that runs already, host:port; with --pid")
    run.add_argument("--pid", type=int, help="its process, for CPU and memory")
    run.add_argument("--http", help="its HTTP address, host:port, for object requests")
    table = commands.add_parser("table", help="the tables of earlier runs")
    table.add_argument("file", type=Path)
    table.set_defaults(command=print_tables)
    return parser.parse_args()


def benchmark(arguments: argparse.Namespace) -> int:
    for name in arguments.scenarios:
        if name not in SCENARIOS:
            raise toolbox.Missing(f"no scenario {name}: there are {', '.join(SCENARIOS)}")
    Alluvium.extra_settings = tuple(arguments.set)
    if not arguments.no_build:
        toolbox.build()
    foreign = machine.foreign_cores()
    if foreign > BUSY_CORES and not arguments.anyway:
        print(f"bench: others keep {foreign:.2f} cores busy; stop them, or say --anyway", file=sys.stderr)
        return 1
    output = arguments.output or toolbox.target_directory() / "bench" / time.strftime("%Y%m%d-%H%M%S.jsonl")
    runs, failed = [], 0
    for run in rounds(arguments):
        if run is None:
            failed += 1
            continue
        runs.append(run)
        results.append(output, run)
        print(f"# round {run.round} {run.scenario} {run.system}: {run.figures}", file=sys.stderr)
    print(f"{machine.describe()}; {time.strftime('%Y-%m-%d')}; load average {load_average():.1f}\n")
    print(results.tables(runs))
    print(f"# every run: {output}", file=sys.stderr)
    return 1 if failed else 0


def rounds(arguments: argparse.Namespace) -> Iterator[Run | None]:
    """Systems in turn, in the other order each second round, so that none is always the one behind. None is a run that failed."""
    wanted = arguments.scenarios or [name for name, scenario in SCENARIOS.items() if not scenario.hours]
    if arguments.bootstrap:
        yield from on_running(arguments, wanted)
        return
    for number in range(1, arguments.rounds + 1):
        systems = choose_systems(arguments, wanted)
        for name in systems if number % 2 else reversed(systems):
            yield from on_system(arguments, wanted, name, number)


def choose_systems(arguments: argparse.Namespace, wanted: list[str]) -> list[str]:
    if arguments.systems:
        return arguments.systems.split(",")
    return [name for name in SYSTEMS if any(name in SCENARIOS[scenario].systems for scenario in wanted)]


def on_system(arguments: argparse.Namespace, wanted: list[str], name: str, number: int) -> Iterator[Run | None]:
    """The scenarios that want this system: first one after the other on one broker, then those that want one of their own."""
    mine = [scenario for scenario in wanted if arguments.systems or name in SCENARIOS[scenario].systems]
    shared = [scenario for scenario in mine if not SCENARIOS[scenario].fresh]
    for group in [shared, *([scenario] for scenario in mine if SCENARIOS[scenario].fresh)]:
        if group:
            with Started(name) as system:
                if group is shared and not arguments.no_warm_up:
                    warm_up(system)
                for scenario in group:
                    yield measured(scenario, system, number)


def on_running(arguments: argparse.Namespace, wanted: list[str]) -> Iterator[Run | None]:
    if not arguments.pid:
        raise toolbox.Missing("--bootstrap needs --pid, the broker's process")
    system = Running(arguments.bootstrap, arguments.pid, arguments.http)
    if not arguments.no_warm_up:
        warm_up(system)
    for scenario in wanted:
        yield measured(scenario, system, 1)


def measured(scenario: str, system: System, number: int) -> Run | None:
    """One run; one that fails is told and leaves the others to go on."""
    if SCENARIOS[scenario].quiet_disk and not disk.settle(work_directory()):
        print(f"# round {number} {scenario} {system.name}: the disk did not become quiet", file=sys.stderr)
    topic = f"{scenario}-{number}-{time.time_ns()}"
    load = load_average()
    try:
        return Run.of(scenario, system.name, number, SCENARIOS[scenario].run(system, topic), load)
    except (ClientFailed, NotReady) as error:
        print(f"# round {number} {scenario} {system.name} failed: {error}", file=sys.stderr)
        return None


def work_directory() -> Path:
    """Where systems keep their data: below the target directory, which is on a disk."""
    work = toolbox.target_directory() / "bench"
    work.mkdir(parents=True, exist_ok=True)
    return work


# All scenarios on one broker write nine.
NEEDED_BYTES = 12 * 2**30


class Started:
    """A system on fresh data in the work directory; stopped and removed at the end."""

    def __init__(self, name: str):
        if name not in SYSTEMS:
            raise toolbox.Missing(f"no system {name}: there are {', '.join(SYSTEMS)}")
        work = work_directory()
        if (free := shutil.disk_usage(work).free) < NEEDED_BYTES:
            # A full disk looks like a broker's fault: Kafka resets connections then.
            print(f"bench: {free / 2**30:.0f} GiB free in {work} may not be enough", file=sys.stderr)
        self.name, self.directory = name, Path(tempfile.mkdtemp(prefix=f"{name}-", dir=work))

    def __enter__(self) -> System:
        self.system = SYSTEMS[self.name](self.directory)
        return self.system

    def __exit__(self, *_exception) -> None:
        self.system.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def print_tables(arguments: argparse.Namespace) -> int:
    print(results.tables(results.read(arguments.file)))
    return 0
