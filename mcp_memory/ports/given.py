"""What is given to the services, never taken by them: time, ids, and whom to tell how far they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Return the present moment, aware, in UTC."""


NewId: TypeAlias = Callable[[], str]
"""Return an id that was never returned before; later ids sort after earlier ones (a ULID)."""


Progress: TypeAlias = Callable[[int, int, str], Awaitable[None]]
"""Tell whoever waits: done, total, and what is being done."""


Report: TypeAlias = Callable[[int, int, str], None]
"""The same where no event loop runs: done, total, and what is being done."""
