"""Where servers over HTTP listen, and what becomes of a request that nobody foresaw."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest
from starlette.types import Message, Receive, Scope, Send

from mcp_memory.errors import ConfigurationError
from mcp_memory.http_door.listening import Place, address_of
from mcp_memory.http_door.requests import Note, Requests

pytestmark = pytest.mark.anyio


def place(host: str, port: int = 0) -> Place:
    return Place(host, port, "API_HOST", "PORT")


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.1.2.3", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "192.168.1.7", "memory.example.com")],  # noqa: S104 -- only asked about
)
def test_who_is_reached_by_this_machine_alone(host: str, *, alone: bool) -> None:
    assert place(host).is_loopback is alone


def test_other_machines_are_let_in_with_authentication_or_loudly(caplog: pytest.LogCaptureFixture) -> None:
    away = place("192.168.1.7", 8000)
    with pytest.raises(ConfigurationError, match=r"API_HOST=192\.168\.1\.7 lets other machines in"):
        away.check_protected("disabled", unprotected=False)
    away.check_protected("token", unprotected=False)
    assert not caplog.records
    away.check_protected("disabled", unprotected=True)
    assert "ANYBODY WHO REACHES 192.168.1.7:8000" in caplog.text


async def test_what_is_written_is_sent_at_once() -> None:
    """Else the second part of an answer waits until the first is acknowledged, which takes 40 ms."""
    sent_at_once: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = writer.get_extra_info("socket")
        sent_at_once.set_result(bool(wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    with place("127.0.0.1").listening() as listener:
        async with await asyncio.start_server(look, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            assert await sent_at_once
            writer.close()


async def test_an_address_is_one_that_a_client_can_be_given() -> None:
    with place("127.0.0.1").listening() as listener:
        assert address_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("begun", [False, True])
async def test_what_nobody_foresaw_is_logged_and_answered(caplog: pytest.LogCaptureFixture, *, begun: bool) -> None:
    caplog.set_level(logging.INFO)
    told: list[Note] = []

    async def broken(_: Scope, __: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("a fault")

    async def nothing() -> Message:
        return {"type": "http.request"}

    async def keep(message: Message) -> None:
        sent.append(message)

    sent: list[Message] = []
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "state": {}}
    await Requests(broken, lambda: "made", lambda _, note, __: told.append(note))(scope, nothing, keep)
    status = 200 if begun else 500
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [status]
    assert (b"x-request-id", b"made") in sent[0]["headers"]
    assert [record.exc_info is not None for record in caplog.records if record.levelname == "ERROR"] == [True]
    assert [note.status for note in told] == [status]
