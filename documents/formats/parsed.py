"""What a format's parser gives: the canonical text of a document and its blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from documents.aligned import AlignedText
from documents.types import Alignment, Block, BlockKind, Span


@dataclass(frozen=True, slots=True)
class Parsed:
    """A canonical text with the alignment to its source. `title` is empty where the format or the
    text names none; `language` likewise.
    """

    text: str
    alignment: Alignment
    blocks: tuple[Block, ...]
    title: str = ""
    language: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """A block before it has its place: its own text, and the blank that sets it off from the
    block before. `prose` is as long as the text and has other characters in the place of code,
    which cleaning must not touch; where it is empty there is no code.
    """

    content: AlignedText
    kind: BlockKind = "paragraph"
    level: int = 0
    separator: str = "\n\n"
    prose: str = ""


def assemble(pieces: Sequence[Piece]) -> tuple[AlignedText, tuple[Block, ...]]:
    """The pieces as one text, those without visible characters left out."""
    parts: list[AlignedText] = []
    blocks: list[Block] = []
    length = 0
    for piece in pieces:
        if not piece.content.text.strip():
            continue
        if parts:
            parts.append(AlignedText.inserted(piece.separator))
            length += len(piece.separator)
        parts.append(piece.content)
        end = length + len(piece.content.text)
        blocks.append(Block(Span(length, end), piece.kind, piece.level))
        length = end
    return AlignedText.join(parts), tuple(blocks)
