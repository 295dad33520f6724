"""Lets long work be given up: whoever waits for it says how to tell, and long loops look."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_look: ContextVar[Callable[[], None] | None] = ContextVar("interrupt", default=None)


def check() -> None:
    """Call it between the batches of long work.

    Raises:
        Exception: what the waiting side raises once nobody waits; it must not be caught.
    """
    look = _look.get()
    if look is not None:
        look()


@contextmanager
def interrupted_by(look: Callable[[], None]) -> Iterator[None]:
    """Within this, in this thread, `check` calls `look`, which raises when the work is in vain."""
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)
