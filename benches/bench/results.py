"""Results of several rounds: a line of JSON for each run as it comes, and at the end a table with medians, spreads and ratios."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .outcome import Outcome
from .systems import SYSTEMS

# More than this of a core used by others, or taken by the hypervisor, and a run says so.
BUSY_CORES = 0.15


@dataclass(frozen=True)
class Run:
    """One scenario on one system in one round."""

    scenario: str
    system: str
    round: int
    figures: dict[str, float]
    foreign_cores: float
    steal_cores: float
    load_average: float

    @staticmethod
    def of(scenario: str, system: str, number: int, outcome: Outcome, load_average: float) -> "Run":
        worst = lambda values: max(values, default=0.0)
        return Run(
            scenario,
            system,
            number,
            outcome.figures,
            worst(section.foreign_cores for section in outcome.sections),
            worst(section.steal_cores for section in outcome.sections),
            load_average,
        )

    @property
    def busy(self) -> bool:
        return max(self.foreign_cores, self.steal_cores) > BUSY_CORES


def append(path: Path, run: Run) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        file.write(json.dumps(run.__dict__) + "\n")


def read(path: Path) -> list[Run]:
    return [Run(**json.loads(line)) for line in path.read_text().splitlines()]


def tables(runs: Iterable[Run]) -> str:
    """One Markdown table for each scenario."""
    scenarios = defaultdict(list)
    for run in runs:
        scenarios[run.scenario].append(run)
    return "\n".join(_table(name, found) for name, found in scenarios.items())


def _table(scenario: str, runs: list[Run]) -> str:
    present = {run.system for run in runs}
    systems = [*(name for name in SYSTEMS if name in present), *sorted(present - SYSTEMS.keys())]
    by_system = {system: [run for run in runs if run.system == system] for system in systems}
    names = list(dict.fromkeys(name for run in runs for name in run.figures))
    columns = lambda system: [system, "× Kafka"] if "kafka" in present - {system} else [system]
    header = ["", *(column for system in systems for column in columns(system))]
    lines = [f"### {scenario}", "", _row(header), _row(["---"] + ["---:"] * (len(header) - 1))]
    for name in names:
        reference = _values(by_system.get("kafka", []), name)
        cells = [name]
        for system in systems:
            values = _values(by_system[system], name)
            cells.append(_spread(values))
            if "kafka" in present - {system}:
                cells.append(_ratio(values, reference))
        lines.append(_row(cells))
    return "\n".join([*lines, "", _note(runs), ""])


def _values(runs: list[Run], name: str) -> list[float]:
    return [run.figures[name] for run in runs if name in run.figures]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _spread(values: list[float]) -> str:
    if not values:
        return ""
    middle = _number(median(values))
    return middle if len(values) == 1 else f"{middle} ({_number(min(values))} to {_number(max(values))})"


def _ratio(values: list[float], reference: list[float]) -> str:
    if not values or not reference or median(reference) == 0:
        return ""
    return f"{median(values) / median(reference):.2f}"


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _note(runs: list[Run]) -> str:
    rounds = len({run.round for run in runs})
    foreign, steal = max(run.foreign_cores for run in runs), max(run.steal_cores for run in runs)
    label = "**Busy machine**: " if any(run.busy for run in runs) else ""
    plural = "round" if rounds == 1 else "rounds"
    return f"{label}{rounds} {plural}; others used up to {foreign:.2f} cores, steal up to {steal:.2f}."
