"""What a scenario answers."""

from dataclasses import dataclass

from .measure import Cost


@dataclass(frozen=True)
class Outcome:
    """What a scenario found, and the sections it was measured in."""

    figures: dict[str, float]
    sections: list[Cost]


def percentiles(name: str, found: dict) -> dict[str, float]:
    return {f"{name} p50 ms": found["p50"], f"{name} p99 ms": found["p99"], f"{name} p99.9 ms": found["p99_9"]}
