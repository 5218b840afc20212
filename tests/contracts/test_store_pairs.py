"""The contract of ``near_pairs``: what is near, and of one owner."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from mcp_memory.domain.filters import Where
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.models import Generation
from mcp_memory.ports.store import Store
from tests.contracts.entries import EVERYWHERE, FIRST, SECOND, entry, handle_of, operation, vector
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

ALL = Where()


async def pairs(store: Store, where: Where = EVERYWHERE, **asked: Any) -> list[tuple[str, str]]:
    """Return the ids of the near pairs."""
    found = await store.near_pairs(where, FIRST, **{"distance": 0.2, "most": 9} | asked)
    records = [await store.records([pair.one, pair.other]) for pair in found]
    return sorted((one.id, other.id) for one, other in records if one and other)


async def test_near_memories_are_paired_with_their_closeness(store: Store) -> None:
    near = vector(1, 0.2)
    await store.add(
        [entry("a", vector(1), id="a"), entry("b", near, id="b"), entry("c", vector(0, 0, 1), id="c")], operation()
    )
    (pair,) = await store.near_pairs(ALL, FIRST, distance=0.2, most=9)
    assert (pair.one, pair.other) == (await handle_of(store, "a"), await handle_of(store, "b"))
    assert pair.closeness == pytest.approx(float(vector(1) @ near), abs=0.01)


@pytest.mark.parametrize("other", [{"namespace": "home"}, {"user_id": "bob"}, {"session_id": "s"}, {"user_id": None}])
async def test_memories_of_two_owners_are_no_pair(store: Store, other: dict[str, Any]) -> None:
    """Namespace, user and session all count."""
    await store.add([entry("a", vector(1), id="a"), entry("b", vector(1), id="b", **other)], operation())
    await store.add([entry("c", vector(1), id="c", **other)], operation())
    assert await pairs(store) == [("b", "c")]


async def test_pairs_lie_within_what_was_asked(store: Store) -> None:
    ended = NOON - timedelta(days=1)
    await store.add(
        [
            entry("a", vector(1), id="a"),
            entry("b", vector(1), id="b"),
            entry("c", vector(1), id="c", valid_to=ended),
            entry("d", vector(1), id="d", user_id="bob"),
            entry("e", vector(1), id="e", user_id="bob"),
            entry("f", vector(1), SECOND, id="f"),
            entry("g", id="g"),
        ],
        operation(),
    )
    assert await pairs(store, Where(Scope("work", "ann"), current_at=NOON)) == [("a", "b")]
    assert await pairs(store, Where(Scope("work", "nobody"))) == []
    assert await pairs(store, Where(Scope("work", "bob"))) == [("d", "e")]


async def test_one_memory_brings_in_its_nearest_alone(store: Store) -> None:
    leaning = [entry(f"{n}", vector(1, n / 20), id=str(n)) for n in range(6)]
    await store.add(leaning, operation())
    found = await pairs(store, distance=0.5, most=1)
    assert ("0", "1") in found
    assert ("0", "5") not in found


async def test_among_many_that_are_alike_a_rare_word_finds_the_one(store: Store) -> None:
    """Of a hundred orders each is nearer to others than to the one that says the same in other words."""
    alike = [entry(f"order {n}00 came", vector(1, n / 1_000), id=f"a{n}") for n in range(40)]
    again = [entry(f"there came the order {n}00", vector(1, n / 1_000, 0.3), id=f"b{n}") for n in range(40)]
    await store.add([*alike, *again], operation())
    found = await pairs(store, distance=0.02, most=2)
    assert {(f"a{n}", f"b{n}") for n in range(40)} <= set(found)


async def test_only_what_is_new_is_compared_when_asked_so(store: Store) -> None:
    """``since``: at least one of the two was stored or changed after it."""
    later = NOON + timedelta(hours=1)
    await store.add([entry("a", vector(1), id="a"), entry("b", vector(1), id="b")], operation())
    new = entry("c", vector(1), id="c", updated_at=later, persisted_at=later)
    await store.add([new], operation())
    assert await pairs(store, since=later) == [("a", "c"), ("b", "c")]
    changed = entry("b", vector(1), id="b", updated_at=later + timedelta(hours=1))
    await store.replace(await handle_of(store, "b"), changed, operation(), expected_version=1)
    assert await pairs(store, since=later + timedelta(minutes=1)) == [("a", "b"), ("b", "c")]
    assert await pairs(store, since=later + timedelta(days=1)) == []


async def test_what_is_gone_is_no_pair(store: Store) -> None:
    await store.add([entry("a", vector(1), id="a"), entry("b", vector(1), id="b")], operation())
    assert len(await pairs(store)) == 1
    await store.remove([await handle_of(store, "b")], operation())
    assert await pairs(store) == []


async def test_many_are_compared_too(store: Store) -> None:
    """Beyond what is compared each with each."""
    chance = np.random.default_rng(7)
    vectors = chance.standard_normal((900, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    generation = Generation("model", 64, "wide")
    entries = [entry(f"{n}", vectors[n % 300], generation, id=str(n)) for n in range(900)]
    await store.add(entries, operation())
    found = await store.near_pairs(ALL, generation, distance=0.1, most=9)
    assert len(found) == 900
