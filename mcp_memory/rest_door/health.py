"""Whether this server can do its work: the store answers, and somebody does the background jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from mcp_memory.errors import MemoryServerError
from mcp_memory.ports.given import Clock
from mcp_memory.services.memory import Memory

logger = logging.getLogger(__name__)

OVERDUE = timedelta(minutes=10)
"""A job that was due for so long means that nobody does them."""
OK = "ok"
NOBODY = "jobs wait that nobody does; is a worker running?"

Work: TypeAlias = Callable[[], str | None]
"""Say what is wrong with the background jobs of this server; None if nothing is."""


@dataclass(frozen=True, slots=True)
class Health:
    """Looks after the parts that a request needs."""

    memory: Memory
    clock: Clock
    work: Work

    async def parts(self) -> dict[str, str]:
        """Return each part with ``ok``, or what is wrong with it; no addresses and no paths."""
        try:
            left_over = await self.memory.jobs.left_over(self.clock() - OVERDUE)
        except MemoryServerError as error:
            logger.warning("not ready: %s: %s", type(error).__name__, error)
            return {"store": said(error), "worker": "unknown"}
        return {"store": OK, "worker": self.work() or (NOBODY if left_over else OK)}


def said(error: MemoryServerError) -> str:
    """Return what went wrong in words that name nothing of this machine; the log has the rest."""
    return (type(error).__doc__ or "").partition("\n")[0]
