"""A store in this process's memory: for throw-away servers and for tests. What it holds ends with the process.

Every verb runs without awaiting anything, so a call is one step of the event loop and needs no lock.
"""

from __future__ import annotations

from dataclasses import replace

from mcp_memory.domain.scope import Scope
from mcp_memory.ports.given import Clock
from mcp_memory.ports.memories import StoreStats
from mcp_memory.ports.models import Generation
from mcp_memory.stores.ephemeral.archive import EphemeralArchive
from mcp_memory.stores.ephemeral.jobs import EphemeralJobs
from mcp_memory.stores.ephemeral.sessions import EphemeralSessions
from mcp_memory.stores.ephemeral.suggestions import EphemeralSuggestions
from mcp_memory.stores.ephemeral.tokens import EphemeralTokens
from mcp_memory.stores.ephemeral.upkeep import EphemeralUpkeep
from mcp_memory.stores.ephemeral.views import EphemeralViews


class EphemeralStore(
    EphemeralViews,
    EphemeralArchive,
    EphemeralUpkeep,
    EphemeralSuggestions,
    EphemeralSessions,
    EphemeralJobs,
    EphemeralTokens,
):
    """Keeps everything in dictionaries, a part of the port to each parent."""

    def __init__(self, clock: Clock) -> None:
        EphemeralViews.__init__(self)
        EphemeralSessions.__init__(self)
        EphemeralJobs.__init__(self)
        EphemeralTokens.__init__(self)
        self._clock = clock

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def optimise(self) -> None:
        return

    async def stats(self, scope: Scope, generation: Generation | None) -> StoreStats:
        _, alive = await self.sessions(scope, self._clock(), limit=0)
        return replace(await super().stats(scope, generation), sessions=alive)
