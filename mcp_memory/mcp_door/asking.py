"""Who asks: the caller of one request, read from that request; the server itself remembers nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from mcp.server.context import ServerRequestContext

from mcp_memory.domain.access import LOCAL, Access, Caller
from mcp_memory.http_door.state import caller_in, ended_when_unknown
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


WhoAsks: TypeAlias = Callable[[ServerRequestContext[Any, Any]], Caller | None]
"""Tells the caller of a request; None stands for whoever memory was opened for."""


def by_request(context: ServerRequestContext[Any, Any]) -> Caller:
    """Read it from the HTTP request; what does not come with one is a fault, never somebody's."""
    if context.request is None:
        raise RuntimeError("the transport did not hand over the HTTP request")
    return caller_in(context.request.scope)


def by_connection(_: ServerRequestContext[Any, Any]) -> None:
    """Over stdio the whole process belongs to its one client."""


Watched: TypeAlias = Callable[[ServerRequestContext[Any, Any], Callable[[], None]], AbstractContextManager[None]]
"""While a request is answered, calls what ends it when who asks is let in no more."""


def as_requested(context: ServerRequestContext[Any, Any], end: Callable[[], None]) -> AbstractContextManager[None]:
    """Watch what the HTTP request showed."""
    return nullcontext() if context.request is None else ended_when_unknown(context.request.scope, end)


def as_connected(_: ServerRequestContext[Any, Any], __: Callable[[], None]) -> AbstractContextManager[None]:
    """Watch nothing: who started the process is let in as long as it runs."""
    return nullcontext()
