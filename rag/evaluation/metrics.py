"""Scores of one question, and the mean over many: retrieval, answers, citations.

Every score is between 0 and 1, higher is better. A question that a score cannot be asked of
(no relevant document, no gold answer, no citation) gets None, which no mean counts: a zero
there would measure the test set and not the system.

Answers are compared as ``text.normalise`` and ``text.tokens`` fold them, in the language given
(a BCP 47 tag, or None where it is not known). Of several gold answers the best match counts;
blank ones are left out. A blank or missing prediction scores 0.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from rag.evaluation.text import contains, normalise, tokens


class Quoted(Protocol):
    """A citation as the checks see it: a quote and where it is said to stand."""

    @property
    def document_id(self) -> str:
        """The document quoted."""

    @property
    def quote(self) -> str:
        """The words quoted."""

    @property
    def start(self) -> int:
        """The first code point of the quote in the document's text."""

    @property
    def end(self) -> int:
        """The code point after the last one of the quote."""


def mean_of(scores: Iterable[float | None]) -> float | None:
    """Average the scores that there are.

    Args:
        scores: one score a question, None where the question was not eligible.

    Returns:
        The mean over the eligible questions, the same in whatever order they come; None
        without any.
    """
    eligible = [score for score in scores if score is not None]
    return math.fsum(eligible) / len(eligible) if eligible else None


def recall_at(ranked: Sequence[str], relevant: Collection[str], k: int) -> float | None:
    """Give the share of the relevant ids that are among the first k.

    Args:
        ranked: ids, best first. An id that comes again keeps its place and earns nothing.
        relevant: the ids that should be found.
        k: how far to look, from 1. More relevant ids than k keep the score under 1.

    Returns:
        Recall in [0, 1], or None without relevant ids.

    Raises:
        ValueError: k is below 1.
    """
    wanted = set(relevant)
    gains = _gains(ranked, wanted, k)
    return sum(gains) / len(wanted) if wanted else None


def reciprocal_rank_at(ranked: Sequence[str], relevant: Collection[str], k: int) -> float | None:
    """Give 1 / the rank of the first relevant id among the first k, or 0 if there is none.

    Its mean with k = 10 is MRR@10 (Voorhees 1999; the cut as in MS MARCO).

    Args:
        ranked: ids, best first.
        relevant: the ids that should be found.
        k: how far to look, from 1.

    Returns:
        The reciprocal rank in [0, 1], or None without relevant ids.

    Raises:
        ValueError: k is below 1.
    """
    wanted = set(relevant)
    gains = _gains(ranked, wanted, k)
    if not wanted:
        return None
    return 1 / (gains.index(True) + 1) if True in gains else 0.0


def ndcg_at(ranked: Sequence[str], relevant: Collection[str], k: int) -> float | None:
    """Give nDCG@k with gain 1 for a relevant id and discount log2(rank + 1).

    Järvelin & Kekäläinen 2002, in the form that discounts from the second rank on; the ideal
    ranking has min(k, number of relevant ids) hits at the top.

    Args:
        ranked: ids, best first. An id that comes again keeps its place and earns nothing.
        relevant: the ids that should be found.
        k: how far to look, from 1.

    Returns:
        nDCG in [0, 1], or None without relevant ids.

    Raises:
        ValueError: k is below 1.
    """
    wanted = set(relevant)
    gains = _gains(ranked, wanted, k)
    if not wanted:
        return None
    found = math.fsum(1 / math.log2(rank + 2) for rank, gain in enumerate(gains) if gain)
    return found / math.fsum(1 / math.log2(rank + 2) for rank in range(min(k, len(wanted))))


def exact_match(
    prediction: str | None, golds: Iterable[str], language: str | None = None
) -> float | None:
    """Give 1 when the prediction equals a gold answer after normalisation, else 0.

    Args:
        prediction: the answer given, or None for none.
        golds: the right answers, any of which will do.
        language: the language that both are normalised in.

    Returns:
        0 or 1, or None without gold answers.
    """
    return _best(prediction, golds, lambda given, gold: float(given == gold), language)


def f1(prediction: str | None, golds: Iterable[str], language: str | None = None) -> float | None:
    """Give the best token F1 against a gold answer (SQuAD, Rajpurkar et al. 2016).

    Shared tokens are counted with their multiplicity; precision is over the prediction's
    tokens, recall over the gold answer's. Tokens are those of ``text.tokens``.

    Args:
        prediction: the answer given, or None for none.
        golds: the right answers, any of which will do.
        language: the language that both are normalised in.

    Returns:
        F1 in [0, 1], or None without gold answers.
    """
    given = Counter(tokens(prediction or "", language))
    wanted = [Counter(found) for gold in golds if (found := tokens(gold, language))]
    # 2PR / (P + R) with the counts put in: twice the overlap over both lengths.
    scores = [2 * (given & gold).total() / (given.total() + gold.total()) for gold in wanted]
    return max(scores, default=None)


def ngram_recall(
    prediction: str | None, golds: Iterable[str], language: str | None = None, n: int = 3
) -> float | None:
    """Give the best share of a gold answer's character n-grams that the prediction has.

    Forgiving of inflection and of how a name is spelled across languages, and of extra words
    (Chirkova et al. 2024, with n = 3). N-grams run over the normalised string, its single
    spaces included, and count with their multiplicity. A gold answer shorter than n is looked
    for whole, by the rules of ``text.contains``.

    Args:
        prediction: the answer given, or None for none.
        golds: the right answers, any of which will do.
        language: the language that both are normalised in.
        n: characters in an n-gram, from 1.

    Returns:
        Recall in [0, 1], or None without gold answers.

    Raises:
        ValueError: n is below 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")

    def score(given: str, gold: str) -> float:
        wanted = _ngrams(gold, n)
        if not wanted:
            return float(contains(given, gold))
        return (wanted & _ngrams(given, n)).total() / wanted.total()

    return _best(prediction, golds, score, language)


def contains_answer(
    quote: str | None, golds: Iterable[str], language: str | None = None
) -> float | None:
    """Give 1 when a quote contains a gold answer after normalisation, else 0.

    Numbers are matched whole: 221 is not found in 2215 (``text.contains``).

    Args:
        quote: the words quoted, or None for none.
        golds: the right answers, any of which will do.
        language: the language that both are normalised in.

    Returns:
        0 or 1, or None without gold answers.
    """
    return _best(quote, golds, lambda text, gold: float(contains(text, gold)), language)


def verified_rate(citations: Sequence[Quoted], texts: Mapping[str, str]) -> float | None:
    """Give the share of citations whose quote is, to the code point, where they say it is.

    Args:
        citations: the citations of one answer, or of many.
        texts: the documents' canonical texts by id.

    Returns:
        The rate in [0, 1], or None without citations. An empty quote, offsets outside the text
        and a document that is not there count as unverified.
    """
    verified = sum(_is_verbatim(citation, texts) for citation in citations)
    return verified / len(citations) if citations else None


def citation_precision(cited: Iterable[str], gold: Collection[str]) -> float | None:
    """Give the share of the documents cited that are gold, each document counted once.

    Args:
        cited: the ids of the documents that an answer cites.
        gold: the ids of the documents that hold the answer.

    Returns:
        Precision in [0, 1], or None where nothing is cited or nothing is gold.
    """
    given, wanted = set(cited), set(gold)
    return len(given & wanted) / len(given) if given and wanted else None


def citation_recall(cited: Iterable[str], gold: Collection[str]) -> float | None:
    """Give the share of the gold documents that are cited.

    Args:
        cited: the ids of the documents that an answer cites; none score 0.
        gold: the ids of the documents that hold the answer.

    Returns:
        Recall in [0, 1], or None without gold documents.
    """
    wanted = set(gold)
    return len(wanted.intersection(cited)) / len(wanted) if wanted else None


def _gains(ranked: Sequence[str], wanted: Collection[str], k: int) -> list[bool]:
    """Mark which of the first k ranks bring a wanted id for the first time."""
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    top = ranked[:k]
    return [found in wanted and found not in top[:rank] for rank, found in enumerate(top)]


def _best(
    prediction: str | None,
    golds: Iterable[str],
    score: Callable[[str, str], float],
    language: str | None,
) -> float | None:
    """Give the best score of a prediction over the gold answers, both normalised."""
    given = normalise(prediction or "", language)
    wanted = [found for gold in golds if (found := normalise(gold, language))]
    return max((score(given, gold) for gold in wanted), default=None)


def _ngrams(text: str, n: int) -> Counter[str]:
    """Count the runs of n characters in a text; none when it is shorter."""
    return Counter(text[start : start + n] for start in range(len(text) - n + 1))


def _is_verbatim(citation: Quoted, texts: Mapping[str, str]) -> bool:
    """Check one quote against the text at its offsets; negative ones are no offsets."""
    text = texts.get(citation.document_id)
    if text is None or not 0 <= citation.start < citation.end <= len(text):
        return False
    return text[citation.start : citation.end] == citation.quote
