"""What `quoth evaluate` shows to people."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from rag.evaluation.charts import heat_map
from rag.evaluation.summary import SHORT, flat

if TYPE_CHECKING:
    from rag.evaluation.systems import Progress as Report

_MATRIX = ("answer.correct", "retrieval.recall@1")


@contextmanager
def progress_bar() -> Iterator["Report"]:
    """A bar a stage on standard error, where that is a terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
        disable=not sys.stderr.isatty(),
    )
    tasks: dict[str, Any] = {}

    def report(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total)
        bar.update(tasks[stage], completed=done)

    with bar:
        yield report


def print_result(result: Mapping[str, Any]) -> None:
    """The figures with their intervals, then by language, then the pair matrix."""
    counts = result["counts"]
    setting = f" ({result['dataset']['setting']})" if result["dataset"]["setting"] else ""
    click.echo(
        f"{result['dataset']['name']}{setting}: {counts['questions']} questions, "
        f"{counts['unanswerable']} of them without an answer, over "
        f"{result['dataset']['documents']} documents"
    )
    if counts["missing"]:
        click.echo(f"{counts['missing']} questions have no prediction and count as no answer")
    click.echo()
    _print_figures(result)
    for key, title in (
        ("by_language", "By language of the question"),
        ("by_document_language", "By language of the document"),
    ):
        if len(result[key]) > 1:
            click.echo(f"\n{title}")
            _print_groups(result[key])
    _print_matrix(result)
    _print_timings(result)


def _print_figures(result: Mapping[str, Any]) -> None:
    table = _table("", "value", "95 % interval", "questions")
    intervals = {
        name: result["intervals"].get(kind, {}).get(metric)
        for name in flat(result)
        for kind, _dot, metric in [name.partition(".")]
    }
    for name, value in flat(result).items():
        if value is None:
            continue
        bounds = intervals[name]
        shown = (f"{bounds['low']:.3f} – {bounds['high']:.3f}", str(bounds["count"]))
        table.add_row(name, f"{value:.3f}", *(shown if bounds else ("", "")))
    _print(table)


def _print_groups(groups: Mapping[str, Any]) -> None:
    figures = {name: flat(group) for name, group in groups.items()}
    metrics = [m for m in SHORT if any(f[m] is not None for f in figures.values())]
    table = _table("", "questions", *(SHORT[metric] for metric in metrics))
    for name, group in groups.items():
        cells = [_number(figures[name][metric]) for metric in metrics]
        table.add_row(Text(name), str(group["counts"]["questions"]), *cells)
    _print(table)


def _print_matrix(result: Mapping[str, Any]) -> None:
    found = (heat_map(result["by_pair"], metric) for metric in _MATRIX)
    shown = next((matrix for matrix in found if matrix), None)
    if shown is None or len(shown.rows) < 2 or len(shown.columns) < 2:
        return
    click.echo(f"\n{shown.metric}: question language down, document language across")
    table = _table("", *shown.columns)
    for row, cells in zip(shown.rows, shown.cells, strict=True):
        table.add_row(Text(row), *(_number(cell.value, 2) for cell in cells))
    _print(table)


def _print_timings(result: Mapping[str, Any]) -> None:
    latency, rate = result["latency_ms"], result["throughput"]
    parts = []
    if latency["count"]:
        parts.append(
            f"one question alone: p50 {latency['p50']:.0f} ms, p95 {latency['p95']:.0f} ms "
            f"({latency['count']} asked)"
        )
    if rate["questions_per_second"]:
        parts.append(f"in batches: {rate['questions_per_second']:.1f} questions a second")
    if parts:
        click.echo("\n" + "; ".join(parts))


def print_comparison(comparison: Mapping[str, Any], names: Sequence[str]) -> None:
    """What differs between two runs, and what of it is more than noise."""
    click.echo(f"A  {names[0]}\nB  {names[1]}")
    click.echo(f"{comparison['questions']} questions in both\n")
    for note in comparison["notes"]:
        click.echo(f"Note: {note}")
    for name, (before, after) in comparison["changed"].items():
        click.echo(f"{name}: {before} → {after}")
    click.echo()
    table = _table("", "A", "B", "B − A", "95 % interval", "p", "")
    for name, row in comparison["metrics"].items():
        _add_difference(table, name, row)
    _print(table)
    for key in ("by_language", "by_document_language"):
        noticed = [
            (f"{language}: {name}", row)
            for language, metrics in comparison[key].items()
            for name, row in metrics.items()
            if row["verdict"] != "noise"
        ]
        if noticed:
            click.echo(f"\n{key.replace('_', ' ')}, where it is more than noise")
            table = _table("", "A", "B", "B − A", "95 % interval", "p", "")
            for name, row in noticed:
                _add_difference(table, name, row)
            _print(table)


def _add_difference(table: Table, name: str, row: Mapping[str, Any]) -> None:
    p_value = "" if row["p_value"] is None else f"{row['p_value']:.4f}"
    bounds = f"{row['low']:+.3f} … {row['high']:+.3f}"
    cells = (_number(row["a"]), _number(row["b"]), f"{row['difference']:+.3f}", bounds, p_value)
    table.add_row(Text(name), *cells, row["verdict"])


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _print(table: Table) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=400)
    console.print(table)
