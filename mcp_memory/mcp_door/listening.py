"""Subscriptions: a client hears of a change where it could read what was changed, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ServerEvent, SubscriptionBus
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import INTERNAL_ERROR, SubscriptionsListenRequestParams, SubscriptionsListenResult

from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.mcp_door.asking import Watched, WhoAsks

STREAMS = 1024
"""Clients that may listen at the same time."""


@dataclass(frozen=True)
class UpdatedWithin(ResourceUpdated):
    """A resource has changed, and whose it is."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class HeardWithin:
    """A bus as somebody hears it who is bound to a scope; what is not surely within it stays unheard."""

    bus: SubscriptionBus
    bound: Scope

    async def publish(self, event: ServerEvent) -> None:
        """Tell everybody."""
        await self.bus.publish(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Hear what is within; returns how to stop."""

        def hear(event: ServerEvent) -> None:
            if not isinstance(event, UpdatedWithin) or self.bound.covers(event.scope):
                listener(event)

        return self.bus.subscribe(hear)


class Listening:
    """Serves ``subscriptions/listen``, each stream within the bound of its caller."""

    def __init__(self, who_asks: WhoAsks, watched: Watched) -> None:
        self._who_asks = who_asks
        self._watched = watched
        self.bus = InMemorySubscriptionBus()
        self._streams: set[ListenHandler] = set()

    async def listen(
        self, context: ServerRequestContext[Any, Any], asked: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Tell a client of changes until it goes, is let in no more, or ``close``."""
        if len(self._streams) >= STREAMS:
            raise MCPError(INTERNAL_ERROR, "Too many clients are listening; try again later")
        caller = self._who_asks(context)
        stream = ListenHandler(HeardWithin(self.bus, OPEN if caller is None else caller.bound))
        self._streams.add(stream)
        try:
            with self._watched(context, stream.close):
                return await stream(context, asked)
        finally:
            self._streams.discard(stream)

    def close(self) -> None:
        """End every stream in good order."""
        for stream in self._streams:
            stream.close()
