"""Who asks: the caller of one request, read from that request; the server itself remembers nothing of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mcp.server.context import ServerRequestContext

from mcp_memory.domain.access import LOCAL, Access, Caller
from mcp_memory.http_door.state import caller_in
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Opened
from mcp_memory.ports.given import Clock


@dataclass(frozen=True, slots=True)
class MemoryAsked:
    """Memory as one request meets it: opened on demand, for whoever asks."""

    memory: MemoryOnDemand
    caller: Caller | None = None
    """Who asks; None for whoever memory was opened for."""

    @property
    def clock(self) -> Clock:
        """Tells the time without opening anything."""
        return self.memory.clock

    async def opened(self) -> Opened:
        """Return memory with its caller; what a request leaves open is filled from the settings.

        Raises:
            MemoryServerError: the settings or the store cannot be used.
        """
        opened = await self.memory.opened()
        if self.caller is None:
            return opened
        default = self.caller.default.or_default(opened.caller.default)
        return replace(opened, caller=self.caller.defaulting_to(default))

    def require(self, access: Access) -> None:
        """Refuse what needs more than the caller has.

        Raises:
            NotAllowed: it does.
        """
        (self.caller or LOCAL).require(access)


def caller_of(context: ServerRequestContext[Any, Any]) -> Caller | None:
    """Return who asks over HTTP; None where the connection is the caller's own, as over stdio."""
    return None if context.request is None else caller_in(context.request.scope)
