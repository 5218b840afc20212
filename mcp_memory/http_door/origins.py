"""Requests of web pages: a page that was not let in reaches no server by the browser of whoever opened it.

Neither by a name of its own that leads here (DNS rebinding: the Host is no name of ours), nor from another site (the
Origin is not let in). Programs send no Origin, and are none of this module's business.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from mcp_memory.config import Settings

logger = logging.getLogger(__name__)

EVERY = "*"
_EXPOSED = ("WWW-Authenticate", "ETag", "Retry-After", "X-Request-ID", "X-Operation-ID", "X-Deprecation-Warning")
"""Headers of answers that a web page may read."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Visitors:
    """Under which names this server is reached, and which web pages may call it."""

    names: Collection[str] = ()
    """Beside the loopback ones, and beside addresses: nobody can make an address lead elsewhere. ``*``: any."""
    origins: Collection[str] = ()
    """Such as ``https://app.example.com``. Pages of this machine and of this server itself may always call."""

    def knows(self, host: str) -> bool:
        """Say whether a Host is one of ours."""
        name = _name(f"//{host}")
        return bool(name) and (EVERY in self.names or name in LOOPBACK or name in self.names or _is_address(name))

    def lets_in(self, origin: str, host: str) -> bool:
        """Say whether a page from there may call this Host."""
        if EVERY in self.origins or origin in self.origins or origin in {f"http://{host}", f"https://{host}"}:
            return True
        return _name(origin) in LOOPBACK and _name(f"//{host}") in LOOPBACK


@dataclass(frozen=True, slots=True)
class Origins:
    """Refuses what a web page sent that was not let in; an ASGI middleware."""

    app: ASGIApp
    visitors: Visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.visitors.knows(host):
            await _refused(421, "Invalid Host header", host)(scope, receive, send)
        elif origin is not None and not self.visitors.lets_in(origin, host):
            await _refused(403, "Invalid Origin header", origin)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _refused(status: int, why: str, found: str) -> JSONResponse:
    logger.warning("%s: %r", why, found)
    return JSONResponse({"detail": why}, status)


def _name(address: str) -> str:
    """The name in an address, in lower case; empty if it has none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def guarded(settings: Settings, answer: ASGIApp, methods: Sequence[str], *, any_name: bool = False) -> ASGIApp:
    """Return what answers web pages only if they are let in.

    Args:
        settings: whom to let in.
        answer: what is guarded.
        methods: what pages may ask.
        any_name: whether it is reached under whatever name other machines have for this one.
    """
    origins = settings.allowed_origins
    pages = CORSMiddleware(
        answer, allow_origins=origins, allow_methods=methods, allow_headers=["*"], expose_headers=_EXPOSED
    )
    names = {*settings.mcp_allowed_hosts, *_names_in(settings.public_url)}
    return Origins(pages, Visitors({EVERY} if any_name and not settings.mcp_allowed_hosts else names, origins))


def _names_in(url: str | None) -> Iterator[str]:
    if url is not None and (name := urlsplit(url).hostname):
        yield name
