"""Memory and who asks: what every route is given beside what it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from mcp_memory.domain.access import Caller
from mcp_memory.domain.scope import Scope
from mcp_memory.http_door.metrics import Metrics
from mcp_memory.http_door.state import caller_in
from mcp_memory.ports.given import Clock
from mcp_memory.rest_door.health import Health
from mcp_memory.services.memory import Memory


@dataclass(frozen=True, slots=True)
class Served:
    """What the door stands on; the same for all requests."""

    memory: Memory
    clock: Clock
    health: Health
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Asking:
    """Memory, and who asks."""

    memory: Memory
    caller: Caller

    def about(self, scope: Scope) -> Caller:
        """Return the caller, whose request is about this scope where its body leaves that open.

        Existing clients say in the query whose something is, and in the body as well.
        """
        return self.caller.defaulting_to(scope)


def served(request: Request) -> Served:
    """Return what the door stands on."""
    found: Served = request.app.state.served
    return found


async def _asking(request: Request) -> Asking:
    return Asking(served(request).memory, caller_in(request.scope))


At = Annotated[Asking, Depends(_asking)]
"""A parameter of a route: memory, and who asks."""
