"""Fit the language-neutral map of the default embedder on NTREX-128 (CC BY-SA 4.0).

    python -m training.fit_neutral --ntrex PATH/ntrex.jsonl.gz

Prints, for several numbers of directions, how often a sentence's translation is found on documents
the fit has not seen, with each sentence of the corpus in one language drawn at random and asked for
in the others. Then writes the map beside `index/neutral.py`.
"""

import argparse
import gzip
import json
from pathlib import Path

import numpy as np

from api.settings import load_settings
from index import embedder as embedders
from index.neutral import SHIPPED, NeutralMap, fit
from index.types import Vectors

LANGUAGES = (
    "afr amh arb ben bul cat ces dan deu ell eng-US est fas fil fin fra heb hin hrv hun hye ind "
    "isl ita jpn kat kaz khm kor lit mal mya nld nob pol por ron rus spa swa swe tam tha tur ukr "
    "urd vie zho-CN zho-TW"
).split()
HELD_OUT_DOCUMENTS = 24


def main() -> None:
    """Read the arguments, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ntrex", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=150, help="to fit on")
    parser.add_argument("--held-out", type=int, default=60, help="sentences to measure on")
    parser.add_argument("--directions", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--without", nargs="*", default=[], help="languages to leave out, to measure on them"
    )
    parser.add_argument("--output", type=Path, help="another file than the one that is shipped")
    arguments = parser.parse_args()
    languages = [language for language in LANGUAGES if language not in arguments.without]

    rows = read(arguments.ntrex)
    rng = np.random.default_rng(arguments.seed)
    seen, unseen = split(rows, rng, arguments.sentences, arguments.held_out)
    embedder = embedders.load(load_settings().embedder_options())
    passages = np.empty((len(languages), len(seen) + len(unseen), embedder.dimension), np.float32)
    queries = np.empty_like(passages)
    for position, language in enumerate(languages):
        texts = [row["texts"].get(language) or row["texts"]["eng-US"] for row in seen + unseen]
        passages[position] = embedder.embed_passages(texts)
        queries[position] = embedder.embed_queries(texts)
        print(f"embedded {language} ({position + 1} of {len(languages)})", flush=True)

    count = len(seen)
    print(f"no map: {found(passages[:, count:], queries[:, count:], rng):.3f}")
    for directions in (0, 8, 16, 24, 32, 40, 48, 64, arguments.directions):
        neutral = fit(passages[:, :count], queries[:, :count], directions)
        share = found(*applied(neutral, passages[:, count:], queries[:, count:]), rng)
        print(f"{directions} directions: {share:.3f}")
    shipped = Path(__file__).parent.parent / "index" / SHIPPED[embedder.name]
    target = arguments.output or shipped
    about = {
        "embedder": embedder.identity,
        "data": "NTREX-128, CC BY-SA 4.0",
        "languages": " ".join(languages),
        "sentences": str(count),
        "seed": str(arguments.seed),
    }
    neutral.save(target, about)
    print(f"wrote {target}")


def read(path: Path) -> list[dict[str, object]]:
    """The sentences of NTREX, in the order of the file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def split(
    rows: list[dict[str, object]], rng: np.random.Generator, seen: int, unseen: int
) -> tuple[list[dict[str, dict[str, str]]], list[dict[str, dict[str, str]]]]:
    """Sentences to fit on and sentences to measure on, from different documents."""
    documents = sorted({str(row["document"]) for row in rows})
    held_out = set(rng.permutation(documents)[:HELD_OUT_DOCUMENTS].tolist())
    groups: tuple[list[int], list[int]] = ([], [])
    for position, row in enumerate(rows):
        groups[row["document"] in held_out].append(position)
    chosen = [
        [rows[i] for i in sorted(rng.choice(group, size, replace=False))]
        for group, size in zip(groups, (seen, unseen), strict=True)
    ]
    return chosen[0], chosen[1]


def applied(neutral: NeutralMap, passages: Vectors, queries: Vectors) -> tuple[Vectors, Vectors]:
    """Both arrays, each of shape (languages, sentences, dimension), made neutral."""
    shape = passages.shape
    flat = (-1, shape[-1])
    return (
        neutral.passages(passages.reshape(flat)).reshape(shape),
        neutral.queries(queries.reshape(flat)).reshape(shape),
    )


def found(passages: Vectors, queries: Vectors, rng: np.random.Generator) -> float:
    """Share of translations ranked first, over five scattered corpora; same-language pairs do not
    count.
    """
    languages, sentences, _dimension = passages.shape
    hits = asked = 0
    for _ in range(5):
        pick = rng.integers(0, languages, sentences)
        corpus = passages[pick, np.arange(sentences)]
        for language in range(languages):
            first = (queries[language] @ corpus.T).argmax(axis=1)
            other = pick != language
            hits += int((first == np.arange(sentences))[other].sum())
            asked += int(other.sum())
    return hits / asked


if __name__ == "__main__":
    main()
