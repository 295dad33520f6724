"""What another system said, from a file: so that any system can be scored by the same measures.

JSON lines, one question a line, in any order:

    {"id": "el:56beb4343aeaaa14008c925b",
     "ranked": ["hi/0", "el/17"],
     "answer": "308", "answer_language": "hi", "status": "answered", "confidence": 0.83,
     "citations": [{"document": "hi/0", "quote": "… 308 …", "start": 0, "end": 61}]}

`id` is the question's; everything else may be left out. `ranked` and `document` name documents by
their source. `status` is "answered" or "no_answer"; without it a question is answered where
`answer` holds words. `start` and `end` count code points, of the document as it was given or as
Quoth reads it; a citation without them is not verified.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from documents.encoding import decode
from rag.evaluation.files import read_lines
from rag.evaluation.runner import needed_corpora
from rag.evaluation.types import Dataset, InvalidQuestions, Prediction, Quote


def load_predictions(path: Path, dataset: Dataset) -> tuple[dict[str, Prediction], Prediction]:
    """Read a file of predictions.

    What the file gives for one question it owes for all: where any line has `ranked`, those
    without it ranked nothing, and where any has an answer or a status, those without it declined.

    Returns:
        Predictions by question id, and the one for questions that have none.

    Raises:
        InvalidQuestions: a line breaks the format, or names a question that is not asked.
    """
    rows = list(read_lines(path))
    known = {question.id for question in dataset.questions}
    ranks = any("ranked" in row for _number, row in rows)
    answers = any("answer" in row or "status" in row for _number, row in rows)
    nothing = Prediction(ranked=() if ranks else None, answered=False if answers else None)
    found: dict[str, Prediction] = {}
    for number, row in rows:
        where = f"{path} line {number}"
        identity = str(row.get("id", ""))
        if identity not in known:
            raise InvalidQuestions(
                f"{where}: no question has the id {identity!r}; the ids are those of "
                "`quoth evaluate … --export FOLDER`."
            )
        if identity in found:
            raise InvalidQuestions(f"{where}: the id {identity!r} comes twice.")
        found[identity] = _prediction(row, where, ranks=ranks, answers=answers)
    return found, nothing


def export(dataset: Dataset, folder: Path) -> None:
    """Write the task for another system: `questions.jsonl`, what to ask of which corpus and which
    documents to leave out meanwhile, and `corpus.jsonl`, the documents. Gold answers stay behind.

    Raises:
        InvalidQuestions: the folder cannot be written.
    """
    questions = [
        {
            "id": question.id,
            "language": question.language,
            "question": question.text,
            "corpus": question.corpus,
            "without": list(question.without),
        }
        for question in dataset.questions
    ]
    documents = [
        {
            "corpus": corpus.name,
            "source": raw.source,
            "title": raw.title,
            "text": decode(raw.data, raw.encoding or None).text,
        }
        for corpus in needed_corpora(dataset)
        for raw in corpus.documents
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in (("questions", questions), ("corpus", documents)):
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
    except OSError as error:
        raise InvalidQuestions(f"{folder} cannot be written ({error.strerror}).") from error


def _prediction(row: Mapping[str, Any], where: str, *, ranks: bool, answers: bool) -> Prediction:
    try:
        answer = str(row.get("answer") or "")
        status = row.get("status") or ("answered" if answer.strip() else "no_answer")
        if status not in ("answered", "no_answer"):
            raise ValueError(f"status {status!r}")
        confidence = row.get("confidence")
        if confidence is not None and not 0 <= float(confidence) <= 1:
            raise ValueError(f"confidence {confidence!r} is not from 0 to 1")
        return Prediction(
            ranked=tuple(map(str, row.get("ranked") or ())) if ranks else None,
            answered=status == "answered" if answers else None,
            answer=answer,
            answer_language=row.get("answer_language"),
            confidence=None if confidence is None else float(confidence),
            quotes=tuple(_quote(citation) for citation in row.get("citations") or ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidQuestions(f"{where} lacks or breaks {error}.") from error


def _quote(citation: Mapping[str, Any]) -> Quote:
    start, end = citation.get("start"), citation.get("end")
    placed = isinstance(start, int) and isinstance(end, int)
    return Quote(
        str(citation["document"]),
        str(citation["quote"]),
        int(start or 0) if placed else -1,
        int(end or 0) if placed else -1,
    )
