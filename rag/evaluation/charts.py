"""Figures → what a page draws: coordinates, colours and labels, no markup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.evaluation.summary import flat

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 40
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

_LOW, _HIGH = (247, 249, 251), (11, 82, 110)
_LIGHT_TEXT_FROM = 0.55


@dataclass(frozen=True, slots=True)
class Cell:
    """A value from 0 to 1 and how many questions it is of, with `rgb()` colours; `value` is None
    and `background` empty where there are none.
    """

    value: float | None
    count: int
    background: str
    color: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """`cells` has a row for each of `rows` (question languages), with a cell for each of `columns`
    (document languages).
    """

    metric: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis at a place in pixels."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the reliability diagram in pixels; `confidence_x` is its mean confidence."""

    x: float
    y: float
    width: float
    height: float
    confidence_x: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Axes from 0 to 1 with a line or bars. `line` is an SVG path's data."""

    title: str
    x_label: str
    y_label: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    line: str = ""
    bars: Sequence[Bar] = ()
    diagonal: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def heat_map(by_pair: Mapping[str, Any], metric: str) -> HeatMap | None:
    """The matrix of a metric over "question>document" pairs; None where no pair has it."""
    values = {pair: flat(group)[metric] for pair, group in by_pair.items()}
    counts = {pair: group["counts"]["questions"] for pair, group in by_pair.items()}
    eligible = [pair for pair, value in values.items() if value is not None]
    if not eligible:
        return None
    rows = sorted({pair.split(">")[0] for pair in eligible})
    columns = sorted({pair.split(">")[1] for pair in eligible})
    cells = [
        [_cell(values.get(f"{r}>{c}"), counts.get(f"{r}>{c}", 0)) for c in columns] for r in rows
    ]
    return HeatMap(metric, rows, columns, cells)


def risk_coverage_plot(points: Sequence[Mapping[str, float]]) -> Plot | None:
    """Risk against coverage as a line; None without points. The risk axis ends at 1."""
    if not points:
        return None
    places = [(_x(point["coverage"]), _y(point["risk"])) for point in points]
    # At any coverage below the first point's, that point is the least that can be answered.
    places.insert(0, (_x(0), places[0][1]))
    return _plot("Risk and coverage", "share of questions answered", "share wrong", line=places)


def reliability_plot(bins: Sequence[Mapping[str, Any]]) -> Plot | None:
    """Accuracy by confidence as bars, with the diagonal that a calibrated system keeps to; None
    without questions.
    """
    bars = [_bar(entry) for entry in bins if entry["count"]]
    if not bars:
        return None
    diagonal = _path([(_x(0), _y(0)), (_x(1), _y(1))])
    return _plot("Reliability", "confidence", "share right", bars=bars, diagonal=diagonal)


def shade(value: float) -> str:
    """An `rgb()` colour from pale at 0 to deep at 1."""
    share = min(1.0, max(0.0, value))
    parts = (round(a + (b - a) * share) for a, b in zip(_LOW, _HIGH, strict=True))
    return f"rgb({', '.join(map(str, parts))})"


def _cell(value: float | None, count: int) -> Cell:
    if value is None:
        return Cell(None, count, "", "")
    return Cell(value, count, shade(value), "#fff" if value >= _LIGHT_TEXT_FROM else "#16212b")


def _plot(
    title: str,
    x_label: str,
    y_label: str,
    *,
    line: Sequence[tuple[float, float]] = (),
    bars: Sequence[Bar] = (),
    diagonal: str = "",
) -> Plot:
    return Plot(
        title,
        x_label,
        y_label,
        [Tick(_x(value), f"{value:.1f}") for value in TICKS],
        [Tick(_y(value), f"{value:.1f}") for value in TICKS],
        line=_path(line) if line else "",
        bars=bars,
        diagonal=diagonal,
    )


def _bar(entry: Mapping[str, Any]) -> Bar:
    left, right = _x(entry["lower"]) + 1, _x(entry["upper"]) - 1
    top = _y(entry["accuracy"])
    return Bar(
        x=left,
        y=top,
        width=round(right - left, 2),
        height=round(_y(0) - top, 2),
        confidence_x=_x(entry["confidence"]),
        label=(
            f"confidence {entry['lower']:.2f} to {entry['upper']:.2f}: {entry['accuracy']:.0%} of "
            f"{entry['count']} right"
        ),
    )


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g} {y:g}" for x, y in places)


def _x(value: float) -> float:
    return round(LEFT + value * (WIDTH - LEFT - RIGHT), 2)


def _y(value: float) -> float:
    return round(HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM), 2)
