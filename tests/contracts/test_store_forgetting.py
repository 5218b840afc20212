"""The contract of ``aged`` and ``forget``: what is forgotten is what was seen, and nothing that changed since."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mcp_memory.domain.forgetting import Aged
from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.store import Store
from tests.contracts.entries import ANN, EVERYWHERE, entry, handle_of, operation, record, texts
from tests.contracts.undoing import undo
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

OPEN = Scope()
LATER = NOON + timedelta(days=1)
FORGET = OperationKind.FORGET


async def everyone(store: Store, scope: Scope = OPEN) -> list[tuple[Handle, Aged]]:
    return await store.aged(scope, None, 99)


async def test_memories_are_told_page_by_page_without_their_texts(store: Store) -> None:
    made = [entry(f"memory {n}", id=str(n), created_at=NOON - timedelta(n)) for n in range(5)]
    await store.add(made, operation())
    first = await store.aged(OPEN, None, 2)
    rest = await store.aged(OPEN, first[-1][0], 9)
    assert [aged.id for _, aged in (*first, *rest)] == ["0", "1", "2", "3", "4"]
    assert await store.aged(OPEN, rest[-1][0], 9) == []


async def test_a_memory_is_told_as_it_stands(store: Store) -> None:
    accessed = NOON - timedelta(hours=3)
    created = NOON - timedelta(7)
    tea = entry("Tea", id="1", last_accessed=accessed, created_at=created, memory_type="episodic", pinned=True)
    await store.add([tea, entry("Milk", id="2", namespace=None, user_id=None)], operation())
    one, two = [aged for _, aged in await everyone(store)]
    assert one == Aged("1", "work", "ann", "episodic", created, accessed, pinned=True, version=1)
    assert two == Aged("2", None, None, "semantic", NOON, NOON, pinned=False, version=1)


@pytest.mark.parametrize(
    ("scope", "ids"),
    [
        (ANN, ["0", "1"]),
        (Scope(user_id="bob"), ["2"]),
        (Scope("work"), ["0", "1", "2"]),
        (Scope(session_id="s"), ["1"]),
        (Scope("nowhere"), []),
    ],
)
async def test_only_the_scope_is_told(store: Store, scope: Scope, ids: list[str]) -> None:
    owners: list[dict[str, str | None]] = [
        {},
        {"session_id": "s"},
        {"user_id": "bob"},
        {"namespace": None, "user_id": None},
    ]
    records = [record(str(n), id=str(n), **owner) for n, owner in enumerate(owners)]
    await store.add([replace(entry(), record=one) for one in records], operation())
    assert [aged.id for _, aged in await everyone(store, scope)] == ids


async def test_what_is_as_it_was_seen_is_forgotten_and_comes_back_whole(store: Store) -> None:
    await store.add([entry("Tea", id="1", access_count=4), entry("Milk", id="2")], operation())
    before = await store.scan(None, 9)
    (first, _) = seen = await everyone(store)
    forgetting = operation(FORGET)
    assert await store.forget([first], forgetting) == [first[0]]
    assert texts(await store.page(EVERYWHERE, limit=9)) == ["Milk"]
    assert await store.forget(seen[1:], forgetting) == [seen[1][0]]
    (listed, *_), _ = await store.operations(OPEN, limit=1)
    assert (listed.kind, listed.removed) == (FORGET, 2)
    assert (await undo(store, forgetting)).restored == 2
    assert await store.scan(None, 9) == before


async def test_what_was_changed_accessed_or_removed_since_stays_as_it_is(store: Store) -> None:
    await store.add([entry(str(n), id=str(n)) for n in range(4)], operation())
    seen = await everyone(store)
    pinned = entry("0", id="0", pinned=True)
    await store.replace(seen[0][0], pinned, operation(OperationKind.EDIT), expected_version=1)
    await store.touch([seen[1][0]], LATER, unless_since=LATER)
    await store.remove([seen[2][0]], operation(OperationKind.DELETE))
    assert await store.forget(seen, operation(FORGET)) == [seen[3][0]]
    assert sorted(texts(await store.page(EVERYWHERE, limit=9))) == ["0", "1"]


async def test_an_old_version_that_came_back_is_not_taken_for_the_one_that_was_seen(store: Store) -> None:
    """Versions go on, so what was seen before an edit and its undo is as it was seen."""
    await store.add([entry("Tea", id="1")], operation())
    seen = await everyone(store)
    edit = operation(OperationKind.EDIT)
    handle = await handle_of(store, "1")
    await store.replace(handle, entry("Milk", id="1"), edit, expected_version=1)
    assert await store.forget(seen, operation(FORGET)) == []
    await undo(store, edit)
    assert await store.forget(seen, operation(FORGET)) == [handle]


async def test_forgetting_nothing_leaves_no_trace(store: Store) -> None:
    await store.forget([], operation(FORGET))
    assert await store.operations(OPEN, limit=9) == ([], 0)
