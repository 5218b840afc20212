"""Background jobs of a server: begun after its first use, in quiet; requests go first; ended with the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mcp import Client
from mcp.server.context import ServerRequestContext

from mcp_memory.errors import StoreReadOnly
from mcp_memory.mcp_door.background import Traffic
from mcp_memory.mcp_door.memory_server import MemoryServer
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Opened, Work
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio

CALL = cast("ServerRequestContext[Any, Any]", SimpleNamespace(method="tools/call"))
LISTEN = cast("ServerRequestContext[Any, Any]", SimpleNamespace(method="subscriptions/listen"))


@dataclass
class Shift:
    """Work that a test looks at."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    fault: Exception | None = None

    async def do(self, stop: asyncio.Event, pause: Callable[[], Awaitable[None]]) -> None:
        await pause()
        self.begun.set()
        if self.fault is not None:
            raise self.fault
        await stop.wait()
        self.ended.set()


@pytest.fixture
def shift() -> Shift:
    return Shift()


@pytest.fixture
async def client(opened: Opened, shift: Shift) -> AsyncIterator[Client]:
    async def open_it() -> Opened:
        return replace(opened, work=Work(0, shift.do))

    async with Client(MemoryServer(MemoryOnDemand(open_it))) as connected:
        yield connected


async def soon(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), PATIENCE)


async def use(client: Client) -> None:
    result = await client.call_tool("search_long_term_memory", {"text": ""})
    assert not result.is_error


async def test_work_begins_after_the_first_use_and_ends_with_the_server(opened: Opened, shift: Shift) -> None:
    async def open_it() -> Opened:
        return replace(opened, work=Work(0, shift.do))

    async with Client(MemoryServer(MemoryOnDemand(open_it))) as client:
        await client.list_tools()
        assert not shift.begun.is_set()
        await use(client)
        await soon(shift.begun)
        assert not shift.ended.is_set()
    assert shift.ended.is_set()


@pytest.mark.parametrize("fault", [StoreReadOnly("not here"), ZeroDivisionError("a fault of ours")])
async def test_requests_are_answered_where_no_work_can_be_done(client: Client, shift: Shift, fault: Exception) -> None:
    shift.fault = fault
    await use(client)
    await soon(shift.begun)
    await use(client)


async def test_a_step_waits_while_a_request_is_being_answered() -> None:
    traffic = Traffic()
    answer = asyncio.Event()

    async def answering(_: Any) -> Any:
        await answer.wait()

    await traffic.lull()
    request = asyncio.create_task(traffic.watch(CALL, answering))
    await asyncio.wait({request}, timeout=0)
    step = asyncio.create_task(traffic.lull())
    quiet = asyncio.create_task(traffic.quiet(0))
    done, _ = await asyncio.wait({step, quiet}, timeout=0.05)
    assert not done
    answer.set()
    await asyncio.wait_for(asyncio.gather(step, quiet, request), PATIENCE)


async def test_a_request_that_lasts_as_long_as_the_connection_stops_nothing() -> None:
    traffic = Traffic()
    never = asyncio.Event()

    async def listening(_: Any) -> Any:
        await never.wait()

    request = asyncio.create_task(traffic.watch(LISTEN, listening))
    await asyncio.wait({request}, timeout=0)
    await asyncio.wait_for(asyncio.gather(traffic.lull(), traffic.quiet(0)), PATIENCE)
    never.set()
    await request
