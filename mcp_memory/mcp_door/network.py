"""MCP over HTTP as a part of an ASGI program: streamable HTTP of both eras, and the SSE of older clients.

A request is answered from itself alone: its caller stands in its ASGI scope, its namespace in its path. Who calls, and
whether the request came from a web page that should not have sent it, was settled before it got here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http import check_accept_headers
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import RequestBodyLimitMiddleware
from pydantic import ValidationError
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_memory.errors import NotAllowed
from mcp_memory.http_door.metadata import ProtectedResource
from mcp_memory.http_door.state import caller_in, ended_when_unknown, with_caller
from mcp_memory.mcp_door.arguments import Scoped
from mcp_memory.mcp_door.background import Traffic
from mcp_memory.mcp_door.memory_server import MemoryServer
from mcp_memory.mcp_door.on_demand import MemoryOnDemand
from mcp_memory.mcp_door.stepping_up import StepUp, refusal
from mcp_memory.mcp_door.wording import what_is_wrong

MESSAGES = "/messages/"


class NetworkMcp:
    """Serves MCP at ``/mcp`` and ``/sse``, and at the same paths below a namespace.

    Put ``routes`` into a program whose middleware leaves the caller in ``scope["state"]["caller"]``, and keep
    ``running`` open while it serves; when it is told to leave, call ``hang_up``.

    Args:
        memory: what is served; whoever gives it closes it.
        traffic: is told of the requests, so that background jobs let them go first.
        resource: where clients get tokens, if they can.
        body_bytes: what a request may be long; more is refused before it is read.
    """

    def __init__(
        self,
        memory: MemoryOnDemand,
        traffic: Traffic,
        resource: ProtectedResource | None = None,
        *,
        body_bytes: int,
    ) -> None:
        self._server = MemoryServer(memory, host=traffic)
        self._resource = resource
        self._streams = _Streams(self._server, resource, body_bytes)
        self._older = _OlderStreams(self._server, body_bytes)

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """The paths, for a router of Starlette or FastAPI."""
        return tuple(self._routes())

    def _routes(self) -> Iterator[BaseRoute]:
        for below in ("", "/{namespace}"):
            # A redirect would lose the request of clients that do not follow it.
            for end in ("", "/"):
                yield Route(f"{below}/mcp{end}", _Endpoint(self._streams.answer), methods=["POST"])
                yield Route(f"{below}/sse{end}", _Endpoint(self._older.open), methods=["GET"])
            yield Route(f"{below}{MESSAGES}", _Endpoint(self._older.take), methods=["POST"])
        if self._resource is not None:
            yield self._resource.route

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests while it lasts; once only."""
        async with self._streams.running():
            try:
                yield
            finally:
                self.hang_up()

    def hang_up(self) -> None:
        """End the streams that clients only listen to; what is being answered is answered."""
        self._server.listening.close()
        self._older.hang_up()


class _Streams:
    """Streamable HTTP without sessions; both eras, and clients that take no event stream."""

    def __init__(self, server: MemoryServer, resource: ProtectedResource | None, body_bytes: int) -> None:
        self._eventful, self._plain = (
            StreamableHTTPSessionManager(
                server.wire, stateless=True, json_response=plain, max_request_body_size=body_bytes
            )
            for plain in (False, True)
        )
        self.answer: ASGIApp = self._managed
        if resource is not None:
            self.answer = RequestBodyLimitMiddleware(StepUp(self._managed, server.tools.needs, resource), body_bytes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._eventful.run(), self._plain.run():
            yield

    async def _managed(self, scope: Scope, receive: Receive, send: Send) -> None:
        takes_json, takes_events = check_accept_headers(Request(scope))
        manager = self._plain if takes_json and not takes_events else self._eventful
        await manager.handle_request(scope, receive, send)


class _OlderStreams:
    """The transport of 2024-11-05: a stream of events, and messages that are posted beside it.

    What a caller may not do is told in the answer on the stream: its clients wait there, whatever a post is answered.
    """

    def __init__(self, server: MemoryServer, body_bytes: int) -> None:
        self._wire = server.wire
        self._transport = SseServerTransport(MESSAGES, max_request_body_size=body_bytes)
        self._open: set[anyio.CancelScope] = set()

    async def open(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The stream of events ends when nothing more can be written into it.
        async with self._transport.connect_sse(_owned(scope), receive, send) as (read, write), write:
            with anyio.CancelScope() as until_we_leave, ended_when_unknown(scope, until_we_leave.cancel):
                self._open.add(until_we_leave)
                try:
                    await self._wire.run(read, write, self._wire.create_initialization_options())
                finally:
                    self._open.discard(until_we_leave)

    async def take(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._transport.handle_post_message(_owned(scope), receive, send)

    def hang_up(self) -> None:
        for stream in self._open:
            stream.cancel()


def _owned(scope: Scope) -> Scope:
    """Return the scope as the transport wants it: only who opened a stream may post to it, and below the same path."""
    caller = caller_in(scope)
    owner = AccessToken(token="", client_id=repr(caller.name), subject=repr(caller.bound), scopes=[caller.access])
    namespace = scope["path_params"].get("namespace")
    below = "" if namespace is None else f"/{namespace}"
    return {**scope, "user": AuthenticatedUser(owner), "root_path": scope.get("root_path", "") + below}


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Binds the caller to the namespace of the path, then answers."""

    answer: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            bound = _bound(scope)
        except NotAllowed as error:
            await refusal(403, str(error))(scope, receive, send)
        except ValidationError as error:
            await refusal(400, what_is_wrong(error))(scope, receive, send)
        else:
            await self.answer(bound, receive, send)


def _bound(scope: Scope) -> Scope:
    """Return the ASGI scope with the caller bound to the namespace that its path names.

    Raises:
        NotAllowed: the caller cannot reach that namespace.
        ValidationError: it cannot be the name of one.
    """
    caller = caller_in(scope)
    named = Scoped(namespace=scope["path_params"].get("namespace")).scope
    return with_caller(scope, caller.bound_to(named))
