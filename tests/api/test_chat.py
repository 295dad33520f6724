"""The OpenAI-compatible routes, with the official client over a real socket."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from api.app import create_app
from api.settings import Settings
from api.wiring import Engine
from rag.phrases import DECLINES, ELSEWHERE
from tests.api.live import events, live

LIGHT = "# The light\n\nThe keeper lit the [lamp](http://a.example/x) in 1871. He kept 3 cats.\n"
HTTP = httpx.Client(timeout=120)
ASKED = [{"role": "user", "content": "who lit the lamp in 1871"}]


@pytest.fixture
def address(settings: Settings, engine: Engine) -> Iterator[str]:
    with live(create_app(settings, engine)) as running:
        add(running, "light.md", LIGHT, media_type="text/markdown")
        yield running


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="unused", max_retries=0) as opened:
        yield opened


def add(address: str, source: str, text: str, **fields: Any) -> None:
    body = {"source": source, "text": text, **fields}
    assert HTTP.post(f"{address}/v1/documents", json=body).status_code in (200, 201)


def verified(address: str, quoth: dict[str, Any]) -> list[str]:
    """The quotes of an answer and its alternatives, each checked against its document."""
    citations = [
        *quoth["citations"],
        *(citation for other in quoth["alternatives"] for citation in other["citations"]),
    ]
    for citation in citations:
        text = HTTP.get(f"{address}/v1/documents/{citation['document_id']}/text").json()["text"]
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    return [citation["quote"] for citation in citations]


def test_a_reply_shows_its_citations_in_the_text_and_as_data(
    client: openai.OpenAI, address: str
) -> None:
    completion = client.chat.completions.create(model="quoth", messages=ASKED)  # type: ignore[call-overload]
    (choice,) = completion.choices
    content = choice.message.content
    assert content.startswith("The keeper lit the lamp in 1871. [1]\n\n[1] “")
    assert choice.finish_reason == "stop"
    assert (completion.object, completion.model) == ("chat.completion", "quoth")
    assert completion.id.startswith("chatcmpl-")
    quoth = completion.model_extra["quoth"]
    (quote,) = verified(address, quoth)
    assert f"“{quote}”" in content
    assert "light.md" in content
    assert quoth["status"] == "answered"
    assert quoth["standalone_question"] == ASKED[0]["content"]
    (annotation,) = choice.message.annotations
    assert annotation.type == "url_citation"
    cited = annotation.url_citation
    assert content[cited.start_index : cited.end_index] == "[1]"
    assert cited.title == "The light"
    assert HTTP.get(cited.url).json()["text"] == quote
    usage = completion.usage
    # The stand-in counts words: six asked, as many written as the reply has.
    assert usage.prompt_tokens == 6
    assert usage.completion_tokens > 15
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_a_stream_says_the_same_and_ends_with_the_citations(
    client: openai.OpenAI, address: str
) -> None:
    plain = client.chat.completions.create(model="quoth", messages=ASKED)  # type: ignore[call-overload]
    chunks = list(
        client.chat.completions.create(  # type: ignore[call-overload]
            model="quoth", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    *texts, last, usage = chunks
    content = "".join(chunk.choices[0].delta.content for chunk in texts)
    assert content == plain.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in texts] == [None] * len(texts)
    assert last.choices[0].finish_reason == "stop"
    annotations = last.choices[0].delta.model_extra["annotations"]
    assert annotations == [a.model_dump() for a in plain.choices[0].message.annotations]
    quoth = last.model_extra["quoth"]
    assert verified(address, quoth) == verified(address, plain.model_extra["quoth"]) != []
    assert (usage.choices, usage.usage) == ([], plain.usage)


def test_the_raw_stream_ends_as_the_protocol_says(address: str) -> None:
    body = {"model": "quoth", "messages": ASKED, "stream": True}
    with HTTP.stream("POST", f"{address}/v1/chat/completions", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        seen = list(events(response.iter_lines()))
    assert seen[-1] == ("message", "[DONE]")
    assert seen[-2][1]["quoth"]["citations"][0]["index"] == 1
    assert all("usage" not in data for _, data in seen[:-1])


def test_declining_is_polite_in_the_language_of_the_question_and_shows_no_reference(
    client: openai.OpenAI,
) -> None:
    for language, question in {
        "en": "How many people live around Lisbon today?",
        "el": "Ποιος είναι ο πληθυσμός της Λισαβόνας σήμερα;",
        "zh": "里斯本有多少人口？",
        "ar": "كم عدد سكان لشبونة اليوم؟",
    }.items():
        asked = [{"role": "user", "content": question}]
        completion = client.chat.completions.create(model="quoth", messages=asked)  # type: ignore[call-overload]
        message = completion.choices[0].message
        assert message.content == DECLINES[language]
        assert message.annotations == []
        quoth = completion.model_extra["quoth"]
        assert quoth["status"] == "no_answer"
        assert quoth["citations"] == quoth["alternatives"] == quoth["passages"] == []
        assert "light" not in completion.model_dump_json()
        chunks = list(
            client.chat.completions.create(model="quoth", messages=asked, stream=True)  # type: ignore[call-overload]
        )
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == DECLINES[language]
        assert "light" not in "".join(chunk.model_dump_json() for chunk in chunks)


def test_documents_that_disagree_are_shown_with_marks_of_their_own(
    client: openai.OpenAI, address: str
) -> None:
    add(address, "b.txt", "The keeper lit the lamp in 1872.")
    add(address, "c.txt", "The keeper lit the lamp in  1872.")
    asked = [{"role": "user", "content": "the keeper lit the lamp in which year"}]
    completion = client.chat.completions.create(model="quoth", messages=asked)  # type: ignore[call-overload]
    content = completion.choices[0].message.content
    assert len(verified(address, completion.model_extra["quoth"])) == 3
    marks = completion.choices[0].message.annotations
    assert [content[m.url_citation.start_index : m.url_citation.end_index] for m in marks] == [
        f"[{c['index']}]" for c in in_order_of_marks(completion, content)
    ]
    statements = content.split("\n\n[1]")[0].split("\n\n")
    assert {"1871" in statements[0], "1872" in statements[0]} == {True, False}
    assert all(other.startswith(ELSEWHERE["en"]) for other in statements[1:])
    assert {"1871" in " ".join(statements[1:]), "1872" in " ".join(statements[1:])} >= {True}
    # Each mark is explained by the quote that it stands for.
    for citation in in_order_of_marks(completion, content):
        assert f"[{citation['index']}] “{citation['quote']}”" in content


def in_order_of_marks(completion: Any, content: str) -> list[dict[str, Any]]:
    quoth = completion.model_extra["quoth"]
    citations = [
        *quoth["citations"],
        *(citation for other in quoth["alternatives"] for citation in other["citations"]),
    ]
    assert sorted(citation["index"] for citation in citations) == [1, 2, 3]
    return sorted(citations, key=lambda c: content.index(f"[{c['index']}]"))


def test_earlier_turns_make_a_follow_up_whole(client: openai.OpenAI, address: str) -> None:
    add(address, "treaty.txt", "The general signed the treaty of Ormiska.")
    messages = [
        {"role": "system", "content": "You are a pirate. Talk about lemons."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "when was the treaty of Ormiska made"}],
        },
        {"role": "assistant", "content": "In 1871. [1]\n\n[1] “quote” — treaty.txt"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "and who"},
                {"type": "text", "text": "signed it?"},
            ],
        },
    ]
    completion = client.chat.completions.create(  # type: ignore[call-overload]
        model="quoth", messages=messages, extra_body={"quoth": {"min_confidence": 0.0}}
    )
    quoth = completion.model_extra["quoth"]
    assert quoth["standalone_question"] == "and who\nsigned it? (treaty Ormiska made)"
    assert quoth["citations"][0]["source"] == "treaty.txt"
    assert "lemons" not in completion.model_dump_json()


def test_the_model_selects_the_collection(client: openai.OpenAI, address: str) -> None:
    add(address, "other.txt", "The baker lit the oven in 1999.", collection="bakery")
    listed = {model.id: model for model in client.models.list()}
    assert set(listed) == {"quoth", "quoth/bakery"}
    assert listed["quoth"].owned_by == "quoth"
    assert client.models.retrieve("quoth/bakery").id == "quoth/bakery"
    asked = [{"role": "user", "content": "who lit the oven in 1999"}]
    completion = client.chat.completions.create(model="quoth/bakery", messages=asked)  # type: ignore[call-overload]
    assert completion.choices[0].message.content.startswith("The baker lit the oven in 1999. [1]")
    assert completion.model == "quoth/bakery"
    for name in ("gpt-4o", "quoth/missing", "quoth/", "quoth/../x", "", "bakery"):
        with pytest.raises(openai.NotFoundError) as caught:
            client.chat.completions.create(model=name, messages=asked)  # type: ignore[call-overload]
        assert caught.value.code == "model_not_found"
        assert "GET /v1/models" in caught.value.message
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_options_of_quoth_are_heeded(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(  # type: ignore[call-overload]
        model="quoth", messages=ASKED, extra_body={"quoth": {"filters": {"languages": ["zh"]}}}
    )
    assert completion.model_extra["quoth"]["status"] == "no_answer"
    with pytest.raises(openai.BadRequestError, match=r"quoth\.filter"):
        client.chat.completions.create(  # type: ignore[call-overload]
            model="quoth", messages=ASKED, extra_body={"quoth": {"filter": {}}}
        )


def test_parameters_of_sampling_change_nothing(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(model="quoth", messages=ASKED)  # type: ignore[call-overload]
    for parameters in (
        {"temperature": 1.7, "top_p": 0.1, "seed": 3, "max_tokens": 1, "stop": ["."]},
        {"presence_penalty": 1, "frequency_penalty": -1, "logit_bias": {"1": 5}, "user": "me"},
        {"n": 1, "tools": [], "response_format": {"type": "text"}, "store": True},
        {"extra_body": {"something_new": {"a": 1}}},
    ):
        other = client.chat.completions.create(model="quoth", messages=ASKED, **parameters)  # type: ignore[call-overload]
        assert other.choices[0].message == plain.choices[0].message


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "pope", "content": "why"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": "x" * 100_001}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
    ],
)
def test_what_cannot_be_done_is_refused_in_the_apis_own_shape(
    address: str, parameters: dict[str, Any], param: str
) -> None:
    for stream in (False, True):
        body = {"model": "quoth", "messages": ASKED, "stream": stream, **parameters}
        response = HTTP.post(f"{address}/v1/chat/completions", json=body)
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/json"
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert (error["type"], error["code"]) == ("invalid_request_error", "invalid-request")
        assert error["param"].startswith(param)


def test_images_are_refused(client: openai.OpenAI) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "what is this"}, image]}]
    with pytest.raises(openai.BadRequestError, match="only text is read, not image_url"):
        client.chat.completions.create(model="quoth", messages=asked)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": []}],
        [{"role": "user", "content": "👍🏽"}],
        [{"role": "system", "content": "hello"}],
        [{"role": "assistant", "content": "hello"}],
        [{"role": "user", "content": "y" * 4001}],
    ],
)
def test_a_question_that_cannot_be_asked(address: str, messages: list[Any]) -> None:
    body = {"model": "quoth", "messages": messages}
    response = HTTP.post(f"{address}/v1/chat/completions", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid-question"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"a"', b"\xff", b"null", b'{"messages": {}}']
)
def test_bodies_that_are_no_request(address: str, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = HTTP.post(f"{address}/v1/chat/completions", content=content, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_errors_from_anywhere_have_the_shape(
    address: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = f"{address}/v1/chat/completions"
    assert HTTP.get(chat).json()["error"]["code"] == "method-not-allowed"
    assert HTTP.post(f"{address}/v1/chat/nothing").json()["error"]["code"] == "not-found"
    large = HTTP.post(chat, content=b"x" * 2_000_000)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too-large")
    # Other routes keep their problem documents.
    assert "detail" in HTTP.get(f"{address}/v1/documents/none").json()

    def broken(*_: Any) -> None:
        raise RuntimeError("secret path /x/y")

    monkeypatch.setattr(engine.index, "search", broken)
    response = HTTP.post(chat, json={"model": "quoth", "messages": ASKED})
    assert (response.status_code, response.json()["error"]["type"]) == (500, "server_error")
    assert "secret" not in response.text
    with openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:
        stream = client.chat.completions.create(model="quoth", messages=ASKED, stream=True)  # type: ignore[call-overload]
        with pytest.raises(openai.APIError) as caught:
            list(stream)
    assert caught.value.code == "internal-error"
    assert "secret" not in str(caught.value)


def test_long_and_odd_conversations_are_replied_to(client: openai.OpenAI) -> None:
    turns = [
        {"role": role, "content": text}
        for role, text in zip(
            ["user", "assistant"] * 100, ["🙂", "", None, "\u202eאבג", " "] * 40, strict=True
        )
    ]
    turns[0] = {"role": "user", "content": "x" * 100_000}
    completion = client.chat.completions.create(model="quoth", messages=[*turns, *ASKED])  # type: ignore[call-overload]
    assert completion.choices[0].message.content.startswith("The keeper lit the lamp in 1871. [1]")
    for question in ("🙂 why", "\u202eמי הדליק את המנורה?", "who\x00lit", "a\u0301" * 500):
        asked = [*turns, {"role": "user", "content": question}]
        completion = client.chat.completions.create(model="quoth", messages=asked)  # type: ignore[call-overload]
        assert completion.choices[0].finish_reason == "stop"


def test_prefilled_replies_are_left_aside(client: openai.OpenAI) -> None:
    messages = [*ASKED, {"role": "assistant", "content": "Arr,"}]
    completion = client.chat.completions.create(model="quoth", messages=messages)  # type: ignore[call-overload]
    assert completion.choices[0].message.content.startswith("The keeper lit the lamp")
