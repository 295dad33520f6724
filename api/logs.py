"""Log lines, as text or as one JSON object a line, each with the id of its request.

Nothing that people wrote is in them: no document, question or key. For that reason an exception is
logged by its class and the places it came through; its message could quote its input.
"""

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request being served; also in the threads that work for it."""

FIELDS = "fields"
"""Name of the attribute of a record that holds what is to be logged beside its message."""

_OWN = ("documents", "index", "rag", "api", "quoth")
"""Loggers that never log what people wrote. Others do so below warnings: of a stream, every
event.
"""

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextFormatter(logging.Formatter):
    """`LEVEL name: message key=value…`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the places an exception came through below it."""
        parts = [f"{record.levelname} {record.name}: {record.getMessage()}"]
        fields = {"request_id": request_id.get(), **getattr(record, FIELDS, {})}
        parts += [f"{key}={value}" for key, value in fields.items() if value not in ("", None)]
        if record.exc_info:
            parts.append("\n  " + "\n  ".join(_places(record.exc_info)))
        return " ".join(parts)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request_id, and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            entry["request_id"] = request_id.get()
        entry |= getattr(record, FIELDS, {})
        if record.exc_info:
            entry["exception"] = _places(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def set_up(level: str, form: str) -> None:
    """Send log lines to standard error, so that standard output holds results alone."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler])
    least = {"": logging.WARNING, "uvicorn": logging.INFO, **dict.fromkeys(_OWN, logging.DEBUG)}
    for name, number in least.items():
        logging.getLogger(name).setLevel(max(number, _number(level)))


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def _places(info: _ExcInfo) -> list[str]:
    kind, _error, trace = info
    name = f"{kind.__module__}.{kind.__qualname__}" if kind else "unknown"
    frames = traceback.extract_tb(trace) if trace else []
    return [name, *(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)]
