"""Paths as clients write them: with and without a slash at the end, and ids with a slash in them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_memory.http_door.requests import note_in

OURS = "/v1/"


@dataclass(frozen=True, slots=True)
class Paths:
    """Hands on each path in one spelling, and notes which route took it; an ASGI middleware, the innermost one."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        inner = {**scope, "path": plain(scope["path"], scope.get("raw_path") or b"")}
        try:
            await self.app(inner, receive, send)
        finally:
            note, route = note_in(scope), inner.get("route")
            if note is not None and route is not None:
                note.route = route.path


def plain(path: str, raw: bytes) -> str:
    """Return the path without a slash at its end, each of its parts quoted: a quoted slash does not part two."""
    if not path.startswith(OURS):
        return path
    written = raw.decode("ascii", errors="replace") or quote(path)
    return "/".join(quote(unquote(part), safe="") for part in written.rstrip("/").split("/"))
