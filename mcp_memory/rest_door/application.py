"""The app of FastAPI: the table of routes, the shapes of errors, and a true OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute

from mcp_memory import __version__
from mcp_memory.http_door.metadata import ProtectedResource
from mcp_memory.rest_door import memories, operations, overview, sessions, views
from mcp_memory.rest_door.asking import Served
from mcp_memory.rest_door.errors import handle_errors
from mcp_memory.rest_door.routes import Route

TITLE = "mcp-memory"
SUMMARY = "Long-term and working memory for LLM agents. Wire compatible with clients of agent-memory-server."
DOCUMENT = "/openapi.json"
SECURITY: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

ROUTES: tuple[Route, ...] = (*sessions.ROUTES, *memories.ROUTES, *operations.ROUTES, *overview.ROUTES, *views.ROUTES)


class Application(FastAPI):
    """The app; its document says how callers are known."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            document.setdefault("components", {})["securitySchemes"] = SECURITY
            document["security"] = [{name: []} for name in SECURITY]
        return self.openapi_schema or {}


def application(
    served: Served,
    *,
    most_bytes: int,
    resource: ProtectedResource | None = None,
    beside: Sequence[BaseRoute] = (),
) -> FastAPI:
    """Return the app over what is served, with the routes of other doors beside its own."""
    app = _routed(most_bytes)
    app.state.served = served
    app.state.resource = resource
    handle_errors(app)
    app.router.routes.extend(beside)
    return app


def document() -> dict[str, Any]:
    """Return the OpenAPI document without serving anything."""
    return _routed(None).openapi()


def _routed(most_bytes: int | None) -> FastAPI:
    app = Application(
        title=TITLE,
        summary=SUMMARY,
        version=__version__,
        openapi_url=DOCUMENT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        max_body_size=most_bytes,
    )
    for route in ROUTES:
        route.put_into(app)
    return app


OPEN_TO_ALL = frozenset(
    path + end for route in ROUTES if route.access is None for path in [route.path] for end in ("", "/")
) | {DOCUMENT}
"""The paths for which nobody has to say who they are."""
