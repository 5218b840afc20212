"""The contract of ``ViewStore``: views and their summaries, and the groups of memories that they sum up."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from mcp_memory.domain.filters import TagFilter, Where
from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult, group_key
from mcp_memory.ports.store import Store
from mcp_memory.ports.views import Group, Partition, Step
from tests.contracts.entries import ANN, EVERYWHERE, entry, handle_of, merge, operation
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

OPEN = Scope()
_numbers = count(1)


def view(**fields: Any) -> SummaryView:
    return SummaryView(**{"id": f"view-{next(_numbers)}", "source": "long_term", "group_by": ["user_id"]} | fields)


def partition(of: SummaryView, state: str = "1", **group: str) -> Partition:
    told = {"summary": f"About {group}", "memory_count": 1, "computed_at": NOON}
    return Partition(SummaryViewPartitionResult(view_id=of.id, group=group, **told), state)


async def stored(store: Store, **fields: Any) -> SummaryView:
    made = view(**fields)
    await store.put_view(made)
    return made


async def keep(store: Store, of: SummaryView, *users: str) -> None:
    for user in users:
        assert await store.put_partition(partition(of, user_id=user))


async def told_of(store: Store, of: SummaryView, **group: str) -> list[dict[str, str]]:
    return [result.group for result in await store.partitions(of.id, group)]


async def walked(store: Store, where: Where, limit: int) -> list[MemoryRecord]:
    """Walk to the end, so many at a time."""
    found: list[MemoryRecord] = []
    after: Step | None = None
    while page := await store.walk(where, after, limit):
        assert len(page) <= limit
        found += [record for _, record in page]
        handle, last = page[-1]
        after = last.created_at, handle
    return found


async def test_a_view_is_read_back_whole(store: Store) -> None:
    given = view(
        name="Ann's ä",
        group_by=["session_id", "memory_type"],
        filters={"user_id": "ann", "topics": {"any": ["tea"], "none": None}, "event_date": {"gte": "2026-01-01"}},
        time_window_days=30,
        continuous=True,
        prompt="Briefly, in {braces}",
        model_name="m",
    )
    await store.put_view(given)
    assert await store.view(given.id, OPEN) == given
    assert await store.view("none", OPEN) is None


async def test_views_are_listed_newest_first(store: Store) -> None:
    made = [await stored(store) for _ in range(3)]
    assert await store.views(OPEN) == made[::-1]


async def test_a_view_is_seen_within_the_scope_that_its_filters_hold_it_to(store: Store) -> None:
    """Neither an open one nor one of two users is within the scope of one of them."""
    anns = await stored(store, filters={"namespace": "work", "user_id": {"eq": "ann"}})
    both = await stored(store, filters={"namespace": "work", "user_id": ["ann", "bob"]})
    whole = await stored(store)
    seen = {OPEN: [whole, both, anns], Scope("work"): [both, anns], ANN: [anns], Scope("work", "bob"): []}
    for scope, expected in seen.items():
        assert await store.views(scope) == expected
        assert [one for one in (whole, both, anns) if await store.view(one.id, scope)] == expected
    assert not await store.remove_view(both.id, ANN)
    assert await store.remove_view(anns.id, ANN)
    assert await store.views(OPEN) == [whole, both]


async def test_a_summary_takes_the_place_of_the_last_of_its_group(store: Store) -> None:
    """Whatever the order of the group's keys."""
    made = await stored(store, group_by=["user_id", "namespace"])
    first = partition(made, "1", user_id="ann", namespace="work")
    second = partition(made, "2", namespace="work", user_id="ann")
    assert await store.put_partition(first)
    assert await store.put_partition(second)
    assert await store.partitions(made.id, {}) == [second.result]
    assert await store.partition_states(made.id) == {group_key(first.result.group): "2"}


async def test_summaries_are_found_by_values_of_their_group(store: Store) -> None:
    made, other = await stored(store), await stored(store)
    for namespace, user in (("work", "bob"), ("home", "ann"), ("work", "a'n\"n")):
        assert await store.put_partition(partition(made, namespace=namespace, user_id=user))
    await keep(store, other, "ann")
    assert await told_of(store, made, namespace="work", user_id="a'n\"n") == [
        {"namespace": "work", "user_id": "a'n\"n"}
    ]
    assert [one["user_id"] for one in await told_of(store, made, namespace="work")] == ["a'n\"n", "bob"]
    assert await told_of(store, made, session_id="s") == []
    assert len(await told_of(store, made)) == 3
    assert await store.partitions("none", {}) == []


async def test_summaries_are_removed_by_their_groups(store: Store) -> None:
    made, other = await stored(store), await stored(store)
    await keep(store, made, "ann", "bob")
    await keep(store, other, "ann")
    keys = [group_key({"user_id": user}) for user in ("ann", "nobody")]
    assert await store.remove_partitions(made.id, keys) == 1
    assert (await told_of(store, made), await told_of(store, other)) == ([{"user_id": "bob"}], [{"user_id": "ann"}])


async def test_summaries_are_removed_however_many_groups_are_named(store: Store) -> None:
    made = await stored(store)
    await keep(store, made, "ann", "bob", "eve")
    keys = [group_key({"user_id": user}) for user in ("ann", *map(str, range(1_200)), "bob")]
    assert await store.remove_partitions(made.id, keys) == 2
    assert await store.remove_partitions(made.id, []) == 0
    assert await told_of(store, made) == [{"user_id": "eve"}]


async def test_a_view_that_goes_takes_its_summaries_along(store: Store) -> None:
    other, made = await stored(store), await stored(store)
    for one in (made, other):
        await keep(store, one, "ann")
    assert await store.remove_view(made.id, OPEN)
    assert not await store.remove_view(made.id, OPEN)
    assert await store.partition_states(made.id) == {}
    await store.put_view(made)
    assert await told_of(store, made) == []
    assert len(await told_of(store, other)) == 1


async def test_a_summary_of_a_view_that_is_gone_is_not_kept(store: Store) -> None:
    """Whoever computed it meanwhile is told."""
    made = await stored(store)
    await store.remove_view(made.id, OPEN)
    assert not await store.put_partition(partition(made, user_id="ann"))
    await store.put_view(made)
    assert await told_of(store, made) == []


async def groups(store: Store, *fields: str, where: Where = EVERYWHERE) -> dict[str, Group]:
    return {" ".join(group.values.values()): group for group in await store.groups(where, fields)}


async def counts(store: Store, *fields: str, where: Where = EVERYWHERE) -> dict[str, int]:
    return {name: group.count for name, group in (await groups(store, *fields, where=where)).items()}


async def test_all_memories_are_grouped_but_those_that_lack_a_field(store: Store) -> None:
    assert await store.groups(EVERYWHERE, []) == []
    new = [entry(f"Tea {n}", user_id=f"user {n % 3}", session_id="s" if n % 2 else None) for n in range(2_400)]
    await store.add([*new, entry("Nobody's", user_id=None, namespace=None, memory_type="episodic")], operation())
    assert await counts(store, "user_id") == {"user 0": 800, "user 1": 800, "user 2": 800}
    assert await counts(store, "session_id", "namespace") == {"s work": 1200}
    assert await counts(store, "memory_type") == {"semantic": 2400, "episodic": 1}
    assert await counts(store) == {"": 2401}
    found = await groups(store, "memory_type", "user_id")
    assert found["semantic user 1"].values == {"memory_type": "semantic", "user_id": "user 1"}


async def test_only_what_matches_is_grouped(store: Store) -> None:
    new = [entry("Tea", topics=["tea"]), entry("Milk"), entry("Tea", user_id="bob", topics=["Tea"])]
    ended = entry("Water", topics=["tea"], valid_to=NOON)
    await store.add([*new, ended], operation())
    tea = Where(tags=(TagFilter(eq="tea").condition("topics"),), current_at=NOON)
    assert await counts(store, "user_id", where=tea) == {"ann": 1, "bob": 1}
    assert await counts(store, "user_id", where=Where(Scope("work", "bob"))) == {"bob": 1}
    assert await counts(store, "user_id", where=Where(Scope("nowhere"))) == {}


async def test_the_state_of_a_group_changes_with_its_memories_alone(store: Store) -> None:
    await store.add([entry("Tea", id="1"), entry("Milk", id="2"), entry("Bob's", id="3", user_id="bob")], operation())
    one = await handle_of(store, "1")
    seen = [await groups(store, "user_id")]
    assert await groups(store, "user_id") == seen[0]

    async def changed() -> bool:
        seen.append(await groups(store, "user_id"))
        assert seen[-1]["bob"] == seen[0]["bob"]
        return seen[-1].get("ann") not in [before.get("ann") for before in seen[:-1]]

    later = NOON + timedelta(seconds=1)
    edit = operation(OperationKind.EDIT)
    await store.replace(one, entry("Green tea", id="1", updated_at=later), edit, expected_version=1)
    assert await changed()
    await store.add([entry("Water", id="4")], operation())
    assert await changed()
    await store.add([entry("Wine", id="5", supersedes=["2"])], operation())
    assert await changed()
    await store.remove([await handle_of(store, "4")], operation(OperationKind.DELETE))
    assert await changed()
    (five,), (two,) = await store.named(["5"], OPEN), await store.named(["2"], OPEN)
    sources = ((five[0], five[1].version), (two[0], two[1].version))
    await store.merge(merge(entry("Wine and milk", id="5"), *sources), operation(OperationKind.COMPACT))
    assert await changed()
    await store.touch([one], later, unless_since=NOON)
    assert await groups(store, "user_id") == seen[-1]


async def test_a_group_changes_when_a_memory_of_another_ends_one_of_it(store: Store) -> None:
    await store.add([entry("Tea", id="1", session_id="monday")], operation())
    before = await groups(store, "session_id")
    await store.add([entry("No tea", session_id="friday", supersedes=["1"])], operation())
    after = await groups(store, "session_id")
    assert (after["monday"].count, after["monday"].state != before["monday"].state) == (1, True)


async def test_a_walk_meets_every_match_once_newest_first(store: Store) -> None:
    """In the order of ``page``, however many are walked at a time; memories of one moment too."""
    moments = [NOON - timedelta(hours=n % 7) for n in range(100)]
    new = [entry(f"Tea {n}", created_at=when, user_id="ann" if n % 4 else None) for n, when in enumerate(moments)]
    await store.add(new, operation())
    for where in (EVERYWHERE, Where(ANN), Where(Scope("nowhere"))):
        expected = await store.page(where, limit=100)
        for limit in (1, 7, 100):
            assert await walked(store, where, limit) == expected
    assert len(await walked(store, Where(ANN), 9)) == 75


async def test_a_walk_goes_on_where_its_last_memory_is_gone(store: Store) -> None:
    await store.add([entry(str(n), id=str(n)) for n in range(4)], operation())
    first = await store.walk(EVERYWHERE, None, 2)
    handle, last = first[-1]
    await store.remove([handle], operation(OperationKind.DELETE))
    after = await store.walk(EVERYWHERE, (last.created_at, handle), 9)
    assert [record.text for _, record in first + after] == ["3", "2", "1", "0"]


async def test_summaries_that_may_tell_of_what_is_erased_go_with_it(store: Store) -> None:
    """``HistoryStore.purge``: those of others stay."""
    await store.add([entry("Tea", id="1"), entry("Milk", id="2", user_id="bob")], operation())
    whole, works, homes, bobs = [
        await stored(store, filters=filters)
        for filters in ({}, {"namespace": "work", "session_id": "s"}, {"namespace": "home"}, {"user_id": "bob"})
    ]
    for made in (whole, works, homes, bobs):
        await keep(store, made, "ann", "bob")
        assert await store.put_partition(partition(made, memory_type="semantic"))
    handle = await handle_of(store, "1")
    await store.remove([handle], operation(OperationKind.DELETE))
    assert await store.purge([handle]) == 1
    assert await told_of(store, whole) == await told_of(store, works) == [{"user_id": "bob"}]
    assert len(await told_of(store, homes)) == len(await told_of(store, bobs)) == 3
