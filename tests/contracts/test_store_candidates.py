"""The promises of ``MemoryStore.candidates``, kept by every store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from mcp_memory.domain.filters import Tags, Where
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Candidates, Cues
from mcp_memory.ports.models import Generation
from mcp_memory.ports.store import Store
from tests.contracts.entries import ANN, DIMENSIONS, EVERYWHERE, FIRST, SECOND, candidates, entry, operation, vector
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio


async def ids(store: Store, found: Candidates) -> list[str]:
    return [memory.id for memory in await store.records(found.handles) if memory is not None]


async def columns(store: Store, found: Candidates, *names: str) -> dict[str, tuple[Any, ...]]:
    """Return the named columns of each row by the memory's id."""
    parts = [list(getattr(found, name)) for name in names]
    return dict(zip(await ids(store, found), zip(*parts, strict=True), strict=True))


async def test_the_nearest_come_with_their_cosine_distance(store: Store) -> None:
    """``Candidates.distance``: true up to what eight bits can tell."""
    random = np.random.default_rng(1)
    vectors = random.normal(size=(300, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    await store.add([entry(f"memory {n}", vectors[n], id=str(n)) for n in range(300)], operation())
    found = await candidates(store, vectors[7], nearest=10)
    distance = 1 - vectors @ vectors[7]
    assert sorted(map(int, await ids(store, found))) == sorted(np.argsort(distance)[:10].tolist())
    for memory_id, (given,) in (await columns(store, found, "distance")).items():
        assert given == pytest.approx(distance[int(memory_id)], abs=0.01)


async def test_the_nearest_of_very_many_is_found(store: Store) -> None:
    """``nearest``, also where not every vector can be compared whole."""
    random = np.random.default_rng(1)
    vectors = random.normal(size=(2_000, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    await store.add(
        [entry(f"memory {n}", vectors[n], id=str(n), user_id=("ann", "bob")[n > 900]) for n in range(2_000)],
        operation(),
    )
    for where in (EVERYWHERE, Where(Scope("work", "bob"))):
        for number in (901, 1_500, 1_999):
            assert await ids(store, await candidates(store, vectors[number], nearest=1, where=where)) == [str(number)]


async def test_words_bring_rows_with_their_distance_and_score(store: Store) -> None:
    """``lexical`` is positive where a term was matched and 0 elsewhere; every row with a vector has its distance."""
    given = [entry("green tea", vector(0, 1), id="far"), entry("milk", vector(1), id="near"), entry("tea", id="none")]
    await store.add([*given, *(entry(f"filler {n}") for n in range(20))], operation())
    found = await columns(
        store, await candidates(store, vector(1), ("tea", "unknown"), nearest=1), "lexical", "distance"
    )
    assert found.keys() == {"far", "near", "none"}
    assert found["near"][0] == 0
    assert found["far"][0] > 0 < found["none"][0]
    assert found["near"][1] == pytest.approx(0, abs=0.01)
    assert found["far"][1] > 0.5
    assert np.isnan(found["none"][1])


async def test_rarer_words_and_more_of_them_score_higher(store: Store) -> None:
    """``lexical`` is BM25."""
    await store.add(
        [entry("oolong", id="rare"), entry("tea", id="common"), entry("tea oolong", id="both")], operation()
    )
    await store.add(
        [entry(f"tea number {n}") for n in range(10)] + [entry(f"filler {n}") for n in range(30)], operation()
    )
    found = await columns(store, await candidates(store, terms=("tea", "oolong")), "lexical")
    assert found["both"] > found["rare"] > found["common"]


async def test_endings_of_words_do_not_matter(store: Store) -> None:
    """Folded words are stemmed by the index."""
    await store.add([entry("She painted", id="x"), entry("milk")], operation())
    assert await ids(store, await candidates(store, terms=("painting",))) == ["x"]


async def test_what_comes_by_its_words_matches_them(store: Store) -> None:
    """However a store stems, it does so once: what Porter leaves of "monthly" has an ending that others take off."""
    await store.add([entry("a month"), entry("paid monthly")], operation())
    found = await candidates(store, terms=("monthly",))
    assert (found.lexical > 0).all()
    assert len(found.handles) == await store.count(EVERYWHERE, ["monthly"])


@pytest.mark.parametrize("term", ['"', "a OR b", "terms:", "*", "te*", "NEAR(", "\0", "a\0b", "😀", "(", "-", ""])
async def test_no_word_is_read_as_syntax(store: Store, term: str) -> None:
    """``Probe.terms`` are words."""
    await store.add([entry("tea")], operation())
    assert (await candidates(store, terms=(term, "tea"))).handles
    assert not (await candidates(store, terms=(term, "milk"))).handles


async def test_limits_are_kept(store: Store) -> None:
    """``nearest`` by vector and ``lexical`` by words, even if more match."""
    await store.add([entry(f"tea {n}", vector(1, n / 9)) for n in range(9)], operation())
    assert len((await candidates(store, vector(1), nearest=4)).handles) == 4
    assert len((await candidates(store, terms=("tea",), lexical=3)).handles) == 3
    assert not (await candidates(store, vector(1), ("tea",), nearest=0, lexical=0)).handles


async def test_an_empty_store_offers_nothing(store: Store) -> None:
    """No rows is no error."""
    assert not (await candidates(store, vector(1), ("tea",), neighbours=1)).handles


async def test_a_narrow_filter_yields_as_many_as_there_are(store: Store) -> None:
    """``where`` is applied before the limits."""
    crowd = [entry(f"tea of bob {n}", vector(1), user_id="bob") for n in range(300)]
    mine = [entry(f"tea of ann {n}", vector(0, 1), id=str(n), topics=["Mine"]) for n in range(5)]
    await store.add([*crowd, *mine], operation())
    for where in (Where(ANN), Where(tags=(Tags("topics", any=frozenset({"mine"})),))):
        by_vector = await candidates(store, vector(1), where=where, nearest=5)
        by_words = await candidates(store, terms=("tea",), where=where, lexical=5)
        assert sorted(await ids(store, by_vector)) == sorted(await ids(store, by_words)) == list("01234")


async def test_ended_memories_do_not_use_up_the_limits(store: Store) -> None:
    """``where`` is applied before the limits, also where it asks for what still holds."""
    over = NOON - timedelta(days=1)
    await store.add([entry(f"tea {n}", vector(1), valid_to=over) for n in range(300)], operation())
    await store.add([entry("tea and a long text of other words", vector(0.5, 0.5), id="x")], operation())
    found = await candidates(
        store, vector(1), ("tea",), where=Where(current_at=NOON), nearest=1, lexical=1, neighbours=1
    )
    assert await ids(store, found) == ["x"]


async def test_vectors_of_two_generations_never_meet(store: Store) -> None:
    """``Probe.generation``; also where dimensions differ, and back again."""
    third = Generation("other", 8, "third")
    await store.add(
        [
            entry("one", vector(1), FIRST, id="1"),
            entry("two", vector(1), SECOND, id="2"),
            entry("three", vector(1, dimensions=8), third, id="3"),
            entry("four", id="4"),
        ],
        operation(),
    )
    for generation, wanted in ((FIRST, "1"), (SECOND, "2"), (third, "3"), (FIRST, "1")):
        asked = vector(1, dimensions=generation.dimensions)
        assert await ids(store, await candidates(store, asked, generation=generation)) == [wanted]
    unknown = Generation("unknown", DIMENSIONS, "")
    found = await candidates(store, vector(1), ("two",), generation=unknown)
    assert await ids(store, found) == ["2"]
    assert np.isnan(found.distance).all()


async def test_neighbours_in_the_session_come_along(store: Store) -> None:
    """``neighbours``: stored just before and after in the same namespace, user and session."""
    for n in range(5):
        await store.add(
            [entry(f"talk {n}", id=f"{who}{n}", session_id="s", user_id=who) for who in ("ann", "bob")], operation()
        )
    await store.add([entry("needle", vector(1), id="ann5", session_id="s")], operation())
    await store.add(
        [entry("talk 6", id="ann6", session_id="s"), entry("talk", id="ann7", session_id="other")], operation()
    )
    for reach, wanted in ((0, "5"), (1, "456"), (2, "3456")):
        found = await candidates(store, vector(1), nearest=1, neighbours=reach)
        assert sorted(await ids(store, found)) == [f"ann{n}" for n in wanted]
    by_words = await candidates(store, terms=("needle",), neighbours=1)
    assert sorted(await ids(store, by_words)) == ["ann4", "ann5", "ann6"]


async def test_without_a_session_those_dated_with_the_same_day_are_neighbours(store: Store) -> None:
    """``MemoryRecord.thread``: the day of event_date, or of a created_at that is not the time of storing."""
    day = NOON - timedelta(days=9)
    await store.add(
        [
            entry("one", id="1", event_date=day - timedelta(hours=3)),
            entry("strange", id="2"),
            entry("needle", vector(1), id="3", event_date=day, created_at=NOON + timedelta(1)),
            entry("four", id="4", created_at=day),
            entry("five", id="5", event_date=day, user_id="bob"),
        ],
        operation(),
    )
    found = await candidates(store, vector(1), nearest=1, neighbours=1)
    assert sorted(await ids(store, found)) == ["1", "3", "4"]


async def test_memories_without_a_date_or_session_are_nobodys_neighbours(store: Store) -> None:
    """``MemoryRecord.thread``: facts that were stored together need not belong together."""
    await store.add([entry(f"fact {n}", vector(1) if n == 1 else None, id=str(n)) for n in range(3)], operation())
    found = await candidates(store, vector(1), nearest=1, neighbours=1)
    assert await ids(store, found) == ["1"]
    assert (await columns(store, found, "session"))["1"] == (-1,)


async def test_neighbours_are_within_the_filter_too(store: Store) -> None:
    """``where`` holds for every row; who is left out is passed over."""
    await store.add(
        [
            entry("one", id="1", session_id="s"),
            entry("two", id="2", session_id="s", topics=["secret"]),
            entry("needle", vector(1), id="3", session_id="s"),
        ],
        operation(),
    )
    where = Where(tags=(Tags("topics", none=frozenset({"secret"})),))
    found = await candidates(store, vector(1), where=where, nearest=1, neighbours=1)
    assert (await columns(store, found, "before", "after"))["3"] == (found.handles.index(min(found.handles)), -1)
    assert sorted(await ids(store, found)) == ["1", "3"]


async def test_rows_know_their_neighbours_among_the_rows(store: Store) -> None:
    """``before`` and ``after`` are row numbers, -1 where the neighbour is not among the rows."""
    await store.add(
        [entry(f"talk {n}", vector(1) if n != 1 else None, id=str(n), session_id="s") for n in range(4)], operation()
    )
    found = await candidates(store, vector(1))
    row = {memory_id: number for number, memory_id in enumerate(await ids(store, found))}
    assert row.keys() == {"0", "2", "3"}
    linked = await columns(store, found, "before", "after")
    assert linked == {"0": (-1, -1), "2": (-1, row["3"]), "3": (row["2"], -1)}


async def test_removed_memories_are_nobodys_neighbours(store: Store) -> None:
    """``neighbours`` of what is there now."""
    await store.add(
        [entry(f"talk {n}", vector(1) if n == 2 else None, id=str(n), session_id="s") for n in range(3)], operation()
    )
    await candidates(store, vector(1), neighbours=1)
    await store.remove([handle for handle, _ in await store.named(["1"], Scope())], operation())
    assert sorted(await ids(store, await candidates(store, vector(1), neighbours=1))) == ["0", "2"]


async def test_rows_of_one_session_share_its_number(store: Store) -> None:
    """``session`` numbers from 0; -1 for what stands alone."""
    given = [("a1", "ann", "s"), ("a2", "ann", "s"), ("b1", "bob", "s"), ("b2", "bob", "s"), ("lone", "ann", None)]
    moments = {"lone": NOON - timedelta(days=3)}
    await store.add(
        [
            entry(name, vector(1), id=name, user_id=user, session_id=where, created_at=moments.get(name, NOON))
            for name, user, where in given
        ],
        operation(),
    )
    number = {
        name: int(of[0]) for name, of in (await columns(store, await candidates(store, vector(1)), "session")).items()
    }
    assert number["a1"] == number["a2"] != number["b1"] == number["b2"]
    assert number["lone"] == -1
    assert min(number["a1"], number["b1"]) >= 0


async def test_cues_come_back_as_they_were_written(store: Store) -> None:
    """The columns that ranking reads, also after the memory was touched and changed."""
    cues = Cues(words=7, flags=2**30, speaker="größe", day=-3)
    early = NOON - timedelta(days=365 * 100, microseconds=7)
    await store.add([entry("tea", vector(1), cues=cues, id="x", created_at=early, last_accessed=early)], operation())
    names = ("words", "flags", "speaker", "day", "created", "accessed")
    found = await columns(store, await candidates(store, vector(1)), *names)
    assert found["x"] == (7, 2**30, "größe", -3, early.timestamp(), pytest.approx(early.timestamp(), abs=1e-5))
    ((handle, _),) = await store.named(["x"], Scope())
    await store.touch([handle], NOON, unless_since=NOON)
    changed = entry("tea", vector(1), cues=Cues(words=1, speaker="bob"), id="x", created_at=early, last_accessed=NOON)
    await store.replace(handle, changed, operation(), expected_version=1)
    found = await columns(store, await candidates(store, vector(1)), *names)
    assert found["x"] == (1, 0, "bob", 0, early.timestamp(), NOON.timestamp())


async def test_no_row_comes_twice_and_all_columns_are_as_long(store: Store) -> None:
    """``Candidates``: parallel columns of the promised kinds."""
    await store.add([entry(f"tea {n}", vector(1, n), session_id="s") for n in range(9)], operation())
    found = await candidates(store, vector(1), ("tea",), neighbours=2)
    assert len(set(found.handles)) == len(found.handles) == 9
    kinds = {name: getattr(found, name).dtype for name in ("distance", "lexical", "before", "session", "created")}
    assert list(map(str, kinds.values())) == ["float32", "float32", "int32", "int32", "float64"]
    lengths = {len(getattr(found, name)) for name in Candidates.__slots__ if name != "without_vector"}
    assert lengths == {9}


async def test_it_is_counted_what_a_vector_cannot_find(store: Store) -> None:
    """``Candidates.without_vector``: within ``where``; another generation, or none at all."""
    await store.add([entry("tea", vector(1)), entry("milk", vector(1), SECOND), entry("beer")], operation())
    await store.add([entry("wine", user_id="bob"), entry("rum", vector(1), user_id="bob", topics=["x"])], operation())
    bob = Where(Scope(user_id="bob"))
    assert (await candidates(store, vector(1))).without_vector == 3
    assert (await candidates(store, vector(1), where=bob)).without_vector == 1
    assert (await candidates(store, vector(1), generation=SECOND, where=bob)).without_vector == 2
    assert (await candidates(store, vector(1), generation=Generation("model", DIMENSIONS, "third"))).without_vector == 5
    assert (await candidates(store, None, ("tea",))).without_vector == 0


async def test_what_changed_is_searched_as_it_is_now(store: Store) -> None:
    """What a call has answered is found by the next call, with the vectors held since the first."""
    await store.add([entry(f"memory {n}", vector(1), id=str(n)) for n in range(9)], operation())
    assert len((await candidates(store, vector(1))).handles) == 9
    ((handle, _),) = await store.named(["4"], Scope())
    await store.replace(handle, entry("other", vector(0, 1), id="4", user_id="bob"), operation(), expected_version=1)
    assert len((await candidates(store, vector(1), where=Where(ANN))).handles) == 8
    assert await ids(store, await candidates(store, vector(0, 1), nearest=1)) == ["4"]
    await store.add([entry("new", vector(0, 0, 1), id="new")], operation())
    assert await ids(store, await candidates(store, vector(0, 0, 1), nearest=1)) == ["new"]
    assert await store.count(EVERYWHERE) == 10
