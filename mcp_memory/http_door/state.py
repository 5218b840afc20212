"""What the doors over HTTP know of a request beside what it says: who it comes from. It stands in its ASGI scope."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, TypeAlias

from mcp_memory.domain.access import Caller

RequestScope: TypeAlias = MutableMapping[str, Any]
CALLER = "caller"


def caller_in(scope: RequestScope) -> Caller:
    """Return who the request comes from; one that no authentication has seen is a fault, never somebody's."""
    caller: Caller = scope["state"][CALLER]
    return caller


def with_caller(scope: RequestScope, caller: Caller) -> RequestScope:
    """Return the scope of the same request, coming from this caller."""
    return {**scope, "state": {**scope.get("state", {}), CALLER: caller}}
