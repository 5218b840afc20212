"""The contract of ``SuggestionStore``: what is left for people, as long as both memories are as they were read."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import SuggestionKind, SuggestionState
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from tests.contracts.entries import ANN, entry, handle_of, operation
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

OPEN = Scope()
_numbers = count(1)


def proposal(one: Handle, other: Handle, **fields: Any) -> Proposal:
    given: dict[str, Any] = {"kind": SuggestionKind.MERGE, "at": NOON, "reason": "They look alike."}
    given |= {"id": f"s{next(_numbers)}"}
    return Proposal(one=(one, 1), other=(other, 1), **given | fields)


async def two(store: Store, **fields: Any) -> tuple[Handle, Handle]:
    """Store two memories of one owner and return them."""
    added = await store.add([entry("Tea", **fields), entry("Green tea", **fields)], operation())
    one, other = [await handle_of(store, one.record.id) for one in added]
    return one, other


async def listed(store: Store, scope: Scope = OPEN, state: SuggestionState = SuggestionState.OPEN) -> list[str]:
    found, total = await store.suggestions(scope, state=state, limit=9)
    assert total == len(found)
    return [suggestion.id for suggestion in found]


async def test_a_suggestion_is_told_whole(store: Store) -> None:
    one, other = await two(store)
    given = proposal(one, other, kind=SuggestionKind.SUPERSEDE, closeness=0.75, text="Tea, green")
    assert await store.suggest([given]) == 1
    found = await store.suggestion(given.id, ANN)
    assert found is not None
    assert found[0] == given
    told = found[1]
    assert (told.kind, told.reason, told.closeness, told.text) == ("supersede", "They look alike.", 0.75, "Tea, green")
    assert (told.one.text, told.other.text, told.at) == ("Tea", "Green tea", NOON)


async def test_suggestions_are_listed_newest_first_by_pages(store: Store) -> None:
    made = [proposal(*await two(store, session_id=str(n))) for n in range(3)]
    await store.suggest(made)
    found, total = await store.suggestions(OPEN, state=SuggestionState.OPEN, limit=2, offset=1)
    assert ([one.id for one in found], total) == ([made[1].id, made[0].id], 3)


async def test_a_scope_sees_its_own(store: Store) -> None:
    mine, his = proposal(*await two(store)), proposal(*await two(store, user_id="bob"))
    await store.suggest([mine, his])
    assert await listed(store, ANN) == [mine.id]
    assert await store.suggestion(his.id, ANN) is None
    assert await listed(store, Scope("nobody")) == []


async def test_a_suggestion_ends_when_a_memory_changes_or_goes(store: Store) -> None:
    (one, other), (third, fourth) = await two(store), await two(store, session_id="s")
    first, second = proposal(one, other), proposal(third, fourth)
    await store.suggest([first, second])
    await store.replace(one, entry("Coffee", id="x"), operation(OperationKind.EDIT), expected_version=1)
    await store.remove([fourth], operation(OperationKind.DELETE))
    assert await listed(store) == []
    assert await store.suggestion(first.id, OPEN) is None
    assert await store.settled([((one, 2), (other, 1))]) == [None]


async def test_a_pair_has_one_suggestion_in_either_order(store: Store) -> None:
    one, other = await two(store)
    await store.suggest([proposal(one, other)])
    later = proposal(other, one)
    await store.suggest([later])
    assert await listed(store) == [later.id]
    assert await store.settled([((one, 1), (other, 1)), ((other, 1), (one, 1))]) == [SuggestionState.OPEN] * 2


async def test_what_was_settled_is_remembered_and_no_longer_open(store: Store) -> None:
    one, other = await two(store)
    given = proposal(one, other)
    await store.suggest([given])
    await store.settle(given.id, SuggestionState.DISMISSED)
    assert await listed(store) == []
    assert await listed(store, state=SuggestionState.DISMISSED) == [given.id]
    assert await store.suggestion(given.id, OPEN) is None
    assert await store.settled([((other, 1), (one, 1)), ((one, 1), (other, 2))]) == [SuggestionState.DISMISSED, None]


async def test_when_a_scope_was_compared_is_remembered_for_exactly_it(store: Store) -> None:
    assert await store.compared(OPEN) is None
    await store.note_compared(ANN, NOON, 0.3)
    await store.note_compared(OPEN, NOON, 0.3)
    await store.note_compared(OPEN, NOON + timedelta(1), 0.2)
    assert await store.compared(OPEN) == (NOON + timedelta(1), 0.2)
    assert await store.compared(ANN) == (NOON, 0.3)
    assert await store.compared(Scope("work")) is None


async def test_ended_suggestions_are_let_go(store: Store) -> None:
    """So that they do not grow for ever; those that stand stay."""
    one, other = await two(store)
    stands = proposal(*await two(store, session_id="s"))
    await store.suggest([proposal(one, other), stands])
    await store.remove([one], operation(OperationKind.DELETE))
    await store.note_compared(OPEN, NOON, 0.3)
    assert await listed(store) == [stands.id]
