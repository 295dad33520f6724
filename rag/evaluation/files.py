"""Files of questions as they are: SQuAD's JSON and JSON lines, packed or not."""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from documents.language import detect
from rag.evaluation.types import InvalidQuestions

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_LANGUAGE_SAMPLE = 4000


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of one paragraph as its file has it. `answers` is empty where it has none."""

    id: str
    text: str
    language: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A context with its questions; `title` may be empty."""

    text: str
    title: str
    language: str
    questions: tuple[Asked, ...]


def read_squad(path: Path, language: str | None = None) -> list[Paragraph]:
    """The paragraphs of a SQuAD file, in order.

    Args:
        path: `.json` or `.json.gz`.
        language: of all of it; None to take it from the file's name (`el.json`), or else to
            detect it from the text.

    Raises:
        InvalidQuestions: it cannot be read or breaks the format.
    """
    content = _json(path, read_text(path))
    try:
        rows = [
            (paragraph["context"], article.get("title") or "", paragraph["qas"])
            for article in content["data"]
            for paragraph in article["paragraphs"]
        ]
        sample_text = "\n".join(context for context, _title, _qas in rows)[:_LANGUAGE_SAMPLE]
        language = language or _named_language(path) or detect(sample_text).tag
        return [
            Paragraph(
                context,
                title.replace("_", " "),
                language,
                tuple(_squad_question(row, language) for row in qas),
            )
            for context, title, qas in rows
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidQuestions(
            f"{path} is not in SQuAD's format ({error!r}): it needs "
            "data[].paragraphs[].context and .qas[].id, .question, .answers[].text."
        ) from error


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON lines file with their line numbers from 1; blank lines are left out.

    Raises:
        InvalidQuestions: it cannot be read, or a line is not an object.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            row = _json(path, line, f" line {number}")
            if not isinstance(row, dict):
                raise InvalidQuestions(f"{path} line {number} is not a JSON object.")
            yield number, row


def read_text(path: Path) -> str:
    """The text of a file, unpacked where its name ends in `.gz`.

    Raises:
        InvalidQuestions: it cannot be read or is not UTF-8.
    """
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidQuestions(f"{path} cannot be read ({reason}): check the path.") from error


def stem(path: Path) -> str:
    """A file's name without `.json`, `.jsonl` and `.gz`."""
    return path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".json")


def suffix(path: Path) -> str:
    """`.json` or `.jsonl`, whatever is packed.

    Raises:
        InvalidQuestions: it is neither.
    """
    found = Path(path.name.removesuffix(".gz")).suffix
    if found not in (".json", ".jsonl"):
        raise InvalidQuestions(
            f"{path} is not a file of questions: it must end in .json or .jsonl, or with .gz after."
        )
    return found


def _json(path: Path, text: str, where: str = "") -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidQuestions(f"{path}{where} is not JSON: {error}.") from error


def _named_language(path: Path) -> str | None:
    name = stem(path)
    return name if _LANGUAGE.fullmatch(name) else None


def _squad_question(row: Mapping[str, Any], language: str) -> Asked:
    answers = [] if row.get("is_impossible") else row["answers"]
    texts = tuple(dict.fromkeys(answer["text"] for answer in answers))
    return Asked(str(row["id"]), row["question"].strip(), language, texts)
