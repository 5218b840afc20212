"""The promises of ``ArchiveStore``: what moves stays what it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.scope import OPEN
from mcp_memory.ports.archive import Name, TakenIn
from mcp_memory.ports.memories import Merge
from mcp_memory.ports.store import Store
from tests.contracts.conftest import KINDS, Stores
from tests.contracts.entries import ANN, FIRST, entry, operation, restoring, vector
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio


def importing() -> Operation:
    return operation(OperationKind.IMPORT)


async def test_a_memory_arrives_with_its_version_its_names_and_its_vector(
    store: Store, stores: Stores, tmp_path: Path
) -> None:
    one, two = entry("Tea", vector(1), id="one"), entry("Tea!", vector(1), id="two")
    await store.add([one, two], operation(), duplicates="keep_both")
    ((first, _), (second, _)) = sorted(await store.named(["one", "two"], ANN), key=lambda pair: pair[1].id)
    await store.merge([Merge(one, ((first, 1), (second, 1)))], operation())
    ((_, archived),) = await store.archived(None, 10)
    assert (archived.record.version, archived.names) == (2, (Name("work", "ann", "two"),))
    assert archived.generation == FIRST
    assert archived.vector is not None
    assert float(archived.vector @ vector(1)) == pytest.approx(1, abs=0.01)

    folder = tmp_path / "other"
    folder.mkdir()
    for kind in KINDS:
        async with stores.opened(kind, folder) as other:
            whole = TakenIn(replace(one, record=archived.record, vector=archived.vector), archived.names)
            assert await other.take_in([whole], importing()) == [True]
            ((_, again),) = await other.archived(None, 10)
            assert (again.record, again.names, again.generation) == (archived.record, archived.names, FIRST)
            assert again.vector is not None
            assert np.allclose(again.vector, archived.vector, atol=0.01)
            assert [found.id for _, found in await other.named(["two"], ANN)] == ["one"]


async def test_what_a_name_finds_already_stays(store: Store) -> None:
    await store.add([entry("Mine", id="one")], operation())
    theirs = TakenIn(entry("Theirs", id="one"))
    twice = TakenIn(entry("Other", id="two"))
    bobs = TakenIn(entry("Bob's", id="one", user_id="bob"), (Name("work", "ann", "one"),))
    assert await store.take_in([theirs, twice, twice, bobs], importing()) == [False, True, False, True]
    assert sorted(found.text for _, found in await store.named(["one", "two"], OPEN)) == ["Bob's", "Mine", "Other"]
    assert [found.text for _, found in await store.named(["one"], ANN)] == ["Mine"]


async def test_what_is_taken_in_ends_nothing(store: Store) -> None:
    """Whether the older one has ended is what the older one says."""
    older = TakenIn(entry("User lives in Lyon", id="old"))
    newer = TakenIn(entry("User lives in Oslo", id="new", supersedes=["old"]))
    ended = TakenIn(entry("User lives in Rome", id="ended", valid_to=NOON + timedelta(1), version=3))
    assert await store.take_in([older, newer, ended], importing()) == [True] * 3
    found = {held.id: held for _, held in await store.named(["old", "ended"], ANN)}
    assert (found["old"].valid_to, found["old"].version) == (None, 1)
    assert (found["ended"].valid_to, found["ended"].version) == (NOON + timedelta(1), 3)


async def test_pages_come_in_the_order_of_storing_and_a_taking_in_is_undone_whole(store: Store) -> None:
    done = importing()
    await store.take_in([TakenIn(entry(f"Fact {n}", id=f"m{n}")) for n in range(5)], done)
    await store.take_in([TakenIn(entry("Fact 5", id="m5", namespace="home"))], done)
    pages, after = [], None
    while page := await store.archived(after, 2):
        pages.append([one.record.id for _, one in page])
        after = page[-1][0]
    assert pages == [["m0", "m1"], ["m2", "m3"], ["m4", "m5"]]
    (listed,), _ = await store.operations(OPEN, limit=5)
    assert (listed.kind, listed.created) == (OperationKind.IMPORT, 6)
    undone = await store.undo(done.id, await restoring(store, done), operation())
    assert (undone.restored, await store.archived(None, 10)) == (6, [])
