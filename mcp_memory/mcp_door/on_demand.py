"""Memory, opened when it is first needed: the door answers before a database or a model is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import anyio
import anyio.to_thread

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.scope import Scope
from mcp_memory.loading import load
from mcp_memory.machine import now

if TYPE_CHECKING:
    from mcp_memory.config import Settings
    from mcp_memory.ports.given import Clock
    from mcp_memory.services.memory import Memory

STARTING_SECONDS = 5.0
"""What a call waits for a store that is started at the same time; the next call tries again."""
CLOSING_SECONDS = 0.8
"""What closing may take when the process was told to leave."""


@dataclass(frozen=True, slots=True)
class Work:
    """Background jobs: when a server may begin with them, and doing them until the event, each step after the pause."""

    after_seconds: float
    do: Callable[[asyncio.Event, Callable[[], Awaitable[None]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Opened:
    """Memory, who asks where a request does not say it, and the jobs that this server does if it does any."""

    memory: Memory
    caller: Caller = LOCAL
    work: Work | None = None


Open: TypeAlias = Callable[[], Awaitable[Opened]]
"""Open memory; called again after it failed."""


async def from_environment(**overrides: str | None) -> Opened:
    """Open what the settings of this process name; a setting given on the command line wins."""
    # In a thread: imports take a moment, and a locked keyring waits for its owner; pings are answered meanwhile.
    read_settings = await anyio.to_thread.run_sync(load, "mcp_memory.config:read_settings")
    return await from_settings(await anyio.to_thread.run_sync(partial(read_settings, **overrides)))


async def from_settings(settings: Settings) -> Opened:
    """Open what the settings name."""
    open_memory = await anyio.to_thread.run_sync(load, "mcp_memory.bootstrap:open_memory")
    caller = LOCAL.defaulting_to(Scope(settings.default_mcp_namespace, settings.default_mcp_user_id))
    memory = await open_memory(settings, wait_seconds=STARTING_SECONDS)
    work = Work(settings.embedded_worker_delay_seconds, partial(_work, settings, memory))
    return Opened(memory, caller, work if settings.works_itself() else None)


async def _work(settings: Settings, memory: Memory, stop: asyncio.Event, pause: Callable[[], Awaitable[None]]) -> None:
    await load("mcp_memory.bootstrap:embedded_runner")(settings, memory, pause).work(stop)


class MemoryOnDemand:
    """Holds what was opened. A failure to open is the caller's error; the next call tries again."""

    def __init__(self, open_it: Open = from_environment, clock: Clock = now) -> None:
        self.clock = clock
        self._open = open_it
        self._opening = anyio.Lock()
        self._opened: Opened | None = None
        self._first: asyncio.Event = asyncio.Event()

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
                        self._first.set()
        return self._opened

    async def first_opened(self) -> Opened:
        """Return memory when some call has opened it."""
        await self._first.wait()
        return await self.opened()

    async def close(self) -> None:
        """Close what was opened, if anything was; the next call would open it again."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await opened.memory.close()
