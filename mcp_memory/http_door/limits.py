"""How long the body of a request may be; more is refused before it is read whole."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _TooLong(Exception):  # noqa: N818 -- it ends the reading of a body, and is seen by nobody else
    """More of the body came than may."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Refuses bodies that are too long, whether they say so or come in pieces; an ASGI middleware."""

    app: ASGIApp
    most: int
    """Bytes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _announced(scope) > self.most:
            await self._refusal()(scope, receive, send)
            return
        reading = _Reading(receive, send, self.most)
        try:
            await self.app(scope, reading.receive, reading.send)
        except _TooLong:
            pass
        if reading.too_long and not reading.answered:
            await self._refusal()(scope, receive, send)

    def _refusal(self) -> JSONResponse:
        return JSONResponse({"detail": f"The body of a request may have {self.most:,} bytes at most"}, 413)


class _Reading:
    """Counts what is read; when it is too much, nothing of what the program then answers is sent."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive = receive
        self._send = send
        self._left = most
        self.answered = False

    @property
    def too_long(self) -> bool:
        """Whether more came than may."""
        return self._left < 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self.too_long:
            raise _TooLong
        return message

    async def send(self, message: Message) -> None:
        if self.too_long and not self.answered:
            return
        self.answered = True
        await self._send(message)


def _announced(scope: Scope) -> int:
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isdecimal() else 0
