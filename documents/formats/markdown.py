"""Markdown, and text full of link markup: the words stay, the markup goes.

Blocks and inline markup are told apart by pulldown-cmark (through pyromark), which gives the exact
range of every event, so that offsets into the original need no search.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyromark
import yaml

from documents.aligned import AlignedText, Edit
from documents.formats.cleaning import (
    clean,
    without_footnote_marks,
    without_leftover_brackets,
    without_repeats,
)
from documents.formats.parsed import Parsed, Piece, assemble
from documents.types import BlockKind

_OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
    | pyromark.Options.ENABLE_WIKILINKS
    | pyromark.Options.ENABLE_YAML_STYLE_METADATA_BLOCKS
)
_INLINE = {"Emphasis", "Strong", "Strikethrough", "Link", "Superscript", "Subscript"}
_HIDDEN = {"Image", "MetadataBlock", "HtmlBlock"}
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|svg|webp|tiff?|bmp|ogg|ogv|webm|pdf)\Z", re.IGNORECASE)
_UNSPACED = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u30ff]")
_MARKUP = re.compile(r"\]\([^)\s]+(?: \"[^\"]*\")?\)|^#{1,6} \S|^\s*```", re.MULTILINE)


def looks_like_markdown(source: str) -> bool:
    """Whether a text that calls itself plain is full of Markdown's links, headings or fences."""
    return len(_MARKUP.findall(source[:100_000])) >= 2


def parse(source: str) -> Parsed:
    """Read Markdown (CommonMark, tables, footnotes, wiki links, YAML front matter)."""
    reader = _Reader(source)
    for event, place in pyromark.events_with_range(source, options=_OPTIONS):
        reader.take(event, place["start"], place["end"])
    reader.end_block()
    pieces = [without_leftover_brackets(piece) for piece in without_footnote_marks(reader.pieces)]
    pieces = [
        Piece(clean(p.content, fold=p.kind != "code"), p.kind, p.level, p.separator) for p in pieces
    ]
    text, blocks = assemble(without_repeats(pieces))
    front = _front_matter(reader.front_matter)
    main = next((b for b in blocks if b.kind == "heading" and b.level == 1), None)
    return Parsed(
        text.text,
        text.alignment(),
        blocks,
        title=front.pop("title", "") or (main.span.of(text.text) if main else ""),
        language=front.pop("lang", "") or front.pop("language", ""),
        metadata=front,
    )


class _Reader:
    """Gathers the visible characters of the block that is being read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.whole = AlignedText.whole(source)
        starts = (np.frombuffer(source.encode("utf-8"), np.uint8) & 0xC0) != 0x80
        self.characters = np.concatenate(([0], np.cumsum(starts)))
        self.pieces: list[Piece] = []
        self.parts: list[AlignedText] = []
        self.kind: BlockKind = "paragraph"
        self.level = 0
        self.separator = "\n\n"
        self.hidden = 0
        self.links: list[int] = []
        self.front_matter = ""
        self.in_front_matter = False

    def take(self, event: Any, start_byte: int, end_byte: int) -> None:
        """Follow one event of the parser."""
        name, value = next(iter(event.items())) if isinstance(event, dict) else (event, "")
        if name in ("Start", "End"):
            tag, detail = next(iter(value.items())) if isinstance(value, dict) else (value, None)
            (self._open if name == "Start" else self._close)(tag, detail)
            return
        if self.hidden:
            self.front_matter += value if name == "Text" and self.in_front_matter else ""
            return
        start, end = int(self.characters[start_byte]), int(self.characters[end_byte])
        if name in ("Text", "Code"):
            self.parts.append(self._visible(start, end, value))
        elif name == "SoftBreak":
            wrap = Edit(0, end - start, self._blank(start, end))
            self.parts.append(self.whole.slice(start, end).edit([wrap]))
        elif name == "HardBreak" or (name == "InlineHtml" and value.lower().startswith("<br")):
            self.parts.append(AlignedText.inserted("\n"))

    def end_block(self) -> None:
        """Close the block that is being read, if it holds anything."""
        if self.parts:
            content = AlignedText.join(self.parts)
            self.pieces.append(Piece(content, self.kind, self.level, self.separator))
        self.parts = []
        self.links = []
        self.kind, self.level, self.separator = "paragraph", 0, "\n\n"

    def _open(self, tag: str, detail: Any) -> None:
        if tag in _HIDDEN:
            self.hidden += 1
            self.in_front_matter = tag == "MetadataBlock"
        elif tag == "Link":
            self.links.append(len(self.parts))
        elif tag == "TableCell":
            if self.parts:
                self.parts.append(AlignedText.inserted(" | "))
        elif tag not in _INLINE:
            # Text right after a list item's opening belongs to it: only its mark was taken.
            self.end_block()
            if tag == "Heading":
                self.kind, self.level = "heading", int(detail["level"][1:])
            elif tag == "CodeBlock":
                self.kind = "code"
            elif tag in ("Item", "TableRow"):
                self.separator = "\n"

    def _close(self, tag: str, _detail: Any) -> None:
        if tag in _HIDDEN:
            self.hidden -= 1
        elif tag == "Link":
            start = self.links.pop() if self.links else len(self.parts)
            shown = "".join(part.text for part in self.parts[start:])
            if _PICTURE.search(shown.strip()):
                del self.parts[start:]
        elif tag != "TableCell" and tag not in _INLINE:
            self.end_block()

    def _visible(self, start: int, end: int, value: str) -> AlignedText:
        """The characters an event shows: its range of the source, or, for an escape or an entity,
        what stands for it.
        """
        shown = self.source[start:end]
        if shown == value:
            return self.whole.slice(start, end)
        inside = shown.find(value)
        if inside >= 0 and value:
            return self.whole.slice(start + inside, start + inside + len(value))
        return AlignedText.inserted(value)

    def _blank(self, start: int, end: int) -> str:
        """What a line break inside a paragraph stands for: nothing in scripts without spaces."""
        before, after = self.source[:start][-1:], self.source[end:].lstrip(" >\t")[:1]
        return "" if _UNSPACED.match(before) and _UNSPACED.match(after) else " "


def _front_matter(text: str) -> dict[str, str]:
    """The plain values of a YAML header; one that cannot be read is treated as absent."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    if not isinstance(values, Mapping):
        return {}
    return {
        str(key).lower(): str(value)
        for key, value in values.items()
        if isinstance(value, str | int | float | bool) or hasattr(value, "isoformat")
    }
