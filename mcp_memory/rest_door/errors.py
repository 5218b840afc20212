"""What an error is over HTTP: its status and its body. A body names no address and no file; the log does."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from mcp_memory import errors
from mcp_memory.errors import MemoryServerError
from mcp_memory.http_door.metadata import ProtectedResource
from mcp_memory.rest_door.health import said
from mcp_memory.rest_door.wire import REFUSED

logger = logging.getLogger(__name__)

STATUS: Mapping[type[MemoryServerError], int] = {
    errors.InvalidRequest: 400,
    errors.UnusableMoment: 422,
    errors.NotAuthenticated: 401,
    errors.TooManyAttempts: 429,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.StoreError: 503,
    errors.StoreFull: 507,
    errors.QueueUnavailable: 503,
    errors.EmbedderUnavailable: 503,
    errors.LLMUnavailable: 503,
    errors.IssuerUnavailable: 503,
    MemoryServerError: 500,
}
"""The nearest class counts."""
INTERNAL = 500
LONGEST_INPUT = 100
"""Characters of an unusable value that are sent back."""


def handle_errors(app: FastAPI) -> None:
    """Have the app answer errors in the shapes that clients know."""
    app.add_exception_handler(MemoryServerError, _ours)
    app.add_exception_handler(RequestValidationError, _unusable)
    app.add_exception_handler(Exception, _fault)


def status_of(error: type[MemoryServerError]) -> int:
    """Return the status of a kind of error."""
    return next(STATUS[kind] for kind in error.__mro__ if kind in STATUS)


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, MemoryServerError):
        raise error
    status = status_of(type(error))
    if status >= INTERNAL:
        logger.warning("%s: %s", type(error).__name__, error)
        return _body(status, said(error), error.code)
    if isinstance(error, errors.UnusableMoment):
        return _body(status, [{"type": error.code, "loc": ["body"], "msg": str(error)}])
    return _body(status, str(error), error.code, _headers(request, error))


def _headers(request: Request, error: MemoryServerError) -> Mapping[str, str]:
    resource: ProtectedResource | None = request.app.state.resource
    if isinstance(error, errors.NotAllowed) and resource is not None:
        return resource.step_up(request.scope, error.needs)
    return {}


async def _unusable(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    for fault in error.errors():
        if fault["type"] == REFUSED:
            return _body(400, fault["msg"], errors.InvalidRequest.code)
    return _body(422, [dict(_told(fault)) for fault in error.errors()])


def _told(fault: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a fault; the value that it is about only where it is short."""
    yield "type", fault["type"]
    yield "loc", list(fault["loc"])
    yield "msg", fault["msg"]
    value = fault.get("input")
    plain = value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and isfinite(value))
    if plain or (isinstance(value, str) and len(value) <= LONGEST_INPUT):
        yield "input", value


async def _fault(_: Request, __: Exception) -> Response:
    """What nobody foresaw is logged where it is caught, in the outermost frame."""
    return _body(INTERNAL, "Internal Server Error", MemoryServerError.code)


def _body(status: int, detail: Any, code: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    content = {"detail": detail} if code is None else {"detail": detail, "code": code}
    # In ASCII: what is sent back of a request may be text that has no encoding.
    return Response(json.dumps(content), status, headers, "application/json")
