"""The threshold of every door over HTTP: who asks, and whether a web page may have sent it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mcp_memory.http_door.identity import Identity
from mcp_memory.http_door.origins import Origins, Visitors
from mcp_memory.http_door.state import caller_in
from tests.doors.serving import GuestList, http, served

pytestmark = pytest.mark.anyio

OURS = Visitors(names=["memory.example.com"], origins=["https://app.example.com"])


async def name(request: Request) -> PlainTextResponse:
    """Say who asks."""
    return PlainTextResponse(str(caller_in(request.scope).name))


@pytest.fixture
async def door() -> AsyncIterator[str]:
    inside = Starlette(routes=[Route("/name", name)])
    async with served(Origins(Identity(inside, GuestList()), OURS)) as address:
        yield address


async def ask(door: str, token: str | None, **headers: str) -> httpx2.Response:
    async with http(token) as web:
        return await web.get(f"{door}/name", headers={name.replace("_", "-"): said for name, said in headers.items()})


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("ana", {}),
        (None, {"x_api_key": "ana"}),
        (None, {"authorization": "bearer  ana"}),
        ("ana", {"x_api_key": "bo"}),
        (None, {"authorization": "Basic Ym8=", "x_api_key": "ana"}),
    ],
)
async def test_a_token_is_taken_from_either_header(door: str, token: str | None, headers: dict[str, str]) -> None:
    answer = await ask(door, token, **headers)
    assert (answer.status_code, answer.text) == (200, "ana")


@pytest.mark.parametrize(
    ("token", "status", "header", "value"),
    [
        (None, 401, "www-authenticate", "Bearer"),
        ("nobody's", 401, "www-authenticate", 'Bearer error="invalid_token"'),
        ("too often", 429, "retry-after", "7"),
        ("whose issuer is gone", 503, "www-authenticate", None),
    ],
)
async def test_who_is_not_known_learns_nothing_but_that(
    door: str, token: str | None, status: int, header: str, value: str | None
) -> None:
    answer = await ask(door, token)
    assert (answer.status_code, answer.headers.get(header)) == (status, value)
    assert answer.json().keys() == {"detail"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9000", 200),
        ("LOCALHOST", 200),
        ("[::1]:9000", 200),
        ("192.168.1.7:9000", 200),
        ("memory.example.com", 200),
        ("memory.example.com:8443", 200),
        ("evil.example", 421),
        ("memory.example.com.evil.example", 421),
        ("localhost.evil.example:9000", 421),
        ("127.0.0.1.evil.example", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
async def test_a_name_that_is_not_ours_is_not_answered(door: str, host: str, status: int) -> None:
    """A page of evil.example whose name suddenly leads to this machine sends its own name as the Host."""
    assert (await ask(door, "ana", host=host)).status_code == status


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://app.example.com", "memory.example.com", 200),
        ("http://localhost:6274", "127.0.0.1:9000", 200),
        ("https://memory.example.com", "memory.example.com", 200),
        ("http://192.168.1.7:9000", "192.168.1.7:9000", 200),
        ("https://evil.example", "localhost:9000", 403),
        ("http://localhost:3000", "memory.example.com", 403),
        ("https://app.example.com.evil.example", "memory.example.com", 403),
        ("http://app.example.com", "memory.example.com", 403),
        ("null", "localhost:9000", 403),
        ("", "localhost:9000", 403),
    ],
)
async def test_a_page_of_another_site_is_not_answered(door: str, origin: str, host: str, status: int) -> None:
    assert (await ask(door, "ana", origin=origin, host=host)).status_code == status


async def test_a_page_that_was_not_let_in_is_refused_before_its_token_is_looked_at(door: str) -> None:
    assert (await ask(door, "too often", origin="https://evil.example")).status_code == 403


@pytest.mark.parametrize("said", [Visitors(names=["*"]), Visitors(origins=["*"])])
async def test_everything_may_be_let_in_when_somebody_says_so(said: Visitors) -> None:
    assert said.knows("any.example") == ("*" in said.names)
    assert said.lets_in("https://any.example", "localhost") == ("*" in said.origins)
