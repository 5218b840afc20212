"""Requests that were read and not answered yet: when stdin ends, they are finished before the server leaves.

Without this, ``printf … | agent-memory mcp`` would lose the answers of whatever was still being done.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import anyio
import anyio.lowlevel
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared._stream_protocols import WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCResponse

HOPS = 50
"""Turns of the event loop in which the last line that was read surely reaches its handler; in fact about ten."""
NEVER_ANSWERED = frozenset({"subscriptions/listen"})
"""Lasts as long as the connection."""


class Unanswered:
    """Watches requests come in and answers go out."""

    def __init__(self) -> None:
        self._ids: set[str | int] = set()
        self._answer = anyio.Event()

    async def watch(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Note the request; a middleware of the server."""
        request = ctx.request_id
        if request is None or ctx.method in NEVER_ANSWERED:
            return await call_next(ctx)
        self._ids.add(request)
        try:
            return await call_next(ctx)
        except anyio.get_cancelled_exc_class():
            self.forget(request)
            raise

    def forget(self, request: str | int | None) -> None:
        """Note that the request is answered, or never will be."""
        if request is not None:
            self._ids.discard(request)
            self._answer.set()
            self._answer = anyio.Event()

    async def settle(self, seconds: float) -> None:
        """Wait until everything that was read is answered, or the time is over."""
        for _ in range(HOPS):
            await anyio.lowlevel.checkpoint()
        with anyio.move_on_after(seconds):
            while self._ids:
                await self._answer.wait()


class Answers:
    """The stream to the client; tells ``Unanswered`` of each answer that it took."""

    def __init__(self, stream: WriteStream[SessionMessage], unanswered: Unanswered) -> None:
        self._stream = stream
        self._unanswered = unanswered

    async def send(self, item: SessionMessage, /) -> None:
        """Hand on a message."""
        await self._stream.send(item)
        if isinstance(item.message, JSONRPCResponse | JSONRPCError):
            self._unanswered.forget(item.message.id)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)
