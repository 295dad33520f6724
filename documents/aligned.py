"""Text that remembers where in its original each character stood."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from documents.types import Alignment, Run


class Edit(NamedTuple):
    """Put `replacement` (often nothing) in the place of `text[start:end]`."""

    start: int
    end: int
    replacement: str = ""


@dataclass(frozen=True, slots=True)
class AlignedText:
    """A text and the runs of it that stand in the original. Edits give a new one."""

    text: str
    runs: tuple[Run, ...]

    @classmethod
    def whole(cls, source: str) -> "AlignedText":
        """The original itself, every character kept."""
        return cls(source, (Run(0, 0, len(source)),) if source else ())

    @classmethod
    def inserted(cls, text: str) -> "AlignedText":
        """Characters that stand nowhere in the original."""
        return cls(text, ())

    @classmethod
    def join(cls, parts: Iterable["AlignedText"]) -> "AlignedText":
        """The parts one after another; they must ascend in the original."""
        texts: list[str] = []
        runs: list[Run] = []
        length = 0
        for part in parts:
            texts.append(part.text)
            for run in part.runs:
                _append(runs, Run(run.text_start + length, run.source_start, run.length))
            length += len(part.text)
        return cls("".join(texts), tuple(runs))

    def slice(self, start: int, end: int) -> "AlignedText":
        """`text[start:end]` with its runs."""
        runs = []
        first = max(0, bisect_right(self.runs, start, key=lambda run: run.text_start) - 1)
        for position in range(first, len(self.runs)):
            run = self.runs[position]
            if run.text_start >= end:
                break
            low = max(run.text_start, start)
            high = min(run.text_start + run.length, end)
            if low < high:
                runs.append(Run(low - start, run.source_start + low - run.text_start, high - low))
        return AlignedText(self.text[start:end], tuple(runs))

    def edit(self, edits: Sequence[Edit]) -> "AlignedText":
        """A text with `edits` applied, which must ascend and not overlap."""
        if not edits:
            return self
        texts: list[str] = []
        runs: list[Run] = []
        cursor = 0
        length = 0
        position = 0
        for start, end, replacement in [*edits, Edit(len(self.text), len(self.text))]:
            texts += (self.text[cursor:start], replacement)
            while position < len(self.runs):
                run = self.runs[position]
                low = max(run.text_start, cursor)
                high = min(run.text_start + run.length, start)
                if low < high:
                    offset = low - run.text_start
                    moved = Run(length + low - cursor, run.source_start + offset, high - low)
                    _append(runs, moved)
                if run.text_start + run.length > start:
                    break
                position += 1
            length += start - cursor + len(replacement)
            cursor = end
            while (
                position < len(self.runs)
                and self.runs[position].text_start + self.runs[position].length <= cursor
            ):
                position += 1
        return AlignedText("".join(texts), tuple(runs))

    def alignment(self) -> Alignment:
        """The runs as a record of their own."""
        return Alignment(self.runs)


def _append(runs: list[Run], run: Run) -> None:
    """Add a run, joined to the last where it goes on in both texts."""
    if runs:
        last = runs[-1]
        in_text = last.text_start + last.length == run.text_start
        if in_text and last.source_start + last.length == run.source_start:
            runs[-1] = Run(last.text_start, last.source_start, last.length + run.length)
            return
    runs.append(run)
