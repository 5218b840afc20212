"""Memory, opened when it is first needed: the door answers before a database or a model is loaded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import anyio
import anyio.to_thread

from mcp_memory.domain.scope import Scope
from mcp_memory.loading import load
from mcp_memory.machine import now

if TYPE_CHECKING:
    from mcp_memory.ports import Clock
    from mcp_memory.services.memory import Memory

CLOSING_SECONDS = 0.8
"""What closing may take when the process was told to leave."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Memory, and the scope that fills what a request leaves open."""

    memory: Memory
    default: Scope = Scope()


Open: TypeAlias = Callable[[], Awaitable[Opened]]
"""Open memory; called again after it failed."""


async def from_environment(**overrides: str | None) -> Opened:
    """Open what the settings of this process name; a setting given on the command line wins."""
    # In a thread: the imports take a moment in which pings should still be answered.
    read_settings = await anyio.to_thread.run_sync(load, "mcp_memory.config:read_settings")
    open_memory = await anyio.to_thread.run_sync(load, "mcp_memory.bootstrap:open_memory")
    settings = read_settings(**overrides)
    scope = Scope(namespace=settings.default_mcp_namespace, user_id=settings.default_mcp_user_id)
    return Opened(await open_memory(settings), scope)


class MemoryOnDemand:
    """Holds what was opened. A failure to open is the caller's error; the next call tries again."""

    def __init__(self, open_it: Open = from_environment, clock: Clock = now) -> None:
        self.clock = clock
        self._open = open_it
        self._opening = anyio.Lock()
        self._opened: Opened | None = None

    async def opened(self) -> Opened:
        """Return memory, opening it at the first call.

        Raises:
            MemoryServerError: the settings or the store cannot be used.
        """
        while self._opened is None:
            async with self._opening:
                if self._opened is None:
                    # A cancelled call must not leave a half-open store behind.
                    with anyio.CancelScope(shield=True):
                        self._opened = await self._open()
        return self._opened

    async def close(self) -> None:
        """Close what was opened, if anything was; the next call would open it again."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await opened.memory.close()
