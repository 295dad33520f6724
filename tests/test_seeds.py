"""Four real documents about one armistice, asked in six languages, with the real models."""

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.wiring import Engine
from documents.encoding import decode
from tests import LOCAL
from tests.shared_data import DATA, needs_data

pytestmark = [pytest.mark.model, needs_data]


@pytest.fixture(scope="module")
def client(real_engine: Engine) -> TestClient:
    # Not entered: its end would close the engine that other modules share.
    return TestClient(create_app(real_engine.settings, real_engine), LOCAL)


@pytest.fixture(scope="module")
def asked(client: TestClient) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    lines = (DATA / "seeds-questions.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    pairs = []
    for question in questions:
        response = client.post("/v1/answer", json={"question": question["question"]})
        assert response.status_code == 200
        pairs.append((question, response.json()))
    return pairs


def citations(body: dict[str, Any]) -> list[dict[str, Any]]:
    others = [c for alternative in body["alternatives"] for c in alternative["citations"]]
    return [*body["citations"], *others]


def test_every_quote_is_the_slice_its_offsets_name(
    client: TestClient, asked: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    checked = 0
    for _question, body in asked:
        for citation in citations(body):
            document = client.get(f"/v1/documents/{citation['document_id']}").json()
            assert document["text"][citation["start"] : citation["end"]] == citation["quote"]
            assert document["content_hash"] == citation["content_hash"]
            checked += 1
    assert checked >= 10


def test_source_offsets_point_at_the_same_words(
    asked: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    for _question, body in asked:
        for citation in citations(body):
            name = citation["source"].removeprefix("seeds/")
            source = decode((DATA / "seeds" / name).read_bytes()).text
            there = source[citation["source_start"] : citation["source_end"]]
            assert there[0] == citation["quote"][0]
            assert there[-1] == citation["quote"][-1]
            # Without link targets, reference numbers, markup and blanks, the words are the same.
            bare = re.sub(r"\]\([^)]*\)|\\\[\d+\\\]|(?<=[.»)]) +\d{1,2}(?=\s)", "", there)
            bare = re.sub(r"[\s*#\[\]\\]|（）", "", bare)
            assert bare == re.sub(r"[\s*#\[\]\\]", "", citation["quote"])


def test_no_markup_in_any_quote(asked: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    for _question, body in asked:
        for citation in citations(body):
            assert not re.search(r"wikilink|https?://|\]\(|\[|\\", citation["quote"])


def test_responses_are_whole(asked: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    for question, body in asked:
        assert body["question_language"] == question["language"]
        assert 0 <= body["confidence"] <= 1
        if body["status"] == "answered":
            first = body["citations"][0]
            assert body["answer"] in first["quote"]
            assert (first["answer_start"], first["answer_end"]) == (0, len(body["answer"]))
        else:
            assert body["answer"] is None
            assert body["citations"] == []
            assert body["passages"]


def test_ten_of_eighteen_are_answered_rightly_and_what_is_not_told_is_declined(
    asked: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    right = 0
    for question, body in asked:
        if question["impossible"]:
            assert body["status"] == "no_answer", question["question"]
            continue
        right += any(
            citation["source"].removeprefix("seeds/") in question["documents"]
            and any(answer in citation["quote"] for answer in question["answers"])
            for citation in body["citations"]
        )
    assert right >= 10
