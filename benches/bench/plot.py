"""Lines over time as SVG, each in the scale of its own maximum."""

from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, STEP = 640, 220, 16, 28, 18
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"]


def save_lines(path: Path, title: str, tick_seconds: float, samples: list[tuple[float, dict[str, float]]]) -> None:
    """Draws `samples`: seconds, and values by name. A tick on the axis is `tick_seconds`."""
    end = samples[-1][0]
    x = lambda seconds: LEFT + seconds / end * WIDTH
    names = list(samples[0][1])
    height = TOP + HEIGHT + STEP * (len(names) + 1)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 2 * LEFT} {height}" font-family="sans-serif" font-size="12">']
    parts += ['<rect width="100%" height="100%" fill="white"/>', f'<text x="{LEFT}" y="18">{title}</text>']
    for tick in range(int(end / tick_seconds) + 1):
        at = x(tick * tick_seconds)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{TOP + HEIGHT}" stroke="#ddd"/>')
    for number, (name, colour) in enumerate(zip(names, COLOURS)):
        largest = max(values[name] for _, values in samples) or 1.0
        points = " ".join(f"{x(at):.1f},{TOP + HEIGHT * (1 - values[name] / largest):.1f}" for at, values in samples)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        label = TOP + HEIGHT + STEP * (number + 1)
        parts.append(f'<text x="{LEFT}" y="{label}" fill="{colour}">{name}: from 0 to {largest:,.0f}, {samples[-1][1][name]:,.0f} at the end</text>')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>\n"]))
