import json
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.wiring import Engine
from index.errors import StorageFull
from tests import LOCAL

LIGHT = "# The light\n\nThe keeper lit the [lamp](http://a.example/x) in 1871. He kept 3 cats.\n"


def add(client: TestClient, source: str, text: str, **fields: Any) -> dict[str, Any]:
    response = client.post("/v1/documents", json={"source": source, "text": text, **fields})
    assert response.status_code in (200, 201), response.text
    outcome: dict[str, Any] = response.json()["outcomes"][0]
    return outcome


def assert_problem(response: httpx.Response, status: int, kind: str) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"urn:quoth:problem:{kind}"
    assert body["status"] == status
    assert set(body) == {"type", "title", "status", "detail"}
    detail: str = body["detail"]
    return detail


def test_an_answer_is_a_verified_quote(client: TestClient) -> None:
    added = add(client, "light.md", LIGHT, media_type="text/markdown")
    body = client.post("/v1/answer", json={"question": "who lit the lamp in 1871"}).json()
    assert body["status"] == "answered"
    (citation,) = body["citations"]
    assert body["answer"] == "The keeper lit the lamp in 1871."
    assert citation["quote"] == "The keeper lit the lamp in 1871. He kept 3 cats."
    assert citation["document_id"] == added["document_id"]
    document = client.get(f"/v1/documents/{added['document_id']}").json()
    assert document["text"][citation["start"] : citation["end"]] == citation["quote"]
    in_source = LIGHT[citation["source_start"] : citation["source_end"]]
    assert in_source == "The keeper lit the [lamp](http://a.example/x) in 1871. He kept 3 cats."
    assert (citation["answer_start"], citation["answer_end"]) == (0, len(body["answer"]))
    assert citation["content_hash"] == document["content_hash"]
    part = client.get(
        f"/v1/documents/{added['document_id']}/text",
        params={"start": citation["start"], "end": citation["end"]},
    ).json()
    assert part["text"] == citation["quote"]
    assert body["passages"] is None
    assert set(body["timings_ms"]) == {"retrieve", "read", "cite", "total"}


def test_a_follow_up_is_understood_from_its_history(client: TestClient) -> None:
    add(client, "treaty.txt", "The general signed the treaty of Ormiska in 1871.")
    add(client, "bread.txt", "The baker signed the oven.")
    history = [
        {"role": "user", "content": "when was the treaty of Ormiska made"},
        {"role": "assistant", "content": "In 1871."},
    ]
    request = {"question": "and who signed it?", "history": history, "min_confidence": 0}
    body = client.post("/v1/answer", json=request).json()
    assert body["standalone_question"] == "and who signed it? (treaty Ormiska made)"
    assert body["question_language"] == "en"
    assert body["citations"][0]["source"] == "treaty.txt"
    alone = client.post("/v1/answer", json={"question": "and who signed it?"}).json()
    assert alone["standalone_question"] == "and who signed it?"
    whole = {"question": "Who bought the oven in Lisbon?", "history": history}
    body = client.post("/v1/answer", json=whole).json()
    assert body["standalone_question"] == whole["question"]


@pytest.mark.parametrize(
    ("history", "place"),
    [
        ([{"role": "system", "content": "be brief"}], "body.history.0.role"),
        ([{"role": "user"}], "body.history.0.content"),
        ([{"role": "user", "content": ["a"]}], "body.history.0.content"),
        ([{"role": "user", "content": "x" * 100_001}], "body.history.0.content"),
        ([{"role": "user", "content": "x"}] * 201, "body.history"),
        ("And why?", "body.history"),
    ],
)
def test_a_history_that_cannot_be_read_is_the_clients_mistake(
    client: TestClient, history: Any, place: str
) -> None:
    response = client.post("/v1/answer", json={"question": "why", "history": history})
    assert place in assert_problem(response, 422, "invalid-request")


def test_what_the_documents_do_not_say_is_no_answer(client: TestClient) -> None:
    add(client, "light.md", LIGHT, media_type="text/markdown")
    body = client.post("/v1/answer", json={"question": "population of Lisbon"}).json()
    assert body["status"] == "no_answer"
    assert body["answer"] is body["answer_language"] is None
    assert body["citations"] == body["alternatives"] == []
    assert body["passages"][0]["source"] == "light.md"


def test_the_threshold_of_a_request_governs(client: TestClient) -> None:
    add(client, "light.md", LIGHT)
    question = {"question": "who lit the lamp in 1871"}
    confidence = client.post("/v1/answer", json=question).json()["confidence"]
    assert 0.5 < confidence < 1
    strict = client.post("/v1/answer", json={**question, "min_confidence": 1.0}).json()
    assert strict["status"] == "no_answer"
    assert strict["confidence"] == pytest.approx(confidence)
    lax = client.post("/v1/answer", json={"question": "Lisbon", "min_confidence": 0.0}).json()
    assert lax["status"] == "answered"


def test_other_documents_are_alternatives_with_their_own_quotes(client: TestClient) -> None:
    add(client, "a.txt", "The keeper lit the lamp in 1871.")
    add(client, "b.txt", "The keeper lit the lamp in 1872.")
    body = client.post("/v1/answer", json={"question": "the keeper lit the lamp"}).json()
    quotes = {body["answer"]} | {other["answer"] for other in body["alternatives"]}
    assert quotes == {"The keeper lit the lamp in 1871.", "The keeper lit the lamp in 1872."}
    assert body["alternatives"][0]["citations"][0]["quote"] == body["alternatives"][0]["answer"]


def test_upload_of_several_files_reports_each(client: TestClient) -> None:
    files = [("files", (f"{n}.txt", f"Text number {n}.".encode(), "text/plain")) for n in range(9)]
    files.insert(4, ("files", ("bad.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "text/plain")))
    response = client.post("/v1/documents", files=files)
    assert response.status_code == 201
    outcomes = response.json()["outcomes"]
    by_source = {outcome["source"]: outcome for outcome in outcomes}
    assert len(by_source) == 10
    assert by_source["bad.txt"]["status"] == "failed"
    assert "binary" in by_source["bad.txt"]["reason"]
    assert {o["status"] for name, o in by_source.items() if name != "bad.txt"} == {"added"}
    assert len(client.get("/v1/documents").json()["documents"]) == 9
    again = client.post("/v1/documents", files=files[:4])
    assert again.status_code == 200
    assert {o["status"] for o in again.json()["outcomes"]} == {"unchanged"}


def test_an_uploaded_name_never_opens_a_file(client: TestClient) -> None:
    files = [("files", ("../../etc/passwd.txt", b"Harmless text.", "text/plain"))]
    outcome = client.post("/v1/documents", files=files).json()["outcomes"][0]
    document = client.get(f"/v1/documents/{outcome['document_id']}").json()
    assert document["text"] == "Harmless text."


def test_documents_are_listed_page_by_page_and_removed(client: TestClient) -> None:
    ids = sorted(add(client, f"{n}.txt", f"Text number {n}.")["document_id"] for n in range(5))
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = client.get("/v1/documents", params={"limit": 2, "after": after}).json()
        seen += [document["id"] for document in page["documents"]]
        after = page["next"]
    assert seen == ids
    assert client.delete(f"/v1/documents/{ids[0]}").status_code == 204
    assert_problem(client.delete(f"/v1/documents/{ids[0]}"), 404, "unknown-document")
    assert_problem(client.get(f"/v1/documents/{ids[0]}"), 404, "unknown-document")
    assert_problem(client.get(f"/v1/documents/{ids[0]}/text"), 404, "unknown-document")
    found = client.post("/v1/search", json={"query": "text number", "limit": 100}).json()
    assert {passage["document_id"] for passage in found["passages"]} == set(ids[1:])


def test_search_ranks_and_filters(client: TestClient) -> None:
    add(client, "a.txt", "Lemons are shipped in May.", language="en")
    add(client, "b.txt", "Lemons, in a longer text about many other things too.", language="el")
    found = client.post("/v1/search", json={"query": "lemons shipped"}).json()["passages"]
    assert [(p["rank"], p["source"]) for p in found] == [(1, "a.txt"), (2, "b.txt")]
    assert found[0]["score"] > found[1]["score"]
    greek = {"query": "lemons shipped", "filters": {"languages": ["el"]}}
    assert [p["source"] for p in client.post("/v1/search", json=greek).json()["passages"]] == [
        "b.txt"
    ]
    none = {"question": "lemons", "filters": {"languages": ["zh"]}}
    body = client.post("/v1/answer", json=none).json()
    assert (body["status"], body["passages"]) == ("no_answer", [])


def test_a_passage_says_how_it_was_found(client: TestClient) -> None:
    for number in range(5):
        add(client, f"{number}.txt", f"Ships carry oil {number}.", language="en")
    add(client, "a.txt", "Lemons are shipped in May.", language="en")
    body = client.post("/v1/search", json={"query": "lemons in May"}).json()
    first, *others = body["passages"]
    assert (first["source"], first["found_by"]) == ("a.txt", "both")
    assert (first["dense_rank"], first["keyword_rank"]) == (1, 1)
    assert first["keyword_score"] > 1
    assert first["score"] == first["dense_score"] > 0.3
    assert {other["found_by"] for other in others} == {"dense"}
    assert {other["keyword_score"] for other in others} == {None}
    assert all(other["score"] < other["dense_score"] for other in others)


def test_filters_by_date_and_by_documents_left_out(client: TestClient) -> None:
    old = add(client, "old.txt", "Lemons of old.", metadata={"date": "1953-07-27"})
    add(client, "new.txt", "Lemons of now.", metadata={"date": "2024"})
    add(client, "none.txt", "Lemons at any time.")

    def found(**filters: object) -> set[str]:
        response = client.post("/v1/search", json={"query": "lemons", "filters": filters})
        return {passage["source"] for passage in response.json()["passages"]}

    assert found(date_to="1953-07") == {"old.txt"}
    assert found(date_from="1953-07-28", date_to=None) == {"new.txt"}
    without = old["document_id"]
    assert found(exclude_document_ids=[without]) == {"new.txt", "none.txt"}
    assert found(date_to="2030", exclude_document_ids=[without]) == {"new.txt"}
    for path, field in (("/v1/answer", "question"), ("/v1/search", "query")):
        bad = client.post(path, json={field: "lemons", "filters": {"date_from": "May"}})
        assert "date_from is 'May' and no date" in assert_problem(bad, 422, "invalid-request")


def test_collections(client: TestClient) -> None:
    assert client.post("/v1/collections", json={"name": "news"}).status_code == 201
    assert client.post("/v1/collections", json={"name": "news"}).status_code == 200
    add(client, "a.txt", "Lemons.", collection="news")
    listed = client.get("/v1/collections").json()["collections"]
    assert [(c["name"], c["documents"], c["chunks"]) for c in listed] == [("news", 1, 1)]
    assert client.delete("/v1/collections/news").status_code == 204
    assert_problem(client.delete("/v1/collections/news"), 404, "unknown-collection")


@pytest.mark.parametrize("question", ["", "   ", "?!", "\u3000", "\n\t"])
def test_an_empty_question(client: TestClient, question: str) -> None:
    add(client, "a.txt", "Lemons.")
    for path, field in (("/v1/answer", "question"), ("/v1/search", "query")):
        detail = assert_problem(client.post(path, json={field: question}), 422, "invalid-question")
        assert "empty" in detail


def test_a_question_too_long(client: TestClient) -> None:
    add(client, "a.txt", "Lemons.")
    response = client.post("/v1/answer", json={"question": "why " * 25_000})
    assert "shorten it" in assert_problem(response, 422, "invalid-question")


def test_half_a_character(client: TestClient) -> None:
    add(client, "a.txt", "Lemons.")
    headers = {"content-type": "application/json"}
    response = client.post("/v1/answer", content=b'{"question": "a \\ud800 b"}', headers=headers)
    assert response.status_code == 422
    content = b'{"source": "x.txt", "text": "a \\ud800 b"}'
    assert client.post("/v1/documents", content=content, headers=headers).status_code == 422
    content = b'{"source": "\\ud800.txt", "text": "a b"}'
    assert client.post("/v1/documents", content=content, headers=headers).status_code == 422


def test_nothing_to_search(client: TestClient) -> None:
    assert_problem(client.post("/v1/answer", json={"question": "why"}), 404, "unknown-collection")
    client.post("/v1/collections", json={"name": "default"})
    detail = assert_problem(
        client.post("/v1/answer", json={"question": "why"}), 409, "empty-collection"
    )
    assert "POST /v1/documents" in detail
    unknown = {"question": "why", "collection": "nowhere"}
    assert_problem(client.post("/v1/answer", json=unknown), 404, "unknown-collection")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"source": "a.txt", "text": ""}, 422, "invalid-document"),
        ({"source": "a.txt", "text": " \n "}, 422, "invalid-document"),
        ({"source": "a.txt", "text": "...!"}, 422, "invalid-document"),
        ({"source": "a.txt", "text": "x" * 100_001}, 413, "too-large"),
        ({"source": "", "text": "x"}, 422, "invalid-request"),
        ({"source": "a.txt"}, 422, "invalid-request"),
        ({"source": "a.txt", "text": "x", "colour": "red"}, 422, "invalid-request"),
        ({"source": "a.txt", "text": "x", "collection": "../x"}, 422, "invalid-request"),
        ({"source": "a.txt", "text": "x", "language": "no such"}, 422, "invalid-request"),
    ],
)
def test_bad_documents_store_nothing(
    client: TestClient, body: dict[str, str], status: int, kind: str
) -> None:
    assert_problem(client.post("/v1/documents", json=body), status, kind)
    assert client.get("/v1/collections").json()["collections"] == []


def test_an_upload_of_a_format_that_is_not_read(client: TestClient) -> None:
    files = [("files", ("a.pdf", b"%PDF-1.7 text", "application/pdf"))]
    detail = assert_problem(client.post("/v1/documents", files=files), 415, "unsupported-format")
    assert ".md" in detail
    assert client.get("/v1/collections").json()["collections"] == []


def test_a_body_that_is_neither_json_nor_a_form(client: TestClient) -> None:
    response = client.post("/v1/documents", content=b"text", headers={"content-type": "text/plain"})
    assert_problem(response, 415, "unsupported-media-type")
    headers = {"content-type": "application/json"}
    assert_problem(
        client.post("/v1/documents", content=b"{", headers=headers), 422, "invalid-request"
    )
    assert_problem(client.post("/v1/answer", content=b"{", headers=headers), 422, "invalid-request")
    assert_problem(client.post("/v1/documents", files=[("other", b"x")]), 422, "invalid-request")


def test_a_body_over_the_limit_is_refused_while_it_arrives(client: TestClient) -> None:
    sent = 0

    def endless() -> Any:
        nonlocal sent
        for _ in range(10_000):
            sent += 10_000
            yield b"x" * 10_000

    headers = {"content-type": "application/json"}
    response = client.post("/v1/documents", content=endless(), headers=headers)
    assert_problem(response, 413, "too-large")
    declared = {**headers, "content-length": "999999999"}
    response = client.post("/v1/documents", content=b"{}", headers=declared)
    assert_problem(response, 413, "too-large")


@pytest.mark.parametrize("params", [{"start": 5, "end": 2}, {"start": 0, "end": 10_000}])
def test_a_range_outside_the_text(client: TestClient, params: dict[str, int]) -> None:
    added = add(client, "a.txt", "Lemons and oil.")
    response = client.get(f"/v1/documents/{added['document_id']}/text", params=params)
    assert_problem(response, 422, "invalid-request")


def test_offsets_count_code_points(client: TestClient) -> None:
    text = "🍋🍋 Λεμόνια 𝒜𝒜𝒜. The 🍋 lemons are shipped."
    added = add(client, "a.txt", text)
    body = client.post("/v1/answer", json={"question": "the lemons are shipped"}).json()
    (citation,) = body["citations"]
    assert body["answer"] == "The 🍋 lemons are shipped."
    assert citation["quote"] == text
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert (citation["source_start"], citation["source_end"]) == (
        citation["start"],
        citation["end"],
    )
    assert client.get(f"/v1/documents/{added['document_id']}").json()["characters"] == len(text)


def test_unknown_paths_and_methods_are_problems_too(client: TestClient) -> None:
    assert_problem(client.get("/v1/nothing"), 404, "not-found")
    response = client.get("/v1/answer")
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"
    assert client.put("/v1/documents/doc_a").headers["allow"] == "DELETE, GET"
    assert_problem(client.get("/v1/documents/"), 404, "not-found")


def test_nothing_internal_leaks(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("secret /path/to/somewhere")

    def full(*_arguments: object, **_options: object) -> None:
        raise StorageFull(f"The disk of {settings.data_dir} is full")

    with TestClient(create_app(settings, engine), LOCAL, raise_server_exceptions=False) as client:
        monkeypatch.setattr(type(engine.index), "search", broken)
        detail = assert_problem(
            client.post("/v1/answer", json={"question": "why"}), 500, "internal-error"
        )
        assert "secret" not in detail
        monkeypatch.setattr(type(engine.index), "put", full)
        response = client.post("/v1/documents", json={"source": "a.txt", "text": "Lemons."})
        assert str(settings.data_dir) not in assert_problem(response, 507, "storage-full")


def test_health_and_readiness(settings: Settings, engine: Engine, client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json()["status"] == "ok"
    missing = settings.model_copy(
        update={"embedder": "/no/such/model", "data_dir": settings.data_dir}
    )
    with TestClient(create_app(missing), LOCAL, raise_server_exceptions=False) as starting:
        assert starting.get("/healthz").status_code == 200
        response = starting.get("/readyz")
        assert response.status_code == 503
        response = starting.post("/v1/answer", json={"question": "why"})
        assert response.status_code == 503
        assert response.headers["retry-after"]


def test_the_openapi_document_says_what_there_is(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert {
        "/v1/answer", "/v1/search", "/v1/documents", "/v1/documents/{document_id}",
        "/v1/documents/{document_id}/text", "/v1/collections", "/v1/collections/{name}",
        "/healthz", "/readyz",
    } <= set(document["paths"])  # fmt: skip
    body = document["paths"]["/v1/documents"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", "multipart/form-data"}
    assert "examples" in json.dumps(document["components"]["schemas"]["AnswerRequest"])
    assert client.get("/docs").status_code == 200
