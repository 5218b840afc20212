"""The promises of ``ports.MemoryStore`` about the care of what is stored, kept by every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mcp_memory.domain.filters import Dates, Where
from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Cues, Entry, Handle
from mcp_memory.ports.models import Generation
from mcp_memory.ports.store import Store
from tests.contracts.entries import (
    ANN,
    DIMENSIONS,
    EVERYWHERE,
    FIRST,
    SECOND,
    candidates,
    entry,
    handle_of,
    merge,
    operation,
    texts,
    vector,
)
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

LATER = NOON + timedelta(hours=1)


async def test_an_access_is_counted_where_the_last_was_long_ago(store: Store) -> None:
    """``touch``: unless it was accessed since; the version stays."""
    just_now = entry("just now", id="y", last_accessed=LATER, access_count=1)
    await store.add([entry("long ago", id="x"), just_now], operation())
    handles = [await handle_of(store, memory_id) for memory_id in ("x", "y")]
    await store.touch(handles, LATER, unless_since=NOON + timedelta(minutes=1))
    await store.touch(handles, LATER, unless_since=NOON + timedelta(minutes=1))
    await store.touch([], LATER, unless_since=LATER)
    x, y = await store.records(handles)
    assert x is not None
    assert y is not None
    assert (x.access_count, x.last_accessed, x.version) == (1, LATER, 1)
    assert (y.access_count, y.last_accessed) == (1, LATER)


async def test_the_first_access_is_always_counted_and_one_after_a_change(store: Store) -> None:
    await store.add([entry("Tea", id="x")], operation())
    handle = await handle_of(store, "x")
    soon, long_ago = NOON + timedelta(seconds=1), NOON - timedelta(days=1)
    for _ in range(2):
        await store.touch([handle], soon, unless_since=long_ago)
    changed = entry("Milk", id="x", updated_at=LATER, last_accessed=soon, access_count=1)
    await store.replace(handle, changed, operation(OperationKind.EDIT), expected_version=1)
    for _ in range(2):
        await store.touch([handle], LATER, unless_since=long_ago)
    (found,) = await store.records([handle])
    assert found is not None
    assert (found.access_count, found.last_accessed) == (2, LATER)


async def test_what_was_never_used_counts_as_used_when_it_was_created(store: Store) -> None:
    early = NOON - timedelta(days=1)
    moved = entry("moved", id="moved", created_at=early, last_accessed=early)
    await store.add([entry("used", id="used"), entry("new", id="new"), moved], operation())
    used, changed = await handle_of(store, "used"), await handle_of(store, "moved")
    await store.touch([used], LATER, unless_since=NOON)
    # Created at another moment, it was still used when it was.
    later = moved.record.model_copy(update={"created_at": NOON})
    await store.replace(changed, replace(moved, record=later), operation(OperationKind.EDIT), expected_version=1)

    async def used_from(start: datetime) -> list[str]:
        dates = Dates("last_accessed", start, start + timedelta(minutes=1))
        return sorted(texts(await store.page(Where(dates=(dates,)), limit=10)))

    assert await used_from(early) == ["moved"]
    assert await used_from(NOON) == ["new"]
    assert await used_from(LATER) == ["used"]
    assert sorted(texts(await store.page(Where(dates=(Dates("last_accessed", NOON),)), limit=10))) == ["new", "used"]


# duplicates, merge


async def test_duplicates_are_grouped_by_content_and_scope_oldest_first(store: Store) -> None:
    """``duplicates``: groups of two or more within ``where``."""
    early = NOON - timedelta(days=1)
    given = [
        entry("Tea", id="2"),
        entry("Tea", id="1", created_at=early),
        entry("Tea", id="3"),
        entry("Tea", user_id="bob"),
        entry("Milk"),
    ]
    await store.add(given, operation(), duplicates="keep_both")
    (group,) = await store.duplicates(EVERYWHERE)
    assert [memory.id for memory in await store.records(group) if memory] == ["1", "2", "3"]
    assert await store.duplicates(Where(Scope(user_id="bob"))) == []


async def merged(store: Store) -> Handle:
    await store.add([entry("Tea", vector(1), id=str(n)) for n in range(1, 4)], operation(), duplicates="keep_both")
    handles = [await handle_of(store, str(n)) for n in range(1, 4)]
    merged = merge(entry("Tea", id="1", topics=["all"]), *((handle, 1) for handle in handles))
    (done,) = await store.merge(merged, operation())
    assert done is not None
    assert (done.version, done.topics) == (2, ["all"])
    return handles[0]


async def test_merged_ids_go_on_naming_the_merged_memory(store: Store) -> None:
    """``merge``: within the scope; the sources are gone, the vector stayed."""
    handle = await merged(store)
    assert await store.count(EVERYWHERE) == await store.count(EVERYWHERE, ["tea"]) == 1
    for memory_id in ("1", "2", "3"):
        assert [(found, memory.id) for found, memory in await store.named([memory_id], ANN)] == [(handle, "1")]
    assert len(await store.named(["1", "2", "3"], ANN)) == 1
    assert await store.named(["2"], Scope("work", "bob")) == []
    assert len((await candidates(store, vector(1))).handles) == 1


async def test_names_outlive_a_second_merge(store: Store) -> None:
    """``merge``: what was merged into a retired memory is in the one that took that in."""
    first = await merged(store)
    await store.add([entry("Tea", id="9")], operation(), duplicates="keep_both")
    ninth = await handle_of(store, "9")
    assert await store.merge(merge(entry("Tea", id="9"), (ninth, 1), (first, 2)), operation()) != [None]
    assert [memory.id for _, memory in await store.named(["3"], ANN)] == ["9"]


async def test_a_merge_of_changed_sources_changes_nothing(store: Store) -> None:
    """``merge``: None if any version moved."""
    await store.add([entry("Tea", id="1"), entry("Tea", id="2")], operation(), duplicates="keep_both")
    one, two = await handle_of(store, "1"), await handle_of(store, "2")
    await store.replace(two, entry("Milk", id="2"), operation(), expected_version=1)
    assert await store.merge(merge(entry("Tea", id="1"), (one, 1), (two, 1)), operation()) == [None]
    assert await store.count(EVERYWHERE) == 2
    assert (await store.records([one, two]))[0] == (await store.named(["1"], ANN))[0][1]


async def test_a_merged_id_that_is_stored_again_is_a_memory_of_its_own(store: Store) -> None:
    """``add``: the id names the new memory from then on."""
    await merged(store)
    (added,) = await store.add([entry("Coffee", id="2")], operation())
    assert added.outcome == "stored"
    assert texts([memory for _, memory in await store.named(["2"], ANN)]) == ["Coffee"]


async def test_removing_a_merged_memory_removes_its_names(store: Store) -> None:
    """``remove``."""
    await store.remove([await merged(store)], operation())
    assert await store.named(["1", "2", "3"], Scope()) == []


async def test_superseding_a_merged_id_ends_the_merged_memory(store: Store) -> None:
    """``add``: an id that was merged away still finds the memory that took it in."""
    await merged(store)
    await store.add([entry("Coffee", supersedes=["3"])], operation())
    assert (await store.named(["1"], ANN))[0][1].valid_to == NOON


# scan, reindex


async def test_a_scan_meets_every_memory_once(store: Store) -> None:
    """``scan``: a fixed order, a page at a time."""
    await store.add([entry(f"memory {number}", user_id=None) for number in range(7)], operation())
    met: list[str] = []
    after: Handle | None = None
    while found := await store.scan(after, 3):
        met += [memory.text for _, memory in found]
        after = found[-1][0]
    assert sorted(met) == [f"memory {number}" for number in range(7)]


async def test_reindexing_replaces_what_is_derived(store: Store) -> None:
    """``reindex``: terms, cues and vector; the record stays as it is."""
    await store.add([entry("alpha", vector(1), id="x")], operation())
    handle = await handle_of(store, "x")
    derived = Entry(entry("alpha", id="x").record, "beta", Cues(), vector(0, 1), SECOND)
    await store.reindex([(handle, derived)])
    assert [await store.count(EVERYWHERE, [word]) for word in ("alpha", "beta")] == [0, 1]
    assert (await candidates(store, vector(1), generation=FIRST)).handles == []
    assert (await candidates(store, vector(0, 1), generation=SECOND)).handles == [handle]
    assert (await store.page(EVERYWHERE, limit=1))[0].version == 1


async def test_reindexing_leaves_what_changed_meanwhile(store: Store) -> None:
    """``reindex``: memories that are still at the entry's version."""
    await store.add([entry("alpha", id="x")], operation())
    handle = await handle_of(store, "x")
    await store.replace(handle, entry("beta", id="x"), operation(), expected_version=1)
    await store.reindex([(handle, entry("alpha", vector(1), id="x"))])
    assert [await store.count(EVERYWHERE, [word]) for word in ("alpha", "beta")] == [0, 1]


async def test_memories_without_a_vector_of_the_generation_are_paged_through_once(store: Store) -> None:
    """``outdated``: of all scopes, in a fixed order; ``count_outdated``."""
    await store.add([entry(f"old {n}", vector(1), user_id=None) for n in range(5)], operation())
    await store.add([entry(f"new {n}", vector(1), SECOND) for n in range(5)], operation())
    await store.add([entry(f"none {n}", user_id="bob") for n in range(5)], operation())
    assert await store.count_outdated(SECOND) == await store.count_outdated(FIRST) == 10
    met: list[str] = []
    after: Handle | None = None
    while found := await store.outdated(SECOND, after, 3):
        met += [memory.text for _, memory in found]
        after = found[-1][0]
    assert met == [*(f"old {n}" for n in range(5)), *(f"none {n}" for n in range(5))]
    assert await store.count_outdated(Generation("model", DIMENSIONS, "third")) == 15


async def test_what_has_its_vector_is_outdated_no_more(store: Store) -> None:
    """``outdated``: as it is now, after ``reindex``, ``replace`` and ``remove``."""
    await store.add([entry(f"memory {n}", vector(1), id=str(n)) for n in range(4)], operation())
    handles = [await handle_of(store, str(n)) for n in range(4)]
    await store.reindex([(handles[0], entry("memory 0", vector(1), SECOND, id="0"))])
    await store.replace(handles[1], entry("other", vector(1), SECOND, id="1"), operation(), expected_version=1)
    await store.remove([handles[2]], operation())
    assert [handle for handle, _ in await store.outdated(SECOND, None, 9)] == [handles[3]]
    assert await store.count_outdated(SECOND) == 1


# namespaces, stats


async def test_namespaces_are_those_that_hold_memories_of_the_scope(store: Store) -> None:
    """``namespaces``: sorted, with the prefix, at most 100."""
    names = ["work", "World", "wörk", "home", None, "w%", "w\U0010ffff"]
    await store.add([entry("Tea", namespace=name) for name in names], operation())
    await store.add([entry("Tea", namespace="wide", user_id="bob")], operation())
    assert await store.namespaces(Scope(), "w") == ["w%", "wide", "work", "wörk", "w\U0010ffff"]
    assert await store.namespaces(Scope(user_id="bob")) == ["wide"]
    await store.remove([handle for handle, _ in await store.scan(None, 99)], operation())
    assert await store.namespaces(Scope()) == []


async def test_at_most_a_hundred_namespaces_are_listed(store: Store) -> None:
    """``namespaces``."""
    await store.add([entry("Tea", namespace=f"n{number:03}") for number in range(130)], operation())
    assert await store.namespaces(Scope()) == [f"n{number:03}" for number in range(100)]


async def test_stats_say_how_much_there_is(store: Store) -> None:
    """``stats``."""
    await store.add(
        [
            entry("one", vector(1)),
            entry("two", vector(1), SECOND, memory_type="episodic"),
            entry("three", user_id="bob"),
            entry("four", namespace=None),
        ],
        operation(),
    )
    found = await store.stats(Scope(), FIRST)
    assert (found.memories, found.by_namespace) == (4, {"work": 3, "": 1})
    assert (found.by_type, found.without_vector) == ({"semantic": 3, "episodic": 1}, 3)
    assert (await store.stats(Scope(user_id="ann"), None)).without_vector == 1
    assert (await store.stats(Scope("nowhere"), FIRST)).memories == 0
