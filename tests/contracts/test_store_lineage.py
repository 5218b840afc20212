"""The promises of ``ArchiveStore`` about history: what was done is told there as here, and is taken back as here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.domain.suggestions import SuggestionKind, SuggestionState
from mcp_memory.ports.archive import NEW, Act, Numbers, TakenIn, Trace
from mcp_memory.ports.memories import Handle, Merge
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from tests.contracts.conftest import KINDS, Stores
from tests.contracts.entries import ANN, candidates, entry, handle_of, operation, restoring, vector
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

IDS = ["tea", "tea2", "coffee", "milk", "bob", "gone", "again", "erased", "late", "old", "new"]


@pytest.fixture(params=KINDS)
async def other(request: pytest.FixtureRequest, stores: Stores, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind, to move to."""
    folder = tmp_path / "other"
    folder.mkdir()
    async with stores.opened(request.param, folder) as made:
        yield made


@dataclass
class Lived:
    """Everything that may be done to memories was done in a store; here are the operations, in order."""

    done: list[Operation]

    def one(self, kind: OperationKind = OperationKind.CREATE, **fields: str) -> Operation:
        self.done.append(operation(kind, **fields))
        return self.done[-1]


async def undo(store: Store, done: Operation, undoing: Operation) -> tuple[int, list[str]]:
    undone = await store.undo(done.id, await restoring(store, done), undoing)
    return undone.restored, sorted(kept.reason for kept in undone.kept)


async def live(store: Store) -> Lived:
    """Create, edit, supersede, merge, undo, undo that, delete, create anew, erase."""
    lived = Lived([])
    facts = ["Tea", "Hot tea", "Coffee", "Milk"]
    ids = ["tea", "tea2", "coffee", "milk"]
    made = [entry(text, vector(n, 1), id=name) for n, (text, name) in enumerate(zip(facts, ids, strict=True))]
    await store.add([*made, entry("Bob's", id="bob", user_id="bob")], lived.one(by="Ann", note="all at once"))
    await store.add([entry(name, vector(2, 2), id=name) for name in ("gone", "again", "erased")], lived.one())
    coffee = await handle_of(store, "coffee")
    edited = lived.one(OperationKind.EDIT)
    await store.replace(coffee, entry("Black coffee", vector(5), id="coffee"), edited, expected_version=1)
    await store.replace(coffee, entry("Cold coffee", id="coffee"), lived.one(OperationKind.EDIT), expected_version=2)
    await store.add([entry("User lives in Lyon", id="old")], lived.one())
    await store.add([entry("User lives in Oslo", id="new", supersedes=["old"])], lived.one())
    tea, tea2 = await handle_of(store, "tea"), await handle_of(store, "tea2")
    compacted = lived.one(OperationKind.COMPACT)
    await store.merge([Merge(entry("Tea", vector(1), id="tea"), ((tea, 1), (tea2, 1)))], compacted)
    undoing = lived.one(OperationKind.UNDO, undoes=compacted.id)
    await undo(store, compacted, undoing)
    await undo(store, undoing, lived.one(OperationKind.UNDO, undoes=undoing.id))
    await store.remove([await handle_of(store, name) for name in ("gone", "again")], lived.one(OperationKind.DELETE))
    await store.add([entry("Once more", id="again")], lived.one())
    await store.remove([await handle_of(store, "erased")], lived.one(OperationKind.DELETE))
    await store.purge([known.handle for known in await store.recorded(["erased"], OPEN)])
    late = lived.one(OperationKind.IMPORT)
    await store.add([entry("Late", id="late")], late)
    taken_back = lived.one(OperationKind.UNDO, undoes=late.id)
    await undo(store, late, taken_back)
    return lived


async def acts_of(store: Store) -> list[Act]:
    found: list[Act] = []
    while page := await store.acts(found[-1].number if found else 0, 3):
        found += page
    return found


async def traces_of(store: Store) -> list[Trace]:
    found: list[Trace] = []
    while page := await store.traces(found[-1].number if found else None, 3):
        found += page
    return found


async def taken_in(store: Store) -> list[tuple[int, TakenIn]]:
    return [
        (one.handle or 0, TakenIn(replace(entry(one.record.text), record=one.record, vector=one.vector,
                                          generation=one.generation), one.names))
        for _, one in await store.archived(None, 99)
    ]  # fmt: skip


async def move(store: Store, other: Store) -> int:
    """Move everything by small pages; answer how much of the history was new."""
    count = 0
    assert await other.reserve(await store.numbers(), seen=await other.numbers())
    acts, traces = await acts_of(store), await traces_of(store)
    for start in range(0, len(acts), 2):
        count += await other.take_in_history(acts[start : start + 2], [])
    for start in range(0, len(traces), 2):
        count += await other.take_in_history([], traces[start : start + 2])
    memories = await taken_in(store)
    for start in range(0, len(memories), 2):
        await other.move_in(memories[start : start + 2])
    await other.suggest([proposal for _, proposal in await store.proposals(0, 99)])
    return count


async def told(store: Store) -> list[object]:
    """Return all that a person can ask about what was done."""
    operations, total = await store.operations(OPEN, limit=99)
    found: list[object] = [total, *operations]
    for one in operations:
        # Each store numbers them in its own way.
        found += sorted(repr(replace(change, number=0)) for change in await store.changes(one.id, OPEN))
    for name in IDS:
        found += await store.history(name, OPEN)
        found += [known.there for known in await store.recorded([name], OPEN)]
    return found


async def test_history_is_told_there_as_here(store: Store, other: Store) -> None:
    await live(store)
    here = await told(store)
    assert len(here) > 60
    await move(store, other)
    assert await told(other) == here
    assert await other.scan(None, 99) == await store.scan(None, 99)
    assert [(act.number, act.operation) for act in await acts_of(other)] == [
        (act.number, act.operation) for act in await acts_of(store)
    ]
    assert not [one for one in await traces_of(other) if one.name.id == "erased"]


async def test_every_operation_is_taken_back_there_as_here(store: Store, other: Store) -> None:
    lived = await live(store)
    await move(store, other)
    for done in reversed(lived.done):
        undoing = operation(OperationKind.UNDO, undoes=done.id)
        changed = await store.changes(done.id, OPEN)
        if changed and not all(one.change.undone for one in changed):
            assert await undo(other, done, undoing) == await undo(store, done, undoing), done
            assert await other.scan(None, 99) == await store.scan(None, 99)
            assert await names(other) == await names(store)
            assert await distances(other) == pytest.approx(await distances(store), abs=0.01)
    assert await told(other) == await told(store)


async def live_on(store: Store, name: str) -> None:
    """Add, edit, merge away, erase and forget, under ids that follow from the name."""
    done = [Operation(id=f"{name}-{n}", kind=OperationKind.EDIT, at=NOON + timedelta(days=n)) for n in range(len(IDS))]
    more = [entry(f"{text} {name}", vector(n), id=f"{text}-{name}") for n, text in enumerate(("one", "two", "three"))]
    await store.add(more, done[0])
    milk, one = await handle_of(store, "milk"), await handle_of(store, f"one-{name}")
    ((_, there),) = await store.named(["milk"], OPEN)
    await store.merge([Merge(entry("Milk", vector(1), id="milk"), ((milk, there.version), (one, 1)))], done[1])
    await store.purge([await handle_of(store, "tea2"), await handle_of(store, f"two-{name}")])
    await store.purge([known.handle for known in await store.recorded(["gone"], OPEN)])
    await undo(store, done[1], done[2].model_copy(update={"kind": OperationKind.UNDO, "undoes": done[1].id}))


async def test_what_is_done_after_the_move_is_done_there_as_here(store: Store, other: Store) -> None:
    await live(store)
    await move(store, other)
    for one in (store, other):
        await live_on(one, "later")
    here = await told(store)
    assert await told(other) == here
    assert await store.history("gone", OPEN) == await other.history("gone", OPEN) == []
    assert [act.operation.id for act in await acts_of(other)] == [act.operation.id for act in await acts_of(store)]
    for one in (store, other):
        assert await one.forget_operations(NOON + timedelta(seconds=1)) > 10
    assert await told(other) == await told(store) != here


async def test_what_was_done_since_the_move_follows(store: Store, other: Store) -> None:
    await live(store)
    await move(store, other)
    added = operation()
    await store.add([entry("More", id="more")], added)
    await store.remove([await handle_of(store, "milk")], operation(OperationKind.DELETE))
    await undo(store, added, operation(OperationKind.UNDO, undoes=added.id))
    milk, coffee = await handle_of(other, "milk"), await handle_of(other, "coffee")
    await other.move_out([(milk, 2), (coffee, 2)])
    assert [handle for handle, _ in await other.scan(None, 99) if handle in {milk, coffee}] == [coffee, milk]
    await other.move_out([(milk, 1)])
    assert await move(store, other) == 6
    assert await told(other) == await told(store)
    edited = next(one for one in (await store.operations(OPEN, limit=99))[0] if one.kind is OperationKind.EDIT)
    await undo(store, edited, operation(OperationKind.UNDO, undoes=edited.id))
    assert await move(store, other) == 3
    await other.move_out([(coffee, 3)])
    assert await move(store, other) == 0
    assert await told(other) == await told(store)


async def names(store: Store) -> list[tuple[Handle, list[str]]]:
    return [(handle, sorted(name.id for name in one.names)) for handle, one in await store.archived(None, 99)]


async def distances(store: Store) -> dict[Handle, float]:
    found = await candidates(store, vector(1, 2), nearest=99)
    return {handle: float(distance) for handle, distance in zip(found.handles, found.distance, strict=True)}


async def test_what_was_moved_half_is_completed_and_nothing_comes_twice(store: Store, other: Store) -> None:
    await live(store)
    assert await other.reserve(await store.numbers(), seen=Numbers())
    acts, traces, memories = await acts_of(store), await traces_of(store), await taken_in(store)
    await other.take_in_history(acts[:5], [])
    await other.take_in_history(acts[5:], traces[:7])
    await other.move_in(memories[:2])
    assert await move(store, other) == len(traces) - 7
    here = await told(store)
    assert await told(other) == here
    assert await move(store, other) == 0
    assert await move(other, store) == 0
    assert await told(store) == here
    assert await other.move_in(memories) == [False] * len(memories)
    assert await told(other) == here


async def test_a_version_that_a_memory_had_before_it_was_moved_comes_never_again(store: Store, other: Store) -> None:
    await store.add([entry("Tea", id="tea")], operation())
    handle, edited = await handle_of(store, "tea"), operation(OperationKind.EDIT)
    await store.replace(handle, entry("Green tea", id="tea"), edited, expected_version=1)
    await undo(store, edited, operation(OperationKind.UNDO, undoes=edited.id))
    await move(store, other)
    stored = await other.replace(handle, entry("Black tea", id="tea"), operation(), expected_version=1)
    assert stored.version == 3


async def test_numbers_that_are_kept_are_given_to_nothing_new(other: Store) -> None:
    kept = Numbers(3_000, 70, 90)
    assert not await other.reserve(kept, seen=Numbers(1, 0, 0))
    assert await other.numbers() == Numbers()
    assert await other.reserve(kept, seen=Numbers())
    done = operation()
    await other.add([entry("Tea", vector(1), id="tea")], done)
    handle = await handle_of(other, "tea")
    assert int(handle) > 3_000
    await other.replace(handle, entry("Green tea", vector(1), id="tea"), operation(), expected_version=1)
    await candidates(other, vector(1), nearest=9)
    assert [act.number > 70 for act in await acts_of(other)] == [True, True]
    assert all(one.number > 90 or one.number == NEW + one.handle for one in await traces_of(other))
    seen = await other.numbers()
    assert await other.reserve(kept, seen=seen)
    assert await other.numbers() == seen
    # What was found before is found among what comes before it, and the other way round.
    assert await other.move_in([(2_000, TakenIn(entry("Milk", vector(0, 1), id="milk")))]) == [True]
    found = await candidates(other, vector(1), nearest=9)
    assert sorted(map(int, found.handles)) == [2_000, int(handle)]
    assert [found.id for _, found in await other.named(["milk", "tea"], ANN)] == ["milk", "tea"]


async def test_what_comes_before_others_is_found_beside_them(other: Store) -> None:
    assert await other.reserve(Numbers(2_047, 0, 0), seen=Numbers())
    assert await other.move_in([(500, TakenIn(entry("Milk", vector(0, 1), id="milk")))]) == [True]
    await other.add([entry("Tea", vector(1), id="tea")], operation())
    await other.move_in([(1_500, TakenIn(entry("Coffee", vector(2, 1), id="coffee")))])
    for wanted in (vector(1), vector(0, 1)):
        found = await candidates(other, wanted, nearest=9)
        assert len(found.handles) == 3
        assert len((await candidates(other, None, ("milk",))).handles) == 1


async def test_a_number_or_a_name_that_is_taken_keeps_its_memory(other: Store) -> None:
    assert await other.reserve(Numbers(9, 0, 0), seen=Numbers())
    one, two = TakenIn(entry("One", id="one")), TakenIn(entry("Two", id="two"))
    assert await other.move_in([(4, one), (4, two), (5, one), (6, two)]) == [True, False, False, True]
    assert [(handle, record.id) for handle, record in await other.scan(None, 9)] == [(4, "one"), (6, "two")]
    assert await other.operations(OPEN, limit=9) == ([], 0)


async def test_suggestions_move_with_what_became_of_them_also_those_that_ended(store: Store, other: Store) -> None:
    texts = [entry(text, id=text) for text in ("a", "b", "c", "d")]
    await store.add(texts, operation())
    a, b, c, d = [await handle_of(store, name) for name in "abcd"]
    kinds = SuggestionKind.MERGE, SuggestionKind.SUPERSEDE
    made = [
        Proposal("1", kinds[0], (a, 1), (b, 1), NOON, "Alike", SuggestionState.DISMISSED, closeness=0.9),
        Proposal("2", kinds[1], (b, 1), (c, 1), NOON, "Newer", text="c"),
        Proposal("3", kinds[0], (d, 1), (c, 1), NOON, "Gone", SuggestionState.DISMISSED),
        # Of one that nobody knows any more.
        Proposal("4", kinds[0], (int(d) + 1, 1), (c, 1), NOON, "Forgotten"),
    ]
    await store.suggest(made)
    deleted = operation(OperationKind.DELETE)
    await store.remove([d], deleted)
    assert [proposal for _, proposal in await store.proposals(0, 9)] == made
    ((place, _), *_) = await store.proposals(0, 1)
    assert [proposal.id for _, proposal in await store.proposals(place, 9)] == ["2", "3", "4"]

    await move(store, other)
    assert [proposal for _, proposal in await other.proposals(0, 9)] == made
    for state in SuggestionState:
        found = await other.suggestions(OPEN, state=state, limit=9)
        assert found == await store.suggestions(OPEN, state=state, limit=9)
    await undo(other, deleted, operation(OperationKind.UNDO, undoes=deleted.id))
    assert await other.settled([((d, 1), (c, 1))]) == [SuggestionState.DISMISSED]


async def test_what_moves_on_from_store_to_store_stays_what_it_was(stores: Stores, tmp_path: Path) -> None:
    """From SQLite to Redis and back, say: each store keeps what another one numbers otherwise."""
    async with AsyncExitStack() as stack:
        made = []
        for number, kind in enumerate(["sqlite", "redis", "sqlite", "ephemeral", "redis", "sqlite"]):
            folder = tmp_path / str(number)
            folder.mkdir()
            made.append(await stack.enter_async_context(stores.opened(kind, folder)))
        lived = await live(made[0])
        for one, following in pairwise(made):
            await move(one, following)
        assert await told(made[-1]) == await told(made[0])
        scope = Scope("work", "ann")
        deleted = next(done for done in lived.done if done.kind is OperationKind.DELETE)
        undoing = operation(OperationKind.UNDO, undoes=deleted.id)
        assert await undo(made[-1], deleted, undoing) == await undo(made[0], deleted, undoing)
        assert await made[-1].history("gone", scope) == await made[0].history("gone", scope)
