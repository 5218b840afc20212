"""Several programs on one Redis lose and double nothing that was acknowledged, also when it is killed meanwhile."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.domain.filters import Where
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.archive import TakenIn
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server
from tests.contracts.entries import ANN, entry, operation, session
from tests.patience import PATIENCE
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio

NAMES = ("one", "two", "three")
OPEN = Scope()


@pytest.fixture
def place(redis_url: str) -> Iterator[Place]:
    made = redis_server.place(redis_url)
    yield made
    redis_server.erase(made)


async def prepared(place: Place) -> None:
    store = RedisStore(place, clock=StandingClock())
    await store.open()
    await store.add([entry("common", id="common")], operation())
    await store.close()


async def test_two_programs_plan_alike_and_each_is_heard(place: Place) -> None:
    """What one was told to store in its first transaction is not taken for what the other stored in its own."""
    for number, name in enumerate(NAMES):
        store = RedisStore(place, clock=StandingClock())
        await store.open()
        assert await store.move_in([(number + 1, TakenIn(entry("common", id=name)))]) == [True]
        assert await store.count(Where()) == number + 1
        await store.close()


async def test_two_programs_write_the_same_and_both_count(place: Place) -> None:
    """Each does it with its first transaction, and as small a one as there is."""
    for number in range(1, len(NAMES) + 1):
        store = RedisStore(place, clock=StandingClock())
        await store.open()
        await store.put_session(session(), expected_version=None, now=NOON)
        there = await store.session("monday", ANN, NOON)
        assert there is not None
        assert there.version == number
        await store.close()


def children(place: Place, steps: int) -> list[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "tests.faults.redis_child", place.url, place.prefix]
    root = Path(__file__).parents[2]
    return [
        subprocess.Popen([*words, name, str(steps)], stdout=subprocess.PIPE, text=True, encoding="utf-8", cwd=root)
        for name in NAMES
    ]


def told(child: subprocess.Popen[str], watch: Callable[[], None] = lambda: None) -> list[dict[str, Any]]:
    lines = []
    with child:
        for line in child.stdout or []:
            lines.append(json.loads(line))
            watch()
        assert child.wait(PATIENCE) == 0
    return lines


async def everything_told(place: Place, steps: int, watch: Callable[[], None] = lambda: None) -> list[dict[str, Any]]:
    running = children(place, steps)
    lines = await asyncio.gather(*(asyncio.to_thread(told, child, watch) for child in running))
    return [line for among in lines for line in among]


async def check(place: Place, lines: list[dict[str, Any]], steps: int) -> None:
    """Compare what was acknowledged with what is there."""
    assert sum("ended" in line for line in lines) == len(NAMES)
    assert [line for line in lines if line.get("found") is False] == []
    stored = Counter(line["shared"] for line in lines if line.get("outcome") == "stored")
    assert stored == dict.fromkeys(range(steps), 1)
    store = RedisStore(place, clock=StandingClock())
    await store.open()
    try:
        await compare(store, lines, steps)
    finally:
        await store.close()


async def compare(store: RedisStore, lines: list[dict[str, Any]], steps: int) -> None:
    total = steps * len(NAMES)
    session = await store.session("shared", ANN, NOON)
    assert session is not None
    assert (session.tokens, session.version) == (total, total)
    ((_, common),) = await store.named(["common"], ANN)
    assert (common.version, common.text) == (total + 1, "common" + "." * total)
    added = [line["added"] for line in lines if "added" in line]
    assert len(added) == total
    assert len({*added}) == total
    found = await store.named(added, OPEN)
    merged = [line["merged"] for line in lines if line.get("merged")]
    assert len(found) == total - len(merged)
    # What is counted as memories come and go is what the index finds, and what a scan meets.
    count = await store.count(Where())
    assert count == 1 + steps + len(found)
    assert count == len(await store.scan(None, 10_000)) == await store.count(Where(current_at=NOON))
    operations, number = await store.operations(OPEN, limit=10_000)
    assert number == len(operations) == 1 + total + steps + total + len(merged)
    assert sum(one.created for one in operations) == 1 + total + steps


async def test_programs_that_write_at_once_lose_and_double_nothing(place: Place) -> None:
    await prepared(place)
    await check(place, await everything_told(place, 12), 12)


async def test_nothing_acknowledged_is_lost_when_redis_is_killed(tmp_path: Path, redis_url: str) -> None:
    """With a file that waits for the disk ("everysec" may be two seconds late): what was answered is found again."""
    assert redis_url
    lasting = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
    with redis_server.server(tmp_path, *lasting) as running:
        place = redis_server.place(running.url)
        await prepared(place)
        seen = Counter[str]()

        def watch() -> None:
            seen["lines"] += 1
            if seen["lines"] in {40, 110, 180}:
                running.kill()
                running.start()

        steps = 16
        await check(place, await everything_told(place, steps, watch), steps)
        assert seen["lines"] > 180
