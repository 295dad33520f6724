"""Markdown, and text full of link markup: the words stay, the markup goes.

Blocks and inline markup are told apart by pulldown-cmark (through pyromark), which gives the exact
range of every event, so that offsets into the original need no search.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any

import numpy as np
import pyromark
import yaml

from documents.aligned import AlignedText, Edit
from documents.formats.cleaning import (
    clean,
    joint,
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
_HIDDEN = {"Image", "MetadataBlock"}
_PICTURE_TITLE = "fig:"
"""How converters mark a link that was a picture."""

_HTML = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)|</?[a-z][^<>]*>|<[!?][^<>]*>"
    r"|(?<!>)\n",  # a line break inside words; the others part them
    re.IGNORECASE | re.DOTALL,
)
_MARKUP = re.compile(
    r"\]\([^()\s]{1,500}(?: \"[^\"]{0,200}\")?\)|^#{1,6} \S|^[ \t]*```", re.MULTILINE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z]\w{1,31});")
_NEXT_WORD = re.compile(r"[^ >\t]")
_FRONT_MATTER_CHARACTERS = 20_000


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
        replace(piece, content=clean(piece.content, fold=piece.kind != "code")) for piece in pieces
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
        self.code: set[int] = set()
        self.kind: BlockKind = "paragraph"
        self.level = 0
        self.separator = "\n\n"
        self.hidden = 0
        self.links: list[tuple[int, bool]] = []
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
        if name in ("Text", "Code", "Html"):
            if name == "Code" or self.kind == "code":
                self.code.add(len(self.parts))
            self.parts.append(self._visible(start, end, value))
        elif name == "SoftBreak":
            self.parts.append(AlignedText.inserted(self._blank(start, end)))
        elif name == "HardBreak" or (name == "InlineHtml" and value.lower().startswith("<br")):
            self.parts.append(AlignedText.inserted("\n"))

    def end_block(self) -> None:
        """Close the block that is being read, if it holds anything."""
        if self.parts:
            content = AlignedText.join(self.parts)
            prose = "".join(
                "x" * len(part.text) if position in self.code else part.text
                for position, part in enumerate(self.parts)
            )
            self.pieces.append(Piece(content, self.kind, self.level, self.separator, prose))
        self.parts = []
        self.code = set()
        self.links = []
        self.kind, self.level, self.separator = "paragraph", 0, "\n\n"

    def _open(self, tag: str, detail: Any) -> None:
        if tag in _HIDDEN:
            self.hidden += 1
            self.in_front_matter = tag == "MetadataBlock"
        elif tag == "Link":
            self.links.append((len(self.parts), detail["title"].startswith(_PICTURE_TITLE)))
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
            start, is_picture = self.links.pop() if self.links else (0, False)
            if is_picture:
                del self.parts[start:]
        elif tag == "HtmlBlock":
            self.parts = [_words(AlignedText.join(self.parts))]
            self.end_block()
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
        """What a line break inside a paragraph stands for."""
        after = _NEXT_WORD.search(self.source, end)
        return joint(self.source[start - 1 : start], after.group() if after else "")


def _words(html: AlignedText) -> AlignedText:
    """What HTML shows: no tags, comments or scripts, and entities as the characters they mean."""
    found = _HTML.finditer(html.text)
    shown = html.edit([Edit(*tag.span(), " " if tag.group() == "\n" else "") for tag in found])
    entities = [
        Edit(*entity.span(), unescape(entity.group())) for entity in _ENTITY.finditer(shown.text)
    ]
    return shown.edit(entities)


def _front_matter(text: str) -> dict[str, str]:
    """The plain values of a YAML header, as they are written (`no` is Norwegian, not false); one
    that cannot be read is treated as absent.
    """
    if len(text) > _FRONT_MATTER_CHARACTERS:
        return {}
    try:
        values = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (it makes only strings)
    except (yaml.YAMLError, RecursionError):
        return {}
    if not isinstance(values, Mapping):
        return {}
    return {
        key.lower(): value
        for key, value in values.items()
        if isinstance(key, str) and isinstance(value, str) and value
    }
