"""Small line and scatter plots as SVG: a few kilobytes each, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = {"jpeg": "#8a8f98", "webp": "#1f9d6b", "heif": "#d9822b", "avif": "#2f6fdb", "jxl": "#b0439f"}
DASHES = {
    "balanced, best": "2 3", "best": "2 3", "best, over 1 Mpx": "2 3", "best, up to 1 Mpx": "9 3 2 3",
}  # fmt: skip
_WIDTH, _HEIGHT = 780, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 200, 34, 52
_BESIDE_PX = 14
"""Names nearer to each other than this, from top to top, would be unreadable."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One direction of a plot: what it shows, from where to where, and which values are written."""

    title: str
    ticks: Sequence[float]
    logarithmic: bool = False

    def scaled(self, value: float) -> float:
        """0 at the first tick, 1 at the last."""
        low, high, at = (
            math.log(each) if self.logarithmic else each for each in (self.ticks[0], self.ticks[-1], value)
        )
        return (at - low) / (high - low)


def lines(title: str, x: Axis, y: Axis, series: Mapping[tuple[str, str], Sequence[Point]]) -> str:
    """A line for each (format, setting), with its name beside it."""
    place = _placer(x, y)
    drawn = []
    for number, ((format_, setting), points) in enumerate(series.items()):
        colour, dash = COLOURS[format_], DASHES.get(setting, "")
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in map(place, points))
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        drawn += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{colour}"/>' for a, b in map(place, points)]
        top = _TOP + 8 + number * 18
        left = _WIDTH - _RIGHT + 12
        drawn.append(
            f'<line x1="{left}" y1="{top}" x2="{left + 26}" y2="{top}" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/>'
        )
        drawn.append(_text(left + 32, top + 4, f"{format_} {setting}"))
    return _sheet(title, x, y, drawn)


def dots(title: str, x: Axis, y: Axis, series: Mapping[tuple[str, str], Point]) -> str:
    """A dot for each (format, setting), named; the dots of a format are joined."""
    place = _placer(x, y)
    drawn = []
    for name in dict.fromkeys(format_ for format_, _ in series):
        own = [place(point) for (format_, _), point in series.items() if format_ == name]
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in own)
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="1.2" opacity="0.5"/>'
        )
    named: list[Point] = []
    for (format_, setting), point in series.items():
        left, top = place(point)
        drawn.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4.5" fill="{COLOURS[format_]}"/>')
        crowded = any(abs(left - x) < 110 and abs(top - y) < _BESIDE_PX for x, y in named)
        drawn.append(_text(left + 8, top + _BESIDE_PX if crowded else top - 5, f"{format_} {setting}"))
        named.append((left, top))
    return _sheet(title, x, y, drawn)


def _placer(x: Axis, y: Axis) -> Callable[[Point], Point]:
    def place(point: Point) -> Point:
        across, up = x.scaled(point[0]), y.scaled(point[1])
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    return place


def _sheet(title: str, x: Axis, y: Axis, drawn: Sequence[str]) -> str:
    place = _placer(x, y)
    grid = []
    for tick in x.ticks:
        left, bottom = place((tick, y.ticks[0]))
        grid.append(f'<line x1="{left:.1f}" y1="{_TOP}" x2="{left:.1f}" y2="{bottom:.1f}" stroke="#8884"/>')
        grid.append(_text(left, bottom + 17, f"{tick:g}", anchor="middle"))
    for tick in y.ticks:
        left, top = place((x.ticks[0], tick))
        grid.append(f'<line x1="{left:.1f}" y1="{top:.1f}" x2="{_WIDTH - _RIGHT}" y2="{top:.1f}" stroke="#8884"/>')
        grid.append(_text(left - 7, top + 4, f"{tick:g}", anchor="end"))
    grid.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, x.title, anchor="middle"))
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    grid.append(f'<g transform="rotate(-90 16 {middle:.0f})">{_text(16, middle, y.title, anchor="middle")}</g>')
    grid.append(_text(_LEFT, 20, title, weight="bold"))
    body = "\n".join((*grid, *drawn))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _text(left: float, top: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="#222">{escape(text)}</text>'
