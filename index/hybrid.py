"""Dense and lexical results → one ranking."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.keywords import Matches
from index.types import Found

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """`keywords`: also search by keywords. `depth`: how many of the best chunks of each search are
    ranked together (more where more are asked for). `weight`: of one unit of BM25, as a share of
    the `spread` of the embedder's cosines; chosen on seven sets of `qa-train` and on stretches of
    NTREX asked across languages, with the neutral map and without.
    """

    keywords: bool = True
    depth: int = 50
    weight: float = 0.08


def fuse(cosine: Floats, keyword: Floats, languages: Sequence[str], weight: float) -> Floats:
    """The score that candidates are ordered by, from arrays of one length.

    score = cosine - weight * (M(language) - keyword), where M(language) is the best keyword score
    among the candidates of that language. So a keyword match is only compared within one language,
    and a language in which nothing matches pays nothing: chunks that share the question's language
    are not lifted over those that, in another, cannot share its words.

    Args:
        cosine: of question and chunk, -1 to 1.
        keyword: BM25 of the terms shared with the question, 0 where there are none.
        languages: of the chunks, BCP 47.
        weight: of one unit of BM25, in units of cosine.
    """
    best: dict[str, float] = {}
    for language, score in zip(languages, keyword.tolist(), strict=True):
        best[language] = max(score, best.get(language, 0.0))
    ceiling = np.array([best[language] for language in languages], np.float64)
    return cosine - weight * (ceiling - keyword)


def strongest(matches: Matches, count: int) -> list[int]:
    """Ids of the `count` best keyword matches, best first; of equals, the lower id."""
    order = np.lexsort((matches.ids, -matches.scores))[:count]
    found: list[int] = matches.ids[order].tolist()
    return found


def allowed_only(matches: Matches, allowed: Sequence[int] | None) -> Matches:
    """The matches among the allowed ids, where any are given."""
    if allowed is None:
        return matches
    kept = np.isin(matches.ids, np.asarray(allowed, np.int64))
    return Matches(matches.ids[kept], matches.scores[kept])


def rank(
    near: Sequence[tuple[int, float]],
    matches: Matches,
    depth: int,
    languages: dict[int, str],
    cosines: dict[int, float],
    weight: float,
    limit: int,
) -> list[Found]:
    """The `limit` best candidates of both searches, best first.

    Args:
        near: nearest chunks with their cosines, nearest first.
        matches: all chunks that share a term with the question.
        depth: how many of the best matches are candidates.
        languages: of the candidates by id; one without is gone and is left out.
        cosines: of the candidates that are not among `near`; one without is gone as well.
        weight: see `fuse`.
        limit: how many are wanted.
    """
    dense = {chunk: place for place, (chunk, _cosine) in enumerate(near, 1)}
    lexical = {chunk: place for place, chunk in enumerate(strongest(matches, depth), 1)}
    bm25 = dict(zip(matches.ids.tolist(), matches.scores.tolist(), strict=True))
    cosines = cosines | dict(near)
    candidates = dict.fromkeys([*dense, *lexical])
    ids = [chunk for chunk in candidates if chunk in languages and chunk in cosines]
    scores = fuse(
        np.array([cosines[chunk] for chunk in ids], np.float64),
        np.array([bm25.get(chunk, 0.0) for chunk in ids], np.float64),
        [languages[chunk] for chunk in ids],
        weight,
    )
    # Sorting keeps the order of equals: nearest first, then the best matches.
    best = sorted(zip(ids, scores.tolist(), strict=True), key=lambda entry: -entry[1])[:limit]
    return [
        Found(chunk, score, cosines[chunk], dense.get(chunk), bm25.get(chunk), lexical.get(chunk))
        for chunk, score in best
    ]
