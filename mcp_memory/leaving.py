"""How a process that was told to leave hears of it, on every platform, and how it ends. Nothing else ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LEAVE_SIGNALS = ("SIGTERM", "SIGINT", "SIGBREAK")
"""Those that this platform knows are heeded."""
LEAVING_SECONDS = 1.0
"""What the process may take to end when all is closed; a thread may still be computing."""


@contextmanager
def heeding(heed: Callable[[int], object]) -> Iterator[None]:
    """Call ``heed`` with the signal whenever the process is told to leave, in the middle of whatever it does.

    By ``signal.signal``, because event loops on Windows know no signal handlers.
    """
    known = [getattr(signal, name) for name in LEAVE_SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda told, _: heed(told)) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def told_to_leave(leave: Callable[[], None]) -> Iterator[None]:
    """Call ``leave`` on the event loop whenever the process is told to leave."""
    loop = asyncio.get_running_loop()
    with heeding(lambda _: loop.call_soon_threadsafe(leave)):
        yield


def leave_within(seconds: float) -> None:
    """End the process successfully if it has not ended by itself by then.

    For when everything is closed: Python waits for threads that only compute, and they cannot be stopped.
    """
    guard = threading.Timer(seconds, os._exit, (0,))
    guard.daemon = True
    guard.start()


def leave_at_once(number: int) -> None:
    """End the process as the signal would have."""
    os._exit(128 + number)
