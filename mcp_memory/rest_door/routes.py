"""A route, and how it is put into an app: its access is checked first, its refusals are documented."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from mcp_memory.domain.access import Access
from mcp_memory.http_door.state import caller_in
from mcp_memory.rest_door.wire import Detail, Faults

Act: TypeAlias = Callable[..., Awaitable[Any]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

SAYS: dict[int, str] = {
    400: "It cannot be done as it is asked",
    401: "Nobody knows who asks",
    403: "Whoever asks may not do this",
    404: "There is no such thing, or not in the scope",
    409: "It does not fit what is there: a version, or an id",
    413: "The body is too long",
    422: "A value cannot be used",
    429: "Too many failed attempts to say who asks",
    503: "The store, the model or the issuer cannot be reached; it may be tried again",
    507: "There is no room left",
}
EVERYWHERE = (400, 413, 422, 503)
TO_CALLERS = (401, 403, 429)
"""Beside those, where the caller is asked for."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path and method: what they do, what the caller needs, and how else they may answer."""

    method: Method
    path: str
    act: Act
    access: Access | None
    """What the caller needs; None: anybody may ask."""
    group: str
    refusals: Sequence[int] = ()

    def put_into(self, app: FastAPI) -> None:
        """Have the app serve it."""
        statuses = (*EVERYWHERE, *(TO_CALLERS if self.access else ()), *self.refusals)
        app.router.add_api_route(
            self.path,
            self.act,
            methods=[self.method],
            tags=[self.group],
            operation_id=self.act.__name__,
            summary=_summary(self.act),
            description=self._description(),
            route_class_override=_checked(self.access) if self.access else None,
            responses={status: _response(status) for status in sorted(set(statuses))},
            openapi_extra=None if self.access else {"security": []},
        )

    def _description(self) -> str:
        more = (self.act.__doc__ or "").partition("\n")[2].strip()
        return f"{more}\n\nNeeds the scope `{self.access}`.".strip() if self.access else more


def _checked(access: Access) -> type[APIRoute]:
    """Return a kind of route that refuses callers who may do less, before it reads anything of a request."""

    class Checked(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()

            async def check_and_answer(request: Request) -> Response:
                caller_in(request.scope).require(access)
                return await answer(request)

            return check_and_answer

    return Checked


def _summary(act: Act) -> str:
    return (act.__doc__ or "").partition("\n")[0].removesuffix(".")


def _response(status: int) -> dict[str, Any]:
    return {"description": SAYS[status], "model": Faults if status == 422 else Detail}  # noqa: PLR2004 -- its number is its name
