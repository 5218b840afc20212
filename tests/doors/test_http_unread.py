"""What becomes of the rest of a request that was answered before it was read."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from mcp_memory.http_door.unread import MOST_BYTES, Unread

pytestmark = pytest.mark.anyio


class Wire:
    """A connection: what is received of it, and what is sent on it, in one list."""

    def __init__(self, *parts: bytes, ends: bool = True) -> None:
        self.log: list[str] = []
        self.sent: list[Message] = []
        self._messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        if ends:
            self._messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive(self) -> Message:
        self.log.append("received")
        return self._messages.pop(0) if self._messages else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.log.append("sent")
        self.sent.append(message)

    @property
    def says_that_it_closes(self) -> bool:
        return (b"connection", b"close") in self.sent[0]["headers"]


def request(length: int | None, **more: Any) -> Scope:
    """A request with a body of so many bytes, or in pieces."""
    head = (b"transfer-encoding", b"chunked") if length is None else (b"content-length", str(length).encode())
    return {"type": "http", "method": "POST", "http_version": "1.1", "headers": [head], **more}


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that reads nothing."""
    await PlainTextResponse("no", 403)(scope, receive, send)


@pytest.mark.parametrize("length", [5, None], ids=["announced", "in pieces"])
async def test_a_request_is_heard_to_its_end_before_it_is_refused(length: int | None) -> None:
    wire = Wire(b"he", b"llo")
    await Unread(refuse)(request(length), wire.receive, wire.send)
    assert wire.log == ["received"] * 3 + ["sent"] * 2
    assert not wire.says_that_it_closes


async def test_what_is_long_is_not_read() -> None:
    wire = Wire(b"x" * 1000)
    await Unread(refuse)(request(MOST_BYTES + 1), wire.receive, wire.send)
    assert wire.log == ["sent"] * 2
    assert wire.says_that_it_closes


async def test_pieces_without_an_end_are_read_up_to_a_bound() -> None:
    wire = Wire(*[b"x" * 1024] * 1000)
    await Unread(refuse)(request(None), wire.receive, wire.send)
    assert wire.log.count("received") == MOST_BYTES // 1024 + 1
    assert wire.says_that_it_closes


async def test_who_announces_a_body_and_sends_none_is_answered_nonetheless() -> None:
    wire = Wire()

    async def never() -> Message:
        await anyio.sleep_forever()
        return {}

    await Unread(refuse, most_seconds=0)(request(5), never, wire.send)
    assert [message["type"] for message in wire.sent] == ["http.response.start", "http.response.body"]
    assert wire.says_that_it_closes


async def test_the_rest_of_what_an_app_began_to_read_counts_alone() -> None:
    wire = Wire(b"x" * MOST_BYTES, b"x" * MOST_BYTES)

    async def read_half(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await refuse(scope, receive, send)

    await Unread(read_half)(request(2 * MOST_BYTES), wire.receive, wire.send)
    assert wire.log == ["received"] * 3 + ["sent"] * 2
    assert not wire.says_that_it_closes


async def test_an_app_still_learns_that_its_client_went() -> None:
    wire, heard = Wire(ends=False), []

    async def listen(scope: Scope, receive: Receive, send: Send) -> None:
        await refuse(scope, receive, send)
        heard.extend([(await receive())["type"], (await receive())["type"]])

    await Unread(listen)(request(5), wire.receive, wire.send)
    assert heard == ["http.disconnect"] * 2


@pytest.mark.parametrize("scope", [request(0), request(5, http_version="2"), {"type": "lifespan"}], ids=str)
async def test_where_nothing_can_be_left_nothing_is_waited_for(scope: Scope) -> None:
    wire = Wire(b"hello")
    await Unread(refuse)({**scope, "method": "GET"}, wire.receive, wire.send)
    assert wire.log == ["sent"] * 2
    assert not wire.says_that_it_closes
