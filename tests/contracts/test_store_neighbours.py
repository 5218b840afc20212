"""The promise of ``Probe.neighbours`` after changes: who stands beside whom follows from what is there now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mcp_memory.domain.filters import Where
from mcp_memory.domain.operations import OperationKind
from mcp_memory.ports.memories import Entry
from mcp_memory.ports.store import Store
from tests.contracts.entries import EVERYWHERE, candidates, entry, handle_of, merge, operation, vector
from tests.contracts.undoing import undo
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio


def turn(name: str, session_id: str = "s", **fields: Any) -> Entry:
    """Return a turn of talk; the one that is looked for is named "x"."""
    return entry(f"turn {name}", vector(1) if name == "x" else None, id=name, session_id=session_id, **fields)


async def say(store: Store, names: Sequence[str], session_id: str = "s") -> None:
    await store.add([turn(name, session_id) for name in names], operation())


async def beside(store: Store, reach: int = 1, where: Where = EVERYWHERE) -> list[str]:
    """Return x with those around it in their order, as the links between the rows lead."""
    found = await candidates(store, vector(1), nearest=1, neighbours=reach, where=where)
    named = [memory.id for memory in await store.records(found.handles) if memory is not None]
    first = [place for place, before in enumerate(found.before) if before == -1]
    assert len(first) == 1
    order, place = [], first[0]
    while place != -1:
        order.append(named[place])
        place = int(found.after[place])
    assert sorted(order) == sorted(named)
    return order


async def test_they_close_up_around_what_is_removed(store: Store) -> None:
    await say(store, "abxcde")
    await store.remove([await handle_of(store, name) for name in "cb"], operation(OperationKind.DELETE))
    assert await beside(store) == ["a", "x", "d"]
    assert await beside(store, 2) == ["a", "x", "d", "e"]


async def test_what_comes_back_stands_where_it_stood(store: Store) -> None:
    await say(store, "axbcd")
    done = operation(OperationKind.DELETE)
    await store.remove([await handle_of(store, name) for name in "abd"], done)
    assert await beside(store) == ["x", "c"]
    await say(store, "e")
    await undo(store, done)
    assert await beside(store, 9) == ["a", "x", "b", "c", "d", "e"]


async def test_who_moves_leaves_one_session_and_joins_another_in_order_of_storing(store: Store) -> None:
    await say(store, "ab", "other")
    await say(store, "cxd")
    await say(store, "e", "other")
    for name in "bed":
        moved = turn(name, "other" if name == "d" else "s")
        await store.replace(await handle_of(store, name), moved, operation(), expected_version=1)
    assert await beside(store, 9) == ["b", "c", "x", "e"]


async def test_who_leaves_for_no_session_has_nobody_beside_it(store: Store) -> None:
    await say(store, "axb")
    alone = replace(turn("x"), record=turn("x").record.model_copy(update={"session_id": None}))
    await store.replace(await handle_of(store, "x"), alone, operation(), expected_version=1)
    assert await beside(store) == ["x"]


async def test_they_close_up_around_what_is_merged_away(store: Store) -> None:
    await say(store, "axbcd")
    handles = [(await handle_of(store, name), 1) for name in "abc"]
    await store.merge(merge(turn("a"), *handles), operation(OperationKind.COMPACT))
    assert await beside(store, 2) == ["a", "x", "d"]


@pytest.mark.parametrize("ended", [1, 3, 40])
async def test_those_that_ended_are_passed_over(store: Store, ended: int) -> None:
    """``Where.current_at``, however many stand in a row."""
    for part in ("a", "b", "x", "c", "d"):
        past = [turn(f"{part}{number}", valid_to=NOON - timedelta(hours=1)) for number in range(ended)]
        await store.add([*past, turn(part)], operation())
    assert await beside(store, 1, Where(current_at=NOON)) == ["b", "x", "c"]
    assert await beside(store, 2, Where(current_at=NOON)) == ["a", "b", "x", "c", "d"]
    assert await beside(store, 1) == [f"x{ended - 1}", "x", "c0"]


@pytest.mark.parametrize(("ended", "wanted"), [(1, 8), (20, 8), (20, 2), (300, 2)])
async def test_as_many_come_however_many_nearer_ones_have_ended(store: Store, ended: int, wanted: int) -> None:
    """``Where.current_at`` is applied before ``nearest``."""
    past = [entry(f"past {n}", vector(1), valid_to=NOON - timedelta(hours=1)) for n in range(ended)]
    lasting = [entry(f"lasting {n}", vector(1, 0.1 + n / 10), id=f"{n}") for n in range(9)]
    await store.add([*past, *lasting], operation())
    found = await candidates(store, vector(1), nearest=wanted, where=Where(current_at=NOON))
    named = [memory.id for memory in await store.records(found.handles) if memory is not None]
    assert sorted(named) == [f"{number}" for number in range(wanted)]


async def test_two_that_are_found_are_next_to_each_other_over_what_ended(store: Store) -> None:
    """The neighbours of two rows meet, though nothing between them is shown."""
    past = [turn(f"{number}", valid_to=NOON - timedelta(hours=1)) for number in range(2)]
    other = replace(turn("y"), vector=vector(1), generation=turn("x").generation)
    await store.add([turn("x"), turn("a"), *past, turn("b"), other], operation())
    found = await candidates(store, vector(1), nearest=2, neighbours=1, where=Where(current_at=NOON))
    named = [memory.id for memory in await store.records(found.handles) if memory is not None]
    assert named == ["x", "a", "b", "y"]
    assert list(found.after) == [1, 2, 3, -1]


async def test_long_talk_is_linked_from_end_to_end(store: Store) -> None:
    """However it was stored, many at a time or one by one."""
    names = [f"{number}" for number in range(300)]
    await say(store, names[:250])
    for name in names[250:]:
        await say(store, [name])
    await say(store, "x")
    assert await beside(store, 300) == [*names, "x"]


async def test_marks_in_what_clients_write_mean_nothing(store: Store) -> None:
    """Every text comes back as it was given, also where a store writes marks of its own between words."""
    odd = "\x01" + "5\x01 \x018\x01"
    fields: dict[str, Any] = {"id": odd, "namespace": odd, "user_id": odd, "session_id": odd, "topics": [odd]}
    await store.add([entry(odd, vector(1), **fields)], operation(note=odd))
    (_, found), *_ = await store.scan(None, 9)
    assert (found.text, found.id, found.namespace, found.topics) == (odd, odd, odd, [odd])
    ((told,), _) = await store.operations(found.scope, limit=9)
    assert (told.note, told.created) == (odd, 1)
