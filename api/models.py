"""Which models are in use, for people."""

from typing import Any

from api.settings import Settings
from index import bundled


def describe(settings: Settings, *, verify: bool) -> list[dict[str, Any]]:
    """One entry a model: its role, name, where it comes from, and its state, which is "prepared",
    "not prepared", "damaged" (only `verify` looks) or "on demand".
    """
    options = settings.embedder_options()
    reader = {
        "role": "reader",
        "name": "sentence-similarity",
        "source": "the embedder",
        "location": None,
        "state": "prepared",
    }
    if options.model != "default":
        embedder = {"name": options.model, "source": "QUOTH_EMBEDDER", "location": options.model}
        return [{"role": "embedder", **embedder, "state": "on demand"}, reader]
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
    return [{"role": "embedder", **embedder, "state": state}, reader]
