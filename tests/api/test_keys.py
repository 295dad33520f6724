"""Keys: how they are kept, what they open, and that no route is without them."""

import json
import re
import sqlite3
import stat
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from api import cli
from api.access import FAILURES_AT_ONCE, OPEN_PATHS, Access, address_of, is_loopback
from api.app import create_app
from api.cli_keys import expiry
from api.keys import FILE, KeyStore, Scope, UnknownKey
from api.rates import Rates
from api.scoped import ScopedIndex, ScopedStore, scoped
from api.settings import Settings
from api.wiring import Engine
from documents.load import Raw
from index.errors import InvalidRequest, UnknownCollection, UnknownDocument
from index.local import LocalIndex
from index.store import Store
from tests import LOCAL
from tests.api.test_http import add, assert_problem

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> Iterator[KeyStore]:
    store = KeyStore(tmp_path / "data", clock)
    yield store
    store.close()


def test_a_key_is_kept_as_its_hash_alone(keys: KeyStore) -> None:
    key, text = keys.create("phone", ["read"])
    assert re.fullmatch(rf"quoth_{key.id}_[\w-]{{43}}", text)
    secret = text[19:]
    keys.close()
    for path in keys.path.parent.iterdir():
        assert secret.encode() not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyStore(keys.path.parent).verify(text) is not None


def test_what_opens_and_what_does_not(keys: KeyStore, clock: Clock) -> None:
    assert not keys.any()
    key, text = keys.create("a", ["read"], expires_at=NOW + timedelta(hours=1))
    assert keys.verify(text) == key
    last = "A" if text[-1] != "A" else "B"
    for wrong in (text[:-1], text[:-1] + last, text + "x", "", "quoth_", text.upper(), "é" * 62):
        assert keys.verify(wrong) is None, wrong
    clock.now += timedelta(hours=1)
    assert keys.verify(text) is None
    assert keys.list()[0].state(clock()) == "expired"
    other, other_text = keys.create("b", ["read"])
    assert keys.revoke(other.id).revoked_at == clock.now
    assert keys.verify(other_text) is None
    assert keys.any()
    assert not keys.any_active()
    with pytest.raises(UnknownKey, match="quoth keys list"):
        keys.revoke("ffffffffffff")


def test_two_stores_see_each_other_at_once(keys: KeyStore) -> None:
    other = KeyStore(keys.path.parent)
    assert not other.any()
    key, text = keys.create("a", ["write"])
    seen = other.verify(text)
    assert seen is not None
    assert seen.scopes == {"write"}
    other.revoke(key.id)
    assert keys.verify(text) is None
    other.close()


def test_use_is_noted_once_a_minute(keys: KeyStore, clock: Clock) -> None:
    _key, text = keys.create("a", ["read"])

    def use() -> datetime | None:
        key = keys.verify(text)
        assert key is not None
        keys.used(key)
        return keys.list()[0].last_used_at

    assert use() == NOW
    clock.now += timedelta(seconds=59)
    assert use() == NOW
    clock.now += timedelta(seconds=1)
    assert use() == clock.now
    # A clock set back does not stop the noting for good, nor break anything.
    clock.now -= timedelta(days=1)
    assert use() == NOW + timedelta(minutes=1)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
def test_names_that_cannot_be(keys: KeyStore, name: str) -> None:
    with pytest.raises(InvalidRequest):
        keys.create(name, ["read"])
    assert not keys.any()


@pytest.mark.parametrize(
    ("text", "after"),
    [("12h", timedelta(hours=12)), ("30d", timedelta(days=30)), ("2w", timedelta(weeks=2))],
)
def test_expiry(text: str, after: timedelta) -> None:
    assert expiry(text, NOW) == NOW + after
    assert expiry("2030-02-01", NOW) == datetime(2030, 2, 1, tzinfo=UTC)
    assert expiry("", NOW) is None
    for wrong in ("soon", "12", "3y", "2030-13-01", "999999w"):
        with pytest.raises(InvalidRequest):
            expiry(wrong, NOW)


def test_buckets_fill_again_and_are_bounded() -> None:
    now = 0.0
    rates = Rates(lambda: now, max_buckets=100)
    assert [rates.take("a", 60, 3) for _ in range(3)] == [0, 0, 0]
    assert rates.take("a", 60, 3) == pytest.approx(1.0)
    assert rates.wait("a", 60, 3) == pytest.approx(1.0)
    assert rates.wait("b", 60, 3) == 0
    now = 1.0
    assert rates.take("a", 60, 3) == 0
    now = 0.5  # the clock goes back
    assert rates.take("a", 60, 3) == pytest.approx(1.0)
    now = 1000.0
    assert [rates.take("a", 60, 3) for _ in range(4)][:3] == [0, 0, 0]
    for number in range(1000):
        rates.take(str(number), 60, 3)
    assert len(rates) == 100


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.0.2", False),
        ("quoth.example", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_one_client_cannot_use_many_addresses() -> None:
    def address(host: str) -> str:
        return address_of({"client": (host, 1)})

    assert address("2001:db8::1") == address("2001:db8::ffff:1") == "2001:db8::/64"
    assert address("::ffff:10.0.0.1") == address("10.0.0.1") == "10.0.0.1"


# Over HTTP


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def make(settings: Settings, *scopes: Scope, **fields: object) -> str:
    _key, text = KeyStore(settings.data_dir).create("test", scopes or ("read",), **fields)  # type: ignore[arg-type]
    return text


def test_without_keys_it_is_open_and_the_first_key_closes_it(
    client: TestClient, settings: Settings
) -> None:
    assert client.get("/v1/collections").status_code == 200
    assert "security" not in client.get("/openapi.json").json()
    text = make(settings)
    document = client.get("/openapi.json").json()
    assert document["security"] == [{"key": []}, {"header": []}]
    assert document["paths"]["/healthz"]["get"]["security"] == []
    response = client.get("/v1/collections")
    assert "quoth keys create" in assert_problem(response, 401, "key-required")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert client.get("/v1/collections", headers=bearer(text)).status_code == 200
    assert client.get("/v1/collections", headers={"X-API-Key": text}).status_code == 200
    response = client.get("/v1/collections", headers=bearer(text + "x"))
    assert text not in assert_problem(response, 401, "invalid-key")
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_revoked_at_once(client: TestClient, settings: Settings) -> None:
    text = make(settings)
    assert client.get("/v1/collections", headers=bearer(text)).status_code == 200
    store = KeyStore(settings.data_dir)
    store.revoke(store.list()[0].id)
    assert_problem(client.get("/v1/collections", headers=bearer(text)), 401, "invalid-key")


def test_an_exposed_service_is_never_open(settings: Settings, engine: Engine) -> None:
    exposed = settings.model_copy(update={"host": "0.0.0.0"})
    with TestClient(create_app(exposed, engine), LOCAL) as client:
        assert_problem(client.get("/v1/collections"), 401, "key-required")
        assert client.get("/healthz").json() == {"status": "ok", "detail": ""}


def test_a_page_from_elsewhere_cannot_use_an_open_service(client: TestClient) -> None:
    body = {"source": "a.txt", "text": "Lemons."}
    for origin in ("https://evil.example", "null", "http://["):
        response = client.post("/v1/documents", json=body, headers={"Origin": origin})
        assert "QUOTH_CORS_ORIGINS" in assert_problem(response, 403, "cross-origin")
    response = client.post("/v1/documents", json=body, headers={"Origin": "http://localhost:8000"})
    assert response.status_code == 201


def test_a_name_that_was_made_to_lead_here_opens_nothing(
    client: TestClient, settings: Settings, engine: Engine
) -> None:
    """A browser tells no origin where a page asks its own name, wherever that leads by now."""
    for name in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::2]:80", "::"):
        response = client.get("/v1/collections", headers={"Host": name})
        assert "QUOTH_CORS_ORIGINS" in assert_problem(response, 403, "cross-origin")
    for name in ("127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "127.9.9.9"):
        assert client.get("/v1/collections", headers={"Host": name}).status_code == 200
    listed = settings.model_copy(update={"cors_origins": "https://quoth.example"})
    with TestClient(create_app(listed, engine), LOCAL) as proxied:
        name = {"Host": "quoth.example"}
        assert proxied.get("/v1/collections", headers=name).status_code == 200
        name = {"Host": "other.example"}
        assert_problem(proxied.get("/v1/collections", headers=name), 403, "cross-origin")


def test_a_key_may_be_used_so_often(client: TestClient, settings: Settings) -> None:
    text = make(settings, rate_per_minute=5)
    codes = [client.get("/v1/collections", headers=bearer(text)).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]
    response = client.get("/v1/collections", headers=bearer(text))
    assert_problem(response, 429, "rate-limited")
    assert 1 <= int(response.headers["retry-after"]) <= 12
    assert client.get("/v1/collections", headers=bearer(make(settings))).status_code == 200


def test_guessing_is_limited(client: TestClient, settings: Settings) -> None:
    text = make(settings)
    codes = []
    for number in range(FAILURES_AT_ONCE + 5):
        guess = f"quoth_{text[6:18]}_{number:043d}"
        codes.append(client.get("/v1/collections", headers=bearer(guess)).status_code)
    assert codes == [401] * FAILURES_AT_ONCE + [429] * 5
    # The right key is not told from a wrong one now: guessing on would be of no use.
    response = client.get("/v1/collections", headers=bearer(text))
    assert_problem(response, 429, "rate-limited")
    assert int(response.headers["retry-after"]) >= 1
    assert client.get("/healthz").status_code == 200


JOB = "job_0123456789abcdef0123"
SECRET = "Zanzibar"
"""A word that only the other collection's document holds."""


@pytest.fixture
def two(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> tuple[TestClient, str, str]:
    """A service with a document in `mine` and one in `theirs`, the id of the latter, and a key
    with every scope that sees `mine` alone.
    """
    add(client, "mine.txt", "The keeper lit the lamp.", collection="mine")
    theirs = add(client, "theirs.txt", f"The keeper sailed to {SECRET}.", collection="theirs")
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(JOB.removeprefix("job_").ljust(32, "0")))
    client.app.state.quoth.jobs.add("theirs", [Raw(b"Theirs.", "theirs.txt", "theirs.txt")])  # type: ignore[attr-defined]
    key = make(settings, "read", "write", "metrics", collections=["mine", "unmade"])
    return client, theirs["document_id"], key


# How each route is asked for what the key may not see, by method and path of the OpenAPI document.
# A route that is missing here fails the test below: add how it would reach another collection's
# documents, or None where it takes nothing that could.
Probe = dict[str, object] | None
PROBES: dict[tuple[str, str], Probe] = {
    ("POST", "/v1/answer"): {"json": {"question": SECRET, "collection": "theirs"}},
    ("POST", "/v1/search"): {"json": {"query": SECRET, "collection": "theirs"}},
    ("GET", "/v1/documents"): {"params": {"collection": "theirs"}},
    ("POST", "/v1/documents"): {
        "json": {"source": "theirs.txt", "text": "Overwritten.", "collection": "theirs"}
    },
    ("GET", "/v1/documents/{document_id}"): {},
    ("DELETE", "/v1/documents/{document_id}"): {},
    ("GET", "/v1/documents/{document_id}/text"): {},
    ("GET", "/v1/collections"): None,
    ("POST", "/v1/collections"): {"json": {"name": "theirs"}},
    ("DELETE", "/v1/collections/{name}"): {},
    ("POST", "/v1/chat/completions"): {
        "json": {"model": "quoth/theirs", "messages": [{"role": "user", "content": SECRET}]}
    },
    ("GET", "/v1/models"): None,
    ("GET", "/v1/models/{model}"): {},
    ("GET", "/metrics"): None,
    ("GET", "/v1/jobs"): None,
    ("GET", "/v1/jobs/{job_id}"): {},
    ("DELETE", "/v1/jobs/{job_id}"): {},
}


def operations(client: TestClient) -> list[tuple[str, str]]:
    document = client.get("/openapi.json").json()
    return sorted(
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    )


def filled(path: str, document_id: str) -> str:
    values = {"document_id": document_id, "name": "theirs", "model": "quoth/theirs"}
    values["job_id"] = JOB
    return re.sub(r"{(\w+)}", lambda match: values.get(match[1], "x"), path)


def assert_refused(response: httpx.Response, path: str, status: int, name: str) -> None:
    """In the shape of errors that the route has."""
    if not path.startswith(("/v1/chat/", "/v1/models")):
        assert_problem(response, status, name)
        return
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error"}
    assert response.json()["error"]["code"] == name


def test_every_route_needs_a_key(two: tuple[TestClient, str, str]) -> None:
    client, theirs, _key = two
    listed = operations(client)
    assert ("POST", "/v1/answer") in listed
    for method, path in listed:
        response = client.request(method, filled(path, theirs))
        if path in OPEN_PATHS:
            assert response.status_code == 200, path
            assert SECRET not in response.text
            assert "theirs" not in response.text
        else:
            assert_refused(response, path, 401, "key-required")
    # Paths that nobody knows are behind it too.
    assert_problem(client.get("/v1/no-such-route"), 401, "key-required")


def test_every_route_needs_the_scope(two: tuple[TestClient, str, str], settings: Settings) -> None:
    client, theirs, _key = two
    for scope in ("read", "write", "metrics"):
        headers = bearer(make(settings, scope))  # type: ignore[arg-type]
        allowed = set()
        for method, path in operations(client):
            response = client.request(method, re.sub("{.*?}", "nowhere", path), headers=headers)
            if response.status_code == 403:
                assert_refused(response, path, 403, "insufficient-scope")
                assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
            elif path not in OPEN_PATHS:
                allowed.add((method, path))
        reading = {o for o in operations(client) if o[0] == "GET"} | {
            ("POST", "/v1/answer"),
            ("POST", "/v1/search"),
            ("POST", "/v1/chat/completions"),
        }
        metrics = {("GET", "/metrics")}
        everything = {o for o in operations(client) if o[1] not in OPEN_PATHS}
        expected = {
            "read": reading - metrics,
            "write": everything - reading,
            "metrics": metrics,
        }
        assert allowed == expected[scope] & everything
    assert client.get(f"/v1/documents/{theirs}", headers=bearer(make(settings))).status_code == 200


def test_no_route_shows_another_collection(
    two: tuple[TestClient, str, str], settings: Settings
) -> None:
    client, theirs, key = two
    for operation in operations(client):
        method, path = operation
        if path in OPEN_PATHS:
            continue
        assert operation in PROBES, f"say in PROBES how {operation} could reach other collections"
        probe = PROBES[operation]
        response = client.request(
            method, filled(path, theirs), headers=bearer(key), **(probe or {})
        )  # type: ignore[arg-type]
        assert SECRET not in response.text, operation
        assert "theirs.txt" not in response.text, operation
        if probe is not None:
            assert response.status_code == 404, operation
    whole = bearer(make(settings))
    document = client.get(f"/v1/documents/{theirs}", headers=whole).json()
    assert document["text"] == f"The keeper sailed to {SECRET}."
    names = [c["name"] for c in client.get("/v1/collections", headers=whole).json()["collections"]]
    assert names == ["mine", "theirs"]
    mine = client.get("/v1/collections", headers=bearer(key)).json()["collections"]
    assert [collection["name"] for collection in mine] == ["mine"]


def test_forbidden_and_unknown_are_word_for_word_the_same(
    two: tuple[TestClient, str, str],
) -> None:
    client, theirs, key = two
    headers = bearer(key)

    def told(response: httpx.Response, name: str) -> str:
        assert response.status_code == 404
        return response.text.replace(name, "NAME")

    for operation, probe in PROBES.items():
        method, path = operation
        if probe is None:
            continue
        body = json.loads(json.dumps(probe).replace('theirs"', 'nowhere"'))
        forbidden = client.request(method, filled(path, theirs), headers=headers, **probe)  # type: ignore[arg-type]
        missing = "doc_00000000000000000000"
        other = filled(path, missing).replace("/theirs", "/nowhere")
        unknown = client.request(method, other, headers=headers, **body)
        if "document_id" in path:
            assert told(forbidden, theirs) == told(unknown, missing)
        elif "job_id" in path:
            unknown = client.request(method, path.format(job_id="job_none"), headers=headers)
            assert told(forbidden, JOB) == told(unknown, "job_none")
        else:
            assert told(forbidden, "theirs") == told(unknown, "nowhere")


@pytest.mark.parametrize("operation", [("POST", "/v1/answer"), ("POST", "/v1/chat/completions")])
def test_streams_show_no_other_collection(
    two: tuple[TestClient, str, str], operation: tuple[str, str]
) -> None:
    client, _theirs, key = two
    probe = json.loads(json.dumps(PROBES[operation]))
    body = {**probe["json"], "stream": True}
    response = client.post(operation[1], json=body, headers=bearer(key))
    assert response.status_code == 404
    assert "text/event-stream" not in response.headers["content-type"]
    assert SECRET not in response.text
    mine = json.loads(json.dumps(body).replace('theirs"', 'mine"'))
    streamed = client.post(operation[1], json=mine, headers=bearer(key))
    assert streamed.status_code == 200
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert "theirs.txt" not in streamed.text


def test_models_are_the_collections_that_a_key_sees(two: tuple[TestClient, str, str]) -> None:
    client, _theirs, key = two

    def listed(text: str) -> list[str]:
        models = client.get("/v1/models", headers=bearer(text)).json()["data"]
        return [model["id"] for model in models]

    assert listed(key) == ["quoth/mine"]
    response = client.get("/v1/models/quoth", headers=bearer(key))
    assert_refused(response, "/v1/models", 404, "model_not_found")


def test_errors_of_keys_have_the_shape_of_the_route(client: TestClient, settings: Settings) -> None:
    text = make(settings, rate_per_minute=1)
    body = {"model": "quoth/none", "messages": [{"role": "user", "content": "why"}]}
    path = "/v1/chat/completions"
    response = client.post(path, json=body, headers=bearer(text + "x"))
    assert_refused(response, path, 401, "invalid-key")
    assert response.json()["error"]["type"] == "authentication_error"
    assert response.headers["www-authenticate"].startswith("Bearer")
    response = client.post(path, json=body, headers=bearer(make(settings, "write")))
    assert_refused(response, path, 403, "insufficient-scope")
    assert response.json()["error"]["type"] == "permission_error"
    response = client.post(path, json=body, headers=bearer(text))
    assert_refused(response, path, 404, "model_not_found")
    response = client.post(path, json=body, headers=bearer(text))
    assert_refused(response, path, 429, "rate-limited")
    assert response.json()["error"]["type"] == "rate_limit_error"
    assert int(response.headers["retry-after"]) >= 1
    assert response.headers["x-request-id"]


def test_a_key_uses_its_own_collections(two: tuple[TestClient, str, str]) -> None:
    client, _theirs, key = two
    client.headers.update(bearer(key))
    found = client.post("/v1/answer", json={"question": "keeper lamp", "collection": "mine"}).json()
    assert found["answer"] == "The keeper lit the lamp."
    document = add(client, "new.txt", "A new text.", collection="unmade")["document_id"]
    assert client.get(f"/v1/documents/{document}").json()["collection"] == "unmade"
    assert client.get(f"/v1/documents/{document}/text").json()["text"] == "A new text."
    assert client.delete(f"/v1/documents/{document}").status_code == 204
    assert client.delete("/v1/collections/unmade").status_code == 204


def test_the_view_of_the_index_knows_every_method(engine: Engine) -> None:
    """A method added to the index is either guarded here, or named as one that routes do not get."""
    withheld = {"close", "snapshot", "search_vector", "scores"}
    withheld_of_store = {
        "close", "embedder", "check_embedder", "put", "remove", "alignment", "last_change",
        "changes", "allowed_chunks", "hits", "keyword_matches", "languages", "collection_ids",
    }  # fmt: skip

    def public(cls: type) -> set[str]:
        names = {name for each in cls.__mro__[:-1] for name in vars(each)}
        return {name for name in names if not name.startswith("_")}

    assert public(LocalIndex) - withheld == public(ScopedIndex) - {"embedder"}
    assert public(Store) - withheld_of_store == public(ScopedStore)
    view = scoped(engine.index, Access(collections=frozenset({"mine"})))
    with pytest.raises(UnknownCollection):
        view.search("x", "theirs", 1)
    with pytest.raises(UnknownDocument):
        view.alignment("doc_none")
    with pytest.raises(AttributeError):
        view.snapshot("mine")


# On the command line


def test_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUOTH_DATA_DIR", str(tmp_path / "data"))
    made = ["keys", "create", "phone", "--scope", "read", "--scope", "write", "--rate", "9"]
    assert cli.run([*made, "--collection", "news", "--expires", "30d"]) == 0
    text = capsys.readouterr().out.strip()
    key = KeyStore(tmp_path / "data").verify(text)
    assert key is not None
    assert (key.name, key.scopes, key.collections, key.rate_per_minute) == (
        "phone", {"read", "write"}, {"news"}, 9,
    )  # fmt: skip
    assert cli.run(["keys", "list"]) == 0
    shown = capsys.readouterr().out
    assert key.id in shown
    assert text not in shown
    assert "active" in shown
    assert cli.run(["keys", "revoke", key.id]) == 0
    assert cli.run(["keys", "list", "--json"]) == 0
    output = capsys.readouterr().out
    (listed,) = json.loads(output[output.index("{") :])["keys"]
    assert (listed["state"], listed["collections"]) == ("revoked", ["news"])
    assert cli.run(["keys", "revoke", "nobody"]) == 1
    assert "quoth keys list" in capsys.readouterr().err
    assert cli.run(["keys", "create", "x", "--expires", "soon"]) == 2
    assert cli.run(["keys", "create", "x", "--collection", "../x"]) == 2


def test_a_damaged_key_file_opens_nothing(client: TestClient, settings: Settings) -> None:
    text = make(settings)
    path = settings.data_dir / FILE
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path.write_bytes(b"not a database at all" * 1000)
    response = client.get("/v1/collections", headers=bearer(text))
    assert str(settings.data_dir) not in assert_problem(response, 503, "storage-unavailable")
