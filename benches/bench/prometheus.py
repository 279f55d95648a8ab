"""Prometheus' text format, as far as brokers and MinIO use it."""

import re
import urllib.request

_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def samples(url: str) -> list[tuple[str, dict, float]]:
    """Every sample behind `url`: name, labels, value."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    found = []
    for line in text.splitlines():
        if match := _LINE.match(line):
            name, labels, value = match.groups()
            found.append((name, dict(_LABEL.findall(labels or "")), float(value)))
    return found
