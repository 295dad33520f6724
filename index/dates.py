"""Dates as documents and filters give them: ISO 8601, whole or only a month or a year.

A month or a year stands for all of its days, and a time of day for its day, as it is written.
"""

import calendar
import re
from collections.abc import Mapping
from datetime import date, datetime

from index.errors import InvalidRequest

KEY = "date"
"""The document's metadata that is its date."""

_MONTH = re.compile(r"(\d{4})(?:-(\d{2}))?")


def days(text: str) -> tuple[str, str]:
    """The first and the last day of a date, as YYYY-MM-DD.

    Raises:
        ValueError: it is no date of ISO 8601.
    """
    text = text.strip()
    if match := _MONTH.fullmatch(text):
        year, month = int(match[1]), int(match[2] or 0)
        last_month = month or 12
        last_day = calendar.monthrange(year, last_month)[1] if year else 0
        return (
            date(year, month or 1, 1).isoformat(),
            date(year, last_month, last_day).isoformat(),
        )
    day = datetime.fromisoformat(text).date().isoformat()
    return day, day


def of_document(metadata: Mapping[str, str]) -> tuple[str, str] | None:
    """The days of a document's date; None where it has none that can be read."""
    try:
        return days(metadata[KEY]) if KEY in metadata else None
    except ValueError:
        return None


def bound(text: str, name: str) -> tuple[str, str]:
    """The days of a filter's bound.

    Raises:
        InvalidRequest: it is no date; `name` says which bound.
    """
    try:
        return days(text)
    except ValueError as error:
        raise InvalidRequest(
            f"{name} is {text!r} and no date: write it as in 2024-05-31, 2024-05 or 2024."
        ) from error
