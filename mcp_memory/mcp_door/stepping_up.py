"""The refusal on which a client gets itself a token that may do more; tools say by themselves who may call them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mcp_types import INVALID_REQUEST
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.domain.access import Access
from mcp_memory.errors import NotAllowed
from mcp_memory.http_door.metadata import ProtectedResource
from mcp_memory.http_door.state import caller_in

Needs: TypeAlias = Callable[[str], Access]
"""Tells what a caller of a tool needs."""
CALLS = "tools/call"


@dataclass(frozen=True, slots=True)
class StepUp:
    """Refuses calls that need more than the caller has with 403, before the protocol is spoken; an ASGI middleware.

    Clients of the newer era say in a header what they call; for others the body is read, which must come whole.
    """

    app: ASGIApp
    needs: Needs
    resource: ProtectedResource

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if "mcp-method" in headers:
            name = headers.get("mcp-name", "") if headers["mcp-method"] == CALLS else None
        else:
            receive = _Again(await receive(), receive)
            name = _called(receive.message)
        lacking = None if name is None else self._lacking(scope, name)
        await (lacking or self.app)(scope, receive, send)

    def _lacking(self, scope: Scope, name: str) -> JSONResponse | None:
        try:
            caller_in(scope).require(self.needs(name))
        except NotAllowed as error:
            return refusal(403, str(error), self.resource.step_up(scope, error.needs))
        return None


@dataclass(slots=True)
class _Again:
    """Receives a message once more, then what follows it."""

    message: Message
    receive: Receive
    told: bool = field(default=False, init=False)

    async def __call__(self) -> Message:
        if self.told:
            return await self.receive()
        self.told = True
        return self.message


def _called(message: Message) -> str | None:
    """Return the tool that a body calls; what else it is, and what is wrong with it, is for the protocol to say."""
    try:
        asked = json.loads(message.get("body", b""))
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict) or asked.get("method") != CALLS or not isinstance(asked.get("params"), dict):
        return None
    name = asked["params"].get("name")
    return name if isinstance(name, str) else None


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer of HTTP to a request that the protocol does not get to see, in the protocol's words."""
    error = {"code": INVALID_REQUEST, "message": message}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, status, headers)
