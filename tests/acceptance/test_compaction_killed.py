"""Compaction by a worker that is killed again and again: nothing is lost, nothing is doubled, all can be taken back.

Where the memories are in a Redis, it is killed as well.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_memory.bootstrap import open_memory
from mcp_memory.config import read_settings
from mcp_memory.domain.filters import Where
from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.requests import Compact, Create, ListOperations, NewMemory, Undo
from mcp_memory.domain.scope import Scope
from mcp_memory.services.job_table import CompactLater
from mcp_memory.services.memory import Memory
from tests import redis_server
from tests.acceptance.conftest import patiently
from tests.redis_server import Running

if TYPE_CHECKING:
    from tests.acceptance.conftest import Starter

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name != "posix", reason="Windows ends processes without asking"),
]

KILLS = {"sqlite": 50, "redis": 12}
FACTS = 700
MOST = 24
"""Memories merged away before a kill, at the most."""
WORKER = (sys.executable, "-m", "mcp_memory", "task-worker", "--concurrency", "2", "--redelivery-timeout", "1")
NO_PERIODS = {"COMPACTION_EVERY_MINUTES": "0", "EXPIRY_EVERY_MINUTES": "0", "OPTIMISE_EVERY_MINUTES": "0"}
WIDE = 0.9
"""The hashing embedder knows no synonyms, so near is far."""


STORE = ("MEMORY_STORE_URL", "REDIS_URL", "REDISVL_INDEXING_ALGORITHM", "EMBEDDING_MODEL")
LASTING = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")


@pytest.fixture(params=list(KILLS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running | None]:
    """The Redis that the memories are in; None where they are in a file."""
    if kind != "redis":
        yield None
        return
    assert request.getfixturevalue("redis_url")
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_server.server(folder, *LASTING) as running:
        yield running


@pytest.fixture
def environment(environment: dict[str, str], server: Running | None) -> dict[str, str]:
    if server is None:
        return environment
    kept = {name: value for name, value in environment.items() if name != "MEMORY_STORE_URL"}
    return kept | {"REDIS_URL": server.url, "REDISVL_INDEXING_ALGORITHM": "FLAT"}


@pytest.fixture
async def memory(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Memory]:
    """The same store, opened in this process."""
    for name in STORE:
        monkeypatch.delenv(name, raising=False)
        if name in environment:
            monkeypatch.setenv(name, environment[name])
    opened = await open_memory(read_settings())
    yield opened
    await opened.close()


async def remember(memory: Memory) -> None:
    """Store each fact twice to the letter and once in other words."""
    texts = []
    for number in range(FACTS):
        plain = f"Ann bought a lamp for room {number}"
        texts += [plain, plain, f"Ann bought the lamp for the room {number}."]
    for first in range(0, len(texts), 700):
        new = [NewMemory(text=text, metadata={"first": first}) for text in texts[first : first + 700]]
        await memory.long_term.create(Create(memories=new, deduplicate=False))


async def everything(memory: Memory) -> dict[str, MemoryRecord]:
    return {record.id: record for _, record in await memory.store.scan(None, 10 * FACTS)}


async def fewer(memory: Memory, goal: int) -> None:
    """Wait until so few memories are left."""
    looks = patiently()
    while await memory.store.count(Where()) > goal:
        next(looks)


async def check(memory: Memory, before: dict[str, MemoryRecord], asked: Iterable[str]) -> None:
    """Each of these ids finds one memory that says what it said, and no memory is there that was not."""
    there = await everything(memory)
    assert there.keys() <= before.keys()
    for memory_id in asked:
        ((_, now),) = await memory.store.named([memory_id], Scope())
        assert now.id in there
        assert before[memory_id].text.removesuffix(".").split()[-1] == now.text.removesuffix(".").split()[-1]


async def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(
    start: Starter, memory: Memory, kind: str, server: Running | None
) -> None:
    chance = random.Random(50)
    await remember(memory)
    there = before = await everything(memory)
    start.environment |= NO_PERIODS
    kills = 0
    while kills < KILLS[kind]:
        left = await memory.store.count(Where())
        await memory.jobs.schedule("compact", CompactLater(distance_threshold=WIDE - kills / 1_000, full=True))
        worker = start(*WORKER)
        await fewer(memory, left - chance.randint(1, MOST))
        if server is not None and kills % 2:
            server.kill()
            server.start()
        worker.kill()
        kills += 1
        was, there = there, await everything(memory)
        # What this worker merged away; at the end every id is asked for.
        await check(memory, before, was.keys() - there.keys())
    assert len(await everything(memory)) > FACTS, "there must be something left to merge at every kill"
    await memory.long_term.compact(Compact(distance_threshold=WIDE, full=True))
    assert len(await everything(memory)) == FACTS
    await check(memory, before, before)
    for operation in await compactions(memory):
        undone = await memory.operations.undo(Undo(operation_id=operation))
        assert undone.kept == []
    assert await everything(memory) == before


async def compactions(memory: Memory) -> list[str]:
    """Return the operations that compacted, last first."""
    found = (await memory.operations.list(ListOperations(limit=100))).operations
    return [operation.id for operation in found if operation.kind is OperationKind.COMPACT]
