"""Who asks over HTTP: the one place where credentials are taken from a request and become its caller."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_memory.domain.access import Caller
from mcp_memory.errors import (
    IssuerUnavailable,
    MemoryServerError,
    NotAllowed,
    NotAuthenticated,
    StoreError,
    TooManyAttempts,
)
from mcp_memory.http_door.requests import note_in
from mcp_memory.http_door.state import with_caller, with_check
from mcp_memory.ports.access import Authenticator

logger = logging.getLogger(__name__)


class Issuing(Protocol):
    """Says where a client gets a token."""

    def is_metadata(self, scope: Scope) -> bool:
        """Say whether a request asks for what anybody may know of that."""

    def address(self, scope: Scope) -> str:
        """Return where it stands, for a request that was refused."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Lets in whom the authenticator knows; an ASGI middleware."""

    app: ASGIApp
    authenticator: Authenticator
    issuing: Issuing | None = None
    """None where clients get their tokens from a person, or need none."""
    open_to_all: Collection[str] = ()
    """The paths that anybody may ask for; nobody is named as their caller."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_open(scope):
            await self.app(scope, receive, send)
            return
        shown, where = credentials(scope), peer(scope)
        try:
            caller = await self.authenticator.identify(shown, where)
        except (NotAuthenticated, NotAllowed, IssuerUnavailable) as error:
            logger.info("%r refused: %s", scope["path"], type(error).__name__)
            await self._refusal(scope, error)(scope, receive, send)
        else:
            if (note := note_in(scope)) is not None:
                note.caller = caller.name
            still_known = partial(self._knows, caller, shown, where)
            await self.app(with_check(with_caller(scope, caller), still_known), receive, send)

    async def _knows(self, caller: Caller, shown: str | None, where: str) -> bool:
        """Say whether these credentials still mean this caller; while nobody can tell, they do."""
        try:
            return await self.authenticator.identify(shown, where) == caller
        except (NotAuthenticated, NotAllowed):
            return False
        except (IssuerUnavailable, StoreError):
            return True

    def _is_open(self, scope: Scope) -> bool:
        if self.issuing is not None and self.issuing.is_metadata(scope):
            return True
        return scope["path"] in self.open_to_all

    def _refusal(self, scope: Scope, error: MemoryServerError) -> JSONResponse:
        status, headers = 401, {"www-authenticate": self._challenge(scope, "invalid_token")}
        if isinstance(error, TooManyAttempts):
            status, headers = 429, {"retry-after": str(error.seconds)}
        elif isinstance(error, NotAllowed):
            status, headers = 403, {"www-authenticate": self._challenge(scope, "insufficient_scope")}
        elif isinstance(error, IssuerUnavailable):
            status, headers = 503, {}
        return JSONResponse({"detail": str(error)}, status, headers)

    def _challenge(self, scope: Scope, fault: str) -> str:
        return challenge(
            error=None if credentials(scope) is None else fault,
            resource_metadata=None if self.issuing is None else self.issuing.address(scope),
        )


def challenge(**parts: str | None) -> str:
    """Return the value of ``WWW-Authenticate``; what is None is left out."""
    said = ", ".join(f'{name}="{value}"' for name, value in parts.items() if value is not None)
    return f"Bearer {said}" if said else "Bearer"


def credentials(scope: Scope) -> str | None:
    """Return the token that the request brings."""
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key") or None


def peer(scope: Scope) -> str:
    """Return the address that the request came from."""
    client = scope.get("client")
    return client[0] if client else ""
