"""The contract of ``held`` for texts: what a search returned is found again by what it says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.store import Store
from tests.contracts.entries import ANN, entry, handle_of, merge, operation
from tests.contracts.undoing import undo
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

SOON = NOON + timedelta(seconds=1)


async def touch(store: Store, *handles: Handle) -> None:
    await store.touch(handles, SOON, unless_since=NOON)


async def found(store: Store, text: str, owner: Scope = ANN) -> list[str]:
    (held,) = (await store.held([], [(owner, text)])).texts
    assert [handle for handle, _ in held] == [await handle_of(store, record.id, owner) for _, record in held]
    return [record.id for _, record in held]


async def test_only_what_was_touched_is_found_whatever_its_session_and_type(store: Store) -> None:
    made = [
        entry("Ann likes tea", id="1", session_id="s"),
        entry("Ann likes tea", id="2", session_id="t", memory_type="episodic", event_date=NOON),
        entry("Ann likes tea", id="3"),
        entry("Ann likes milk", id="4"),
    ]
    await store.add(made, operation())
    assert await found(store, "Ann likes tea") == []
    await touch(store, await handle_of(store, "1"), await handle_of(store, "2"), await handle_of(store, "4"))
    assert await found(store, " ann LIKES “tea”.".replace("“", "").replace("”", "")) == ["1", "2"]
    assert await found(store, "Ann likes") == []


async def test_what_another_owner_got_is_not_found(store: Store) -> None:
    owners = [("work", "ann"), ("work", "bob"), ("home", "ann"), (None, None)]
    for number, (namespace, user_id) in enumerate(owners):
        mine = entry("Tea", id=str(number), namespace=namespace, user_id=user_id)
        await store.add([mine], operation())
        await touch(store, await handle_of(store, str(number)))
    for number, owner in enumerate(owners):
        assert await found(store, "tea", Scope(*owner)) == [str(number)]
    assert await found(store, "tea", Scope("work")) == []


async def test_many_texts_are_answered_in_their_order(store: Store) -> None:
    await store.add([entry(text, id=text) for text in ("Tea", "Milk")], operation())
    await touch(store, await handle_of(store, "Tea"), await handle_of(store, "Milk"))
    answer = await store.held([(ANN, "nothing")], [(ANN, text) for text in ("milk", "nothing", "tea", "milk")])
    assert [[record.id for _, record in held] for held in answer.texts] == [["Milk"], [], ["Tea"], ["Milk"]]
    assert answer.contents == [None]
    assert (await store.held([])).texts == []


async def test_a_memory_is_found_by_what_it_says_now(store: Store) -> None:
    """After an edit, its undo or its end an old text finds nothing that does not say it."""
    await store.add([entry("Tea", id="1")], operation())
    handle = await handle_of(store, "1")
    await touch(store, handle)
    edit = operation(OperationKind.EDIT)
    await store.replace(handle, entry("Milk", id="1", updated_at=SOON), edit, expected_version=1)
    assert await found(store, "Tea") == await found(store, "Milk") == []
    await touch(store, handle)
    assert (await found(store, "Tea"), await found(store, "Milk")) == ([], ["1"])
    await undo(store, edit)
    assert await found(store, "Milk") == []
    await store.remove([handle], operation(OperationKind.DELETE))
    assert await found(store, "Tea") == []


async def test_the_survivor_of_a_merge_stays_known(store: Store) -> None:
    await store.add([entry("Tea", id=str(n)) for n in range(2)], operation(), duplicates="keep_both")
    one, other = await handle_of(store, "0"), await handle_of(store, "1")
    await touch(store, one, other)
    await store.merge(merge(entry("Tea", id="0"), (one, 1), (other, 1)), operation(OperationKind.COMPACT))
    assert await found(store, "Tea") == ["0"]
