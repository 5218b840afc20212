"""The only place that takes time and ids from the machine; everything else is given a ``Clock`` and a ``NewId``.

Also the only one that says when Python collects garbage.
"""

from __future__ import annotations

import gc
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def new_ids() -> Callable[[], str]:
    """Return a source of ULIDs that sort in the order in which this process asked for them."""
    lock = threading.Lock()
    last = 0

    def new_id() -> str:
        nonlocal last
        with lock:
            # 48 bits of milliseconds, then 80 bits: random in a new millisecond, else one more than the last.
            fresh = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
            last = fresh if fresh >> 80 > last >> 80 else last + 1
            return _crockford(last)

    return new_id


_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _crockford(value: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


_YOUNG = 50_000
"""New objects after which garbage is looked for, where work makes very many that hold no cycles."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage more seldom while work goes on that makes very many objects: it would take a fifth of it."""
    before = gc.get_threshold()
    # Of two such works at once the first one sets it back; for the other it only lasts longer.
    if before[0] < _YOUNG:
        gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        if before[0] < _YOUNG:
            gc.set_threshold(*before)
