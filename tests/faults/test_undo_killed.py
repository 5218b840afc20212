"""An undo that is killed is finished by undoing the same operation again; others write between its pieces."""

from __future__ import annotations

import asyncio
import random
import subprocess
from itertools import combinations

import pytest

from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.requests import Undo
from mcp_memory.domain.scope import OPEN
from mcp_memory.domain.suggestions import SuggestionState
from mcp_memory.errors import CannotUndo
from mcp_memory.ports.memories import Merge
from mcp_memory.ports.store import Store
from mcp_memory.services.taking_back import AT_ONCE
from tests.contracts.entries import entry, operation, vector
from tests.faults.reporting import answer, begun, opened
from tests.faults.undo_child import operations

pytestmark = pytest.mark.anyio

CHAINS = 4 * AT_ONCE // 3
"""Of three memories each, of which one is merged into the second, and that into the third, by one operation."""
CHANGES = 4 * CHAINS
REPORTS = (1, 2, 1, 2)
"""After which report of its progress the undo is killed, once each."""
LOOKS = 6
"""At the store before a kill, at the most: so it comes at any moment."""
TOGETHER = 64


async def remember(store: Store) -> Operation:
    """Store memories in several transactions of one operation."""
    done = operation()
    facts = [entry(f"Fact {n}", vector(n % 7, n % 3, 1), id=f"m{n}") for n in range(3 * CHAINS)]
    for start in range(0, len(facts), AT_ONCE):
        await store.add(facts[start : start + AT_ONCE], done)
    return done


async def compact(store: Store) -> Operation:
    """Make one memory of every three, in two steps."""
    done = operation(OperationKind.COMPACT)
    handles = [handle for handle, _ in await store.scan(None, 3 * CHAINS)]
    first, second, third = (handles[n::3] for n in range(3))
    merges = []
    for n, (one, two, three) in enumerate(zip(first, second, third, strict=True)):
        merges.append(Merge(entry(f"Facts {n}", vector(5, n % 3), id=f"m{3 * n + 1}"), ((two, 1), (one, 1))))
        merges.append(Merge(entry(f"All {n}", vector(n % 5, 2), id=f"m{3 * n + 2}"), ((three, 1), (two, 2))))
    for start in range(0, len(merges), TOGETHER):
        assert None not in await store.merge(merges[start : start + TOGETHER], done)
    return done


async def everything(store: Store) -> list[tuple[object, ...]]:
    """Return all memories as they are, with the names that lead to them, and their vectors."""
    return [
        (handle, one.record, sorted(one.names), None if one.vector is None else one.vector.tolist(), one.generation)
        for handle, one in await store.archived(None, 4 * CHAINS)
    ]


async def undone(store: Store, done: Operation) -> int:
    """Return how many changes are taken back."""
    return sum(one.undone for one in await store.touched(done.id, OPEN))


async def whole(store: Store, done: Operation) -> bool:
    """Say whether what hangs together was taken back together, or not at all."""
    back: dict[int, set[bool]] = {}
    for one in await store.touched(done.id, OPEN):
        back.setdefault(int(one.memory_id[1:]) // 3, set()).add(one.undone)
    return all(len(states) == 1 for states in back.values())


async def kill(child: subprocess.Popen[str], store: Store, done: Operation, reports: int, looks: int) -> None:
    """Kill an undo some looks after so many reports."""
    with child:
        answer(child, "taking back", reports)
        for _ in range(looks):
            await undone(store, done)
        child.kill()


async def test_an_undo_that_was_killed_again_and_again_is_finished_and_can_be_undone(where: str) -> None:
    chance = random.Random(14)
    async with opened(where) as store:
        await remember(store)
        before = await everything(store)
        done = await compact(store)
        after = await everything(store)
        reached = []
        for reports in REPORTS:
            await kill(begun("tests.faults.undo_child", where, done.id), store, done, reports, chance.randint(0, LOOKS))
            assert await whole(store, done)
            reached.append(await undone(store, done))
        assert 0 < reached[-1] < CHANGES, "the last of them must have something left to do"
        assert reached == sorted(reached)
        reply = await operations(store).undo(Undo(operation_id=done.id))
        assert (reply.restored, reply.kept) == (CHANGES - reached[-1], [])
        assert await everything(store) == before
        with pytest.raises(CannotUndo, match="already"):
            await operations(store).undo(Undo(operation_id=done.id))
        await kept_apart(store)
        listed, _ = await store.operations(OPEN, limit=99)
        undoings = [one for one in listed if one.undoes == done.id]
        assert len(undoings) > 2
        for one in undoings:
            await operations(store).undo(Undo(operation_id=one.id))
        assert await everything(store) == after


async def kept_apart(store: Store) -> None:
    """What was merged is not wanted so: the next compaction knows that of all of it, whoever was killed."""
    seen = [(handle, record.version) for handle, record in await store.scan(None, 3 * CHAINS)]
    pairs = [pair for n in range(CHAINS) for pair in combinations(seen[3 * n : 3 * n + 3], 2)]
    dismissed = [state is SuggestionState.DISMISSED for state in await store.settled(pairs)]
    assert dismissed == [True, False, True] * CHAINS, "the first with the second, and that with the third"


async def test_others_write_between_the_pieces_of_an_undo(where: str) -> None:
    async with opened(where) as store, opened(where) as other:
        done = await remember(store)
        undoing = asyncio.ensure_future(operations(store).undo(Undo(operation_id=done.id)))
        written: list[int] = []
        while not undoing.done():
            await other.add([entry(f"Written {len(written)}", id=f"w{len(written)}")], operation())
            written.append(await undone(other, done))
        assert (await undoing).restored == 3 * CHAINS
        assert len({count for count in written if 0 < count < 3 * CHAINS}) > 1
        assert [record.id for _, record in await store.scan(None, 4 * CHAINS)] == [f"w{n}" for n in range(len(written))]
