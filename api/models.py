"""Which models are in use, for people."""

from typing import Any

from api.settings import Settings
from index import bundled
from rag import reader_model


def describe(settings: Settings, *, verify: bool) -> list[dict[str, Any]]:
    """One entry a model: its role, name, where it comes from, and its state, which is "prepared",
    "not prepared", "damaged" (only `verify` looks) or "on demand".
    """
    options = settings.embedder_options()
    readers = [_reader(settings, verify=verify)]
    if settings.reranker:
        readers.append(_on_demand("reranker", settings.reranker, "QUOTH_RERANKER"))
    if options.model != "default":
        return [_on_demand("embedder", options.model, "QUOTH_EMBEDDER"), *readers]
    if not bundled.is_prepared(options.cache):
        state = "not prepared"
    elif verify and not bundled.verify(options.cache):
        state = "damaged"
    else:
        state = "prepared"
    embedder = {
        "name": bundled.NAME,
        "source": f"the package {bundled.PACKAGE}",
        "location": str(bundled.folder(options.cache)),
    }
    return [{"role": "embedder", **embedder, "state": state}, *readers]


def _on_demand(role: str, name: str, source: str) -> dict[str, Any]:
    return {
        "role": role, "name": name, "source": source, "location": name, "state": "on demand",
    }  # fmt: skip


def _reader(settings: Settings, *, verify: bool) -> dict[str, Any]:
    if settings.reader == "sentences":
        name, source, location, state = "sentence-similarity", "the embedder", None, "prepared"
    elif settings.reader == "default":
        cache = settings.embedder_options().cache
        folder = reader_model.folder(cache)
        name, source, location = reader_model.NAME, "shipped with Quoth", str(folder)
        state = "prepared" if reader_model.is_prepared(cache) else "not prepared"
        if verify and state == "prepared" and not reader_model.verify(cache):
            state = "damaged"
    else:
        return _on_demand("reader", settings.reader, "QUOTH_READER")
    return {"role": "reader", "name": name, "source": source, "location": location, "state": state}
