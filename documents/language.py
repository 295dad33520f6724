"""Text → BCP 47 tag with a confidence."""

import re
import unicodedata
from functools import cache
from typing import NamedTuple, cast

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNDETERMINED = "und"
SAMPLE_CHARACTERS = 4000
"""Enough of a long text to tell its language; more only costs time."""

_TAGS = {"no": "nb"}


_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")


class DetectedLanguage(NamedTuple):
    """A BCP 47 tag ("und" where there are no letters) and a probability, 0 to 1."""

    tag: str
    confidence: float


def declared_tag(name: str) -> str:
    """The BCP 47 tag that somebody wrote (`EN`, `el_GR`); empty where it is none (`English`)."""
    tag = name.strip()
    if not _TAG.fullmatch(tag) or tag.lower() == UNDETERMINED:
        return ""
    primary, *rest = re.split("[-_]", tag)
    return "-".join((primary.lower(), *rest))


def detect(text: str) -> DetectedLanguage:
    """The language most of `text` is in, among the 97 that py3langid tells apart.

    Chinese is "zh" in either script. The identifier's probability is that of its model (naive
    Bayes over byte n-grams): near certain for a paragraph, worth less for a few words.
    """
    sample = text if len(text) <= SAMPLE_CHARACTERS else _sample(text)
    if not any(unicodedata.category(character).startswith("L") for character in sample):
        return DetectedLanguage(UNDETERMINED, 0.0)
    tag, probability = cast(tuple[str, float], _identifier().classify(sample))
    return DetectedLanguage(_TAGS.get(tag, tag), min(1.0, max(0.0, float(probability))))


def _sample(text: str) -> str:
    """The first, middle and last third of a sample: a preface may be in another language."""
    part = SAMPLE_CHARACTERS // 3
    middle = len(text) // 2
    return "\n".join((text[:part], text[middle : middle + part], text[-part:]))


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
