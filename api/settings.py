"""One typed settings object, from `QUOTH_*` environment variables and `.env`."""

import os
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from dotenv import dotenv_values
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from documents.load import MAX_BYTES
from index.embedder import EmbedderOptions, Precision
from index.hybrid import SearchOptions
from index.vector_options import VectorOptions

PREFIX = "QUOTH_"


class InvalidSettings(Exception):
    """A setting is unknown or out of its bounds; the message names it."""


class Settings(BaseSettings):
    """Everything that can be set. Each field `name` is read from `QUOTH_NAME`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, validate_default=True
    )

    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("quoth")),
        description="Folder of the documents and their index.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("quoth")),
        description="Folder of prepared models.",
    )
    embedder: Annotated[str, Field(min_length=1)] = Field(
        "default", description="`default`, or a sentence-transformers name or folder."
    )
    precision: Precision = Field("auto", description="Arithmetic of the models.")
    neutral: Literal["auto", "off"] = Field(
        "auto", description="Language-neutral map: where one fits the embedder, or never."
    )
    reader: Annotated[str, Field(min_length=1)] = Field(
        "default",
        description="`default`, `sentences` (no model of its own), or the name or folder of a "
        "transformers question-answering model.",
    )
    reranker: str = Field(
        "",
        description="Name or folder of a sentence-transformers cross-encoder that orders the "
        "passages; none by default, the reader does.",
    )
    keywords: Literal["auto", "off"] = Field(
        "auto", description="Search by keywords beside the vectors, or never."
    )
    chunk_tokens: Annotated[int, Field(ge=32, le=8192)] = Field(
        256, description="Tokens of a chunk at most."
    )
    exact_up_to: Annotated[int, Field(ge=1000, le=100_000_000)] = Field(
        VectorOptions().exact_up_to,
        description="Passages of a collection up to which a search compares every one.",
    )
    max_document_bytes: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        MAX_BYTES, description="Largest document that is read."
    )
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Confidence an answer must reach; unset, the calibrated default."
    )
    host: str = Field("127.0.0.1", description="Address the service listens on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8000, description="Port it listens on.")
    cors_origins: str = Field(
        "", description="Web origins that may ask from a browser, with commas; none by default."
    )
    trusted_proxies: str = Field(
        "", description="Addresses of proxies whose X-Forwarded-For is believed, with commas."
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="Processes that serve one data folder."
    )
    running_requests: Annotated[int, Field(ge=1, le=1000)] = Field(
        32, description="Requests worked on at once, in each process."
    )
    waiting_requests: Annotated[int, Field(ge=0, le=100_000)] = Field(
        128, description="Requests that wait beside them; more are refused."
    )
    request_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        120, description="A request without an answer after this is given up."
    )
    shutdown_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        30, description="How long requests in flight may take to finish when it stops."
    )
    drain_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        0, description="How long it still serves, but says it is not ready, before it stops."
    )
    waiting_files: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        10_000, description="Files of jobs that may wait."
    )
    waiting_bytes: Annotated[int, Field(ge=1, le=1_000_000_000_000)] = Field(
        2_000_000_000, description="Their bytes."
    )
    batch_queries: bool = Field(True, description="Embed questions of several clients together.")
    tracing: bool = Field(
        False, description="Send OpenTelemetry traces, as the `OTEL_` variables say (extra `otel`)."
    )
    log_format: Literal["text", "json"] = Field("text", description="Form of the log lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="Least severe log lines that are printed."
    )

    @property
    def neutral_dir(self) -> Path:
        """Folder of language-neutral maps that were fitted on this machine."""
        return self.cache_dir / "neutral"

    @property
    def origins(self) -> tuple[str, ...]:
        """The web origins of `cors_origins`."""
        return tuple(
            part.strip().rstrip("/") for part in self.cors_origins.split(",") if part.strip()
        )

    def embedder_options(self) -> EmbedderOptions:
        """What the embedder needs of the settings."""
        return EmbedderOptions(
            cache=self.cache_dir / "models", model=self.embedder, precision=self.precision
        )

    def search_options(self) -> SearchOptions:
        """What searching needs of the settings."""
        return SearchOptions(keywords=self.keywords == "auto")

    def vector_options(self) -> VectorOptions:
        """What searching vectors needs of the settings."""
        return VectorOptions(exact_up_to=self.exact_up_to)


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment; `overrides` that are not None win.

    Raises:
        InvalidSettings: a `QUOTH_` name is unknown, or a value is out of bounds.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    names = {*os.environ, *dotenv_values(".env")}
    unknown = sorted(n for n in names if n.upper().startswith(PREFIX) and n.upper() not in known)
    if unknown:
        raise InvalidSettings(
            f"Unknown setting {', '.join(unknown)}: the known ones are {', '.join(sorted(known))}."
        )
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{str(entry['loc'][0]).upper()}: {entry['msg']}" for entry in error.errors()
        )
        raise InvalidSettings(f"Invalid settings: {problems}.") from error
