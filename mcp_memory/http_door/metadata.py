"""Protected-resource metadata (RFC 9728): where a client that was refused may get a token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from mcp_memory.domain.access import Access
from mcp_memory.http_door.identity import challenge

if TYPE_CHECKING:
    from mcp_memory.config import Settings

WELL_KNOWN = "/.well-known/oauth-protected-resource"
PREFIX = "memory:"
"""Before the names of our scopes at an issuer that has others as well; tokens may leave it out."""
_SECONDS = 3600
_OF_ITS_OWN = re.compile(r"(/[^/]+)?/(mcp|sse)")
"""Paths that a client takes for a resource by themselves; all else belongs to the server as a whole."""


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """This server, as a client learns of it that looks for a token."""

    issuer: str
    public_url: str | None = None
    """Where callers reach it; if None, where the request reached it."""

    @property
    def route(self) -> BaseRoute:
        """The path of the document; anybody may read it."""
        return Route(f"{WELL_KNOWN}{{path:path}}", self._answer, methods=["GET"])

    def is_metadata(self, scope: Scope) -> bool:
        """Say whether a request asks for the document, which anybody may."""
        return scope["method"] == "GET" and str(scope["path"]).startswith(WELL_KNOWN)

    def address(self, scope: Scope) -> str:
        """Return where the document is that goes with a request."""
        path = str(scope["path"]).rstrip("/")
        return self._base(Request(scope)) + WELL_KNOWN + (path if _OF_ITS_OWN.fullmatch(path) else "")

    def step_up(self, scope: Scope, needs: str | None) -> dict[str, str]:
        """Return the headers of a refusal that tell a client which token would be enough."""
        wanted = None if needs is None else f"{PREFIX}{needs}"
        said = challenge(error="insufficient_scope", scope=wanted, resource_metadata=self.address(scope))
        return {"www-authenticate": said}

    def _base(self, request: Request) -> str:
        return self.public_url or str(request.base_url).rstrip("/")

    async def _answer(self, request: Request) -> JSONResponse:
        path: str = request.path_params["path"]
        if path not in {"", "/"} and not _OF_ITS_OWN.fullmatch(path):
            return JSONResponse({"detail": "Not Found"}, 404)
        document = {
            "resource": self._base(request) + path.rstrip("/"),
            "authorization_servers": [self.issuer],
            "scopes_supported": [f"{PREFIX}{access}" for access in Access],
            "bearer_methods_supported": ["header"],
            "resource_name": "mcp-memory",
        }
        headers = {"cache-control": f"public, max-age={_SECONDS}", "access-control-allow-origin": "*"}
        return JSONResponse(document, headers=headers)


def protected_resource(settings: Settings) -> ProtectedResource | None:
    """Return where clients get tokens; None where they get them from a person, or need none."""
    if settings.auth() != "oauth2" or settings.oauth2_issuer_url is None:
        return None
    return ProtectedResource(settings.oauth2_issuer_url, settings.public_url)
