"""What the doors over HTTP know of a request beside what it says: who it comes from. It stands in its ASGI scope."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from mcp_memory.domain.access import Caller

RequestScope: TypeAlias = MutableMapping[str, Any]
StillKnown: TypeAlias = Callable[[], Awaitable[bool]]
"""Says whether who sent the request would be let in again just as they were."""
CALLER = "caller"
STILL_KNOWN = "still_known"
CHECK_SECONDS = 1.0
"""How often it is asked of somebody whose request lasts: so long a token may outlive its removal."""


def caller_in(scope: RequestScope) -> Caller:
    """Return who the request comes from; one that no authentication has seen is a fault, never somebody's."""
    caller: Caller = scope["state"][CALLER]
    return caller


def with_caller(scope: RequestScope, caller: Caller) -> RequestScope:
    """Return the scope of the same request, coming from this caller."""
    return {**scope, "state": {**scope.get("state", {}), CALLER: caller}}


def with_check(scope: RequestScope, still_known: StillKnown) -> RequestScope:
    """Return the scope of the same request, of which it can be asked whether its caller is still let in."""
    return {**scope, "state": {**scope.get("state", {}), STILL_KNOWN: still_known}}


@contextmanager
def ended_when_unknown(scope: RequestScope, end: Callable[[], None]) -> Iterator[None]:
    """Call ``end`` when who sent a request is let in no more while it is being answered."""
    still_known: StillKnown | None = scope["state"].get(STILL_KNOWN)
    if still_known is None:
        yield
        return
    watch = asyncio.create_task(_watched(still_known, end))
    try:
        yield
    finally:
        watch.cancel()


async def _watched(still_known: StillKnown, end: Callable[[], None]) -> None:
    known = True
    try:
        while known:
            await asyncio.sleep(CHECK_SECONDS)
            known = await still_known()
    finally:
        # Also where it could not be asked; that is logged as the fault that it is.
        end()
