"""How long the body of a request may be: what says that it is longer is refused before anything of it is read.

What comes in pieces is counted by whoever reads it.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class AnnouncedLength:
    """Refuses requests that announce too long a body; an ASGI middleware."""

    app: ASGIApp
    most: int
    """Bytes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and announced_bytes(scope) > self.most:
            refusal = JSONResponse({"detail": f"The body of a request may have {self.most:,} bytes at most"}, 413)
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)


def announced_bytes(scope: Scope) -> int:
    """Return how long the body of a request is to be; 0 where its head does not say it."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isascii() and said.isdecimal() else 0
