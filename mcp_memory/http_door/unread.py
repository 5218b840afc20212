"""What of a request was not read when it is answered, such as the body of one that is refused for its head.

A server that answers then closes the connection (RFC 9112, 9.6), and a client that does not expect that loses the
answer, or the request that it sends next. So what is short is read first; else the answer says that it is the last.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_memory.http_door.limits import announced_bytes

MOST_BYTES = 65_536
"""Of what is read although nobody asks for it."""
MOST_SECONDS = 1.0
"""For which a client is waited that announced a body and does not send it."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Answers when a request was read to its end, or closes the connection; an ASGI middleware for HTTP/1."""

    app: ASGIApp
    most_seconds: float = MOST_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _shares_its_connection(scope):
            await self.app(scope, receive, send)
            return
        body = _Body(receive)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and not await self._is_over(scope, body):
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self.app(scope, body.receive, answer)

    async def _is_over(self, scope: Scope, body: _Body) -> bool:
        """Say whether nothing of the request is left, having read what was."""
        if not body.is_over and announced_bytes(scope) - body.bytes <= MOST_BYTES:
            try:
                async with asyncio.timeout(self.most_seconds):
                    await body.skip(MOST_BYTES)
            except TimeoutError:
                # It comes late or never: no reason to keep the answer.
                pass
        return body.is_over


class _Body:
    """A body, as it is received."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left: Message | None = None
        self.bytes = 0
        self.is_over = False

    async def receive(self) -> Message:
        """Receive what comes next."""
        if self._left is not None:
            return self._left
        message = await self._receive()
        self.bytes += len(message.get("body", b""))
        self.is_over = not message.get("more_body", False)
        if message["type"] == "http.disconnect":
            # It is said once, and more than one may ask.
            self._left = message
        return message

    async def skip(self, most: int) -> None:
        """Receive to the end, or until more bytes than these came."""
        last = self.bytes + most
        while not self.is_over and self.bytes <= last:
            await self.receive()


def _shares_its_connection(scope: Scope) -> bool:
    """Whether a body follows the head, and the next request follows the body."""
    follows = "transfer-encoding" in Headers(scope=scope) or announced_bytes(scope) > 0
    return follows and scope.get("http_version", "1.1").startswith("1")
