"""One form for Han characters: simplified and traditional fold together."""

import functools

from opencc import OpenCC  # the OpenCC project's own pure-Python port: Apache-2.0, typed, 1.6 MB


@functools.cache
def fold_han(character: str) -> str:
    """Give the simplified form of one Han character; other characters stay.

    Converted twice, since one step can end on a character that has a simpler form itself. 著 is
    Taiwan's way of writing 着, which the standard table leaves apart.
    """
    convert = _simplifier().convert
    simplified: str = convert(convert("着" if character == "著" else character))
    return simplified


@functools.cache
def _simplifier() -> OpenCC:
    """Load the traditional-to-simplified tables once, when the first Han text comes."""
    return OpenCC("t2s")
