"""How a server that was told to leave hears of it, on every platform."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LEAVE_SIGNALS = ("SIGTERM", "SIGINT", "SIGBREAK")
"""Those that this platform knows are heeded."""
LEAVING_SECONDS = 1.0
"""What the process may take to end when all is closed; a thread may still be computing for a job."""


@contextmanager
def told_to_leave(leave: Callable[[], None]) -> Iterator[None]:
    """Call ``leave`` on the event loop whenever the process is told to leave.

    By ``signal.signal``, because event loops on Windows know no signal handlers.
    """
    loop = asyncio.get_running_loop()

    def heed(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(leave)

    known = [getattr(signal, name) for name in LEAVE_SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, heed) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
