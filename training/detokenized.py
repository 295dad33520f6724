"""Text as it is written, of text whose marks stand apart from its words (as QED's do)."""

import re

_SPACED = re.compile(
    r"(?P<opening>``\s?)"
    r"|(?P<closing>\s?'')"
    r"|(?P<stop>\s+(?=[,.;:!?%)\]](?:\s|$|[,.;:!?)'\"\]])))"
    r"|(?P<short>\s+(?=(?:'s|'S|n't|'re|'ve|'ll|'d|'m|')(?:\s|$)))"
    r"|(?P<after>(?<=[(\[$£€])\s+)"
    r"|(?P<joined>(?<=\w)\s+[-/]\s+(?=\w))"
    r"|(?P<range>(?<=\d)\s+(?:--|–)\s+(?=\d))"
    r"|(?P<dash>--)"
)
_WRITTEN = {"opening": '"', "closing": '"', "dash": "–", "range": "–"}


def detokenized(text: str) -> tuple[str, list[int]]:
    """The text with its marks where they belong, and where in it each place of the old text is:
    shape (characters + 1,), places between characters.
    """
    parts: list[str] = []
    places: list[int] = []
    length = position = 0
    for match in _SPACED.finditer(text):
        kept = text[position : match.start()]
        kind = match.lastgroup or ""
        written = match.group().strip() if kind == "joined" else _WRITTEN.get(kind, "")
        places += range(length, length + len(kept))
        length += len(kept)
        places += [length] * (match.end() - match.start())
        length += len(written)
        parts += [kept, written]
        position = match.end()
    places += range(length, length + len(text) - position + 1)
    return "".join([*parts, text[position:]]), places
