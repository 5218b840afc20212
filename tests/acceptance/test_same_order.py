"""One question over the same text is answered alike by SQLite and by Redis: the ranking is ours, not a store's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.quality import Talk, written
from mcp_memory.domain.filters import Where
from mcp_memory.domain.records import SearchMode
from mcp_memory.domain.requests import Create, NewMemory, Search
from mcp_memory.embedders.minilm.embedder import MiniLMEmbedder
from mcp_memory.machine import new_ids
from mcp_memory.ports.models import Embedder, Generation
from mcp_memory.ports.store import Store
from mcp_memory.services.archive import Archive
from mcp_memory.services.entries import Indexer
from mcp_memory.services.long_term import LongTerm
from mcp_memory.stores.redis.generations import VectorIndex
from mcp_memory.stores.redis.store import RedisStore
from mcp_memory.stores.sqlite.store import SqliteStore
from tests import redis_server
from tests.contracts.entries import operation
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio

CLOCK = StandingClock()
BATCH, PAGE = 100, 50
INDEXES = {"hnsw": VectorIndex(), "flat": VectorIndex("flat", "float32", "l2")}


class Remembering:
    """The bundled model, which is asked for each text once."""

    def __init__(self) -> None:
        self._model = MiniLMEmbedder(threads=2, idle_seconds=0)
        self._known: dict[str, NDArray[np.float32]] = {}

    @property
    def generation(self) -> Generation:
        return self._model.generation

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= zip(new, await self._model.embed(new), strict=True)
        return np.stack([self._known[text] for text in texts])

    async def close(self) -> None:
        await self._model.close()


@pytest.fixture(scope="module")
def talks() -> list[Talk]:
    return list(written())


@pytest.fixture(scope="module")
async def embedder() -> AsyncIterator[Embedder]:
    made = Remembering()
    yield made
    await made.close()


def archive(store: Store, embedder: Embedder) -> Archive:
    return Archive(store, Indexer(embedder), CLOCK, new_ids())


def service(store: Store, embedder: Embedder) -> LongTerm:
    return LongTerm(store, embedder, CLOCK, new_ids(), enabled=True)


@pytest.fixture(scope="module")
async def sqlite(
    talks: list[Talk], embedder: Embedder, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SqliteStore]:
    path: Path = tmp_path_factory.mktemp("same") / "memory.sqlite3"
    store = SqliteStore(path, clock=CLOCK)
    await store.open()
    for talk in talks:
        memories = [NewMemory.model_validate(fields | {"user_id": "ann"}) for fields in talk.memories]
        for start in range(0, len(memories), BATCH):
            await service(store, embedder).create(Create(memories=memories[start : start + BATCH]))
    # What has ended is passed over, also where it stood between two turns.
    for talk in talks[-3:]:
        ended = [memory["id"] for memory in talk.memories[::7]]
        for handle, record in await store.named(ended, Where().scope):
            entry = Indexer(embedder).plain(record.model_copy(update={"valid_to": NOON}))
            await store.replace(handle, entry, operation(), expected_version=record.version)
    yield store
    await store.close()


@pytest.fixture(scope="module", params=INDEXES)
async def redis(
    request: pytest.FixtureRequest, sqlite: SqliteStore, embedder: Embedder, redis_url: str
) -> AsyncIterator[RedisStore]:
    place = redis_server.place(redis_url, INDEXES[request.param])
    store = RedisStore(place, clock=CLOCK)
    await store.open()
    copied = await archive(store, embedder).take_in(archive(sqlite, embedder))
    assert (copied.unreadable, copied.taken("memories")) == (0, await sqlite.count(Where()))
    compared = await archive(store, embedder).holds(archive(sqlite, embedder), copied.history)
    assert set(compared.missing.values()) == {0}
    yield store
    await store.close()
    redis_server.erase(place)


def asked(talks: Sequence[Talk]) -> Iterator[dict[str, Any]]:
    """Yield the searches: every question in its own scope, some in all, and some in the other ways to search."""
    for talk in talks:
        for place, question in enumerate(talk.questions):
            mine = {"text": question.text, "namespace": talk.name, "limit": PAGE}
            yield mine
            if place % 3 == 0:
                yield {"text": question.text, "user_id": "ann", "limit": PAGE}
                yield mine | {"search_mode": (SearchMode.KEYWORD, SearchMode.SEMANTIC)[place % 2]}
                yield mine | {"event_date": {"gte": "2024-01-01"}}


async def answers(store: Store, embedder: Embedder, talks: Sequence[Talk]) -> dict[str, list[tuple[str, float]]]:
    found = {}
    for fields in asked(talks):
        reply = await service(store, embedder).search(Search(**fields))
        found[repr(fields)] = [(hit.id, round(hit.score or 0.0, 3)) for hit in reply.memories]
    return found


async def test_whole_lists_are_the_same(
    sqlite: SqliteStore, redis: RedisStore, embedder: Embedder, talks: list[Talk]
) -> None:
    ours, theirs = await answers(sqlite, embedder, talks), await answers(redis, embedder, talks)
    assert sum(len(hits) for hits in ours.values()) > 5_000
    assert {asked: hits for asked, hits in theirs.items() if hits != ours[asked]} == {}
