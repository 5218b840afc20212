"""Two programs with other settings for vectors share one Redis: what is there stays as it was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from mcp_memory.domain.operations import OperationKind
from mcp_memory.ports.history import Restore
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.generations import VectorIndex
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server
from tests.contracts.entries import FIRST, SECOND, candidates, entry, operation, vector
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

KINDS = [
    VectorIndex(algorithm, datatype, metric)
    for algorithm in ("hnsw", "flat")
    for datatype in ("float32", "float16")
    for metric in ("cosine", "ip", "l2")
]


@pytest.fixture
def place(redis_url: str) -> Iterator[Place]:
    made = redis_server.place(redis_url)
    yield made
    redis_server.erase(made)


async def opened(place: Place) -> RedisStore:
    store = RedisStore(place, clock=StandingClock())
    await store.open()
    return store


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_vectors_are_found_however_they_are_indexed(place: Place, kind: VectorIndex) -> None:
    store = await opened(replace(place, vectors=kind))
    random = np.random.default_rng(1)
    vectors = random.normal(size=(60, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    await store.add([entry(f"memory {n}", vectors[n], id=str(n)) for n in range(60)], operation())
    for number in (3, 42):
        found = await candidates(store, vectors[number], nearest=5)
        near = sorted(np.argsort(1 - vectors @ vectors[number])[:5].tolist())
        assert sorted(int(handle) - 1 for handle in found.handles) == near
        assert min(found.distance) == pytest.approx(0, abs=0.01)
    await store.close()


async def test_a_program_with_other_settings_writes_and_finds_as_the_first_did(place: Place) -> None:
    """Also by an undo, which puts vectors back that this program never made."""
    first = await opened(replace(place, vectors=VectorIndex("flat", "float16", "ip")))
    await first.add([entry("tea", vector(1), id="1"), entry("milk", vector(0, 1), SECOND, id="2")], operation())
    second = await opened(replace(place, vectors=VectorIndex("hnsw", "float32", "cosine")))
    removal = operation(OperationKind.DELETE)
    handles = [handle for handle, _ in await second.named(["1", "2"], entry().record.scope)]
    await second.remove(handles, removal)
    third = await opened(replace(place, vectors=VectorIndex("hnsw", "float32", "l2")))
    changed = await third.changes(removal.id, entry().record.scope)
    restore = {(one.handle, one.number): entry(one.change.memory_id, id=one.change.memory_id) for one in changed}
    undone = await third.undo(removal.id, Restore({**restore}), operation(OperationKind.UNDO, undoes=removal.id))
    assert undone.restored == 2
    await third.add([entry("coffee", vector(0, 0, 1))], operation())
    for store in (first, second, third):
        assert len((await candidates(store, vector(1), generation=FIRST)).handles) == 2
        assert len((await candidates(store, vector(1), generation=SECOND)).handles) == 1
        await store.close()
