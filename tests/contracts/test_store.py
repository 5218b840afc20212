"""The promises of ``ports.MemoryStore`` about memories, kept by every store."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from mcp_memory.domain.filters import Tags, Where
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import IdTaken, MemoryNotFound, VersionConflict
from mcp_memory.ports.memories import Cues, Entry
from mcp_memory.ports.store import Store
from tests.contracts.entries import ANN, EVERYWHERE, candidates, entry, handle_of, operation, record, texts, vector
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

LATER = NOON + timedelta(hours=1)


# add


async def test_what_was_added_is_read_back_whole(store: Store) -> None:
    """``add``, ``named``: every field comes back as it was given."""
    given = record(
        "Tea with lemon",
        session_id="s1",
        event_date=NOON - timedelta(days=3, microseconds=1),
        valid_from=NOON - timedelta(days=400 * 365),
        valid_to=LATER,
        supersedes=["old"],
        pinned=True,
        access_count=3,
        topics=["Tea", "Größe"],
        entities=["Ann"],
        memory_type="episodic",
        source="Ann",
        discrete_memory_extracted="f",
        extracted_from=[],
        extraction_strategy="custom",
        extraction_strategy_config={"depth": 2},
        metadata={"nested": {"list": [1, 2.5, None, "ü"]}},
    )
    (added,) = await store.add([Entry(given, "tea with lemon", Cues())], operation())
    assert (added.record, added.outcome) == (given, "stored")
    assert [found for _, found in await store.named([given.id], Scope())] == [given]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\0b",
        "\0",
        "😀 ok 👩‍👩‍👧",
        "שלום عالم",
        "x" * 1_000_000,
        "'; DROP TABLE memories; --",
        "line\r\nline\u2028",
    ],
    ids=["empty", "nul", "only-nul", "emoji", "right-to-left", "long", "sql", "lines"],
)
async def test_any_text_is_kept_to_the_letter(store: Store, text: str) -> None:
    """``add``: texts, ids, scopes and labels are data."""
    given = entry(text, id=f"id {text[:50]}", namespace=f"n{text[:50]}", topics=[text[:50]], metadata={"k": text[:50]})
    await store.add([given], operation())
    assert await store.page(Where(Scope(namespace=given.record.namespace)), limit=9) == [given.record]
    assert await store.page(Where(tags=(Tags("topics", any=frozenset({text[:50].casefold()})),)), limit=9)


async def test_ids_that_differ_after_a_nul_are_two(store: Store) -> None:
    """``(namespace, user_id, id)`` names one memory."""
    await store.add([entry("one", id="a\0b"), entry("two", id="a\0c"), entry("three", id="a")], operation())
    assert texts([found for _, found in await store.named(["a\0c"], Scope())]) == ["two"]


async def test_one_id_may_stand_in_several_scopes(store: Store) -> None:
    """``(namespace, user_id, id)`` names one memory; no namespace is not an empty one."""
    scopes = [(None, None), ("", None), (None, ""), ("", ""), ("work", None), ("work", "ann"), ("work", "bob")]
    for namespace, user in scopes:
        (added,) = await store.add([entry("same", id="x", namespace=namespace, user_id=user)], operation())
        assert added.outcome == "stored"
    found = [(memory.namespace, memory.user_id) for _, memory in await store.named(["x"], Scope())]
    assert sorted(found, key=str) == sorted(scopes, key=str)


async def test_an_entry_with_a_known_id_replaces_and_keeps_its_history(store: Store) -> None:
    """``add``: version + 1; created_at, access_count and persisted_at kept."""
    first = entry("Tea", id="x", access_count=4)
    await store.add([first], operation())
    (added,) = await store.add(
        [entry("Coffee", id="x", created_at=LATER, persisted_at=LATER, updated_at=LATER)], operation()
    )
    assert added.outcome == "replaced"
    assert (added.record.version, added.record.created_at, added.record.access_count) == (2, NOON, 4)
    assert (added.record.persisted_at, added.record.updated_at) == (NOON, LATER)
    assert await store.page(EVERYWHERE, limit=9) == [added.record]


async def test_replaced_words_and_labels_are_no_longer_found(store: Store) -> None:
    """``add``: the old content leaves every index."""
    await store.add([entry("alpha", id="x", topics=["old"])], operation())
    await store.add([entry("beta", id="x", topics=["new"])], operation())
    old, new = (Where(tags=(Tags("topics", any=frozenset({label})),)) for label in ("old", "new"))
    assert [await store.count(EVERYWHERE, ["alpha"]), await store.count(EVERYWHERE, ["beta"])] == [0, 1]
    assert [await store.count(old), await store.count(new)] == [0, 1]


async def test_a_duplicate_is_answered_with_what_is_there(store: Store) -> None:
    """``add`` with keep_first: in the store, or earlier in the call."""
    first, same, other = entry("Tea", id="1"), entry("tea.", id="2"), entry("Milk", id="3")
    added = await store.add([first, same, other, entry("Milk!", id="4")], operation())
    assert [(done.outcome, done.record.id) for done in added] == [
        ("stored", "1"),
        ("duplicate", "1"),
        ("stored", "3"),
        ("duplicate", "3"),
    ]
    (again,) = await store.add([entry("TEA", id="5")], operation())
    assert (again.outcome, again.record) == ("duplicate", first.record)
    assert await store.count(EVERYWHERE) == 2


async def test_the_same_content_in_another_scope_is_no_duplicate(store: Store) -> None:
    """``add``: the same namespace, user and session."""
    scopes: list[dict[str, Any]] = [{}, {"session_id": "s"}, {"user_id": "bob"}, {"namespace": None}, {"namespace": ""}]
    added = await store.add([entry("Tea", **scope) for scope in scopes], operation())
    assert {done.outcome for done in added} == {"stored"}


async def test_duplicates_are_kept_where_asked(store: Store) -> None:
    """``add`` with keep_both."""
    added = await store.add([entry("Tea"), entry("Tea")], operation(), duplicates="keep_both")
    assert [done.outcome for done in added] == ["stored", "stored"]


async def test_one_id_twice_in_a_call_is_stored_then_replaced(store: Store) -> None:
    """``add``: entries are taken in their order."""
    added = await store.add([entry("Tea", id="x"), entry("Milk", id="x"), entry("Tea", id="y")], operation())
    assert [done.outcome for done in added] == ["stored", "replaced", "stored"]
    assert texts(await store.page(EVERYWHERE, limit=9)) == ["Tea", "Milk"]


async def test_memories_without_a_hash_are_no_duplicates(store: Store) -> None:
    """``add``, ``duplicates``: only a content hash can be equal."""
    added = await store.add([entry("Tea", memory_hash=None), entry("Tea", memory_hash=None)], operation())
    assert [done.outcome for done in added] == ["stored", "stored"]
    assert await store.duplicates(EVERYWHERE) == []


async def test_adding_nothing_is_no_error(store: Store) -> None:
    """``add``."""
    assert await store.add([], operation()) == []


async def test_a_new_memory_ends_what_it_supersedes(store: Store) -> None:
    """``add``: valid_to = holds_from, in the same namespace and user."""
    await store.add([entry("Ann lives in Lyon", id="old"), entry("the same", id="old", user_id="bob")], operation())
    await store.add(
        [entry("Ann lives in Oslo", id="new", valid_from=LATER, supersedes=["old", "new", "unknown"])], operation()
    )
    ended = {(found.id, found.user_id): found.valid_to for found in await store.page(EVERYWHERE, limit=9)}
    assert ended == {("old", "ann"): LATER, ("old", "bob"): None, ("new", "ann"): None}
    assert (await store.named(["old"], ANN))[0][1].version == 2


async def test_what_is_superseded_ends_when_it_happened(store: Store) -> None:
    """``add``: holds_from is that of the event; from it on a look back finds the new one, also if it was told later."""
    await store.add([entry("Ann lives in Lyon", id="old")], operation())
    happened, told = NOON + timedelta(days=10), NOON + timedelta(days=30)
    new = entry("Ann lives in Oslo", event_date=happened, created_at=told, supersedes=["old"])
    await store.add([new], operation())
    assert (await store.named(["old"], ANN))[0][1].valid_to == happened
    for moment, held in ((happened - timedelta(1), "Lyon"), (happened, "Oslo"), (told, "Oslo")):
        assert texts(await store.page(Where(as_of=moment), limit=9)) == [f"Ann lives in {held}"]


@pytest.mark.parametrize(("ended", "is_then"), [(-1, -1), (1, 0)])
async def test_an_earlier_end_stays(store: Store, ended: int, is_then: int) -> None:
    """``add``: if they had not ended before."""
    await store.add([entry("Ann lives in Lyon", id="old", valid_to=NOON + timedelta(days=ended))], operation())
    await store.add([entry("Ann lives in Oslo", supersedes=["old"])], operation())
    assert (await store.named(["old"], ANN))[0][1].valid_to == NOON + timedelta(days=is_then)


# held, named, records


async def test_held_finds_contents_in_their_exact_scope(store: Store) -> None:
    """``held``: in the order of the question, None where nothing is held."""
    first, second = entry("Tea"), entry("Tea", session_id="s")
    await store.add([first, second], operation())
    digest = first.record.memory_hash or ""
    asked = [(Scope("work", "ann", "s"), digest), (ANN, digest), (ANN, "other"), (Scope("work"), digest)]
    assert (await store.held(asked)).contents == [second.record, first.record, None, None]


async def test_named_stays_within_the_scope_and_leaves_out_what_is_unknown(store: Store) -> None:
    """``named``."""
    await store.add(
        [entry("Ann's", id="x"), entry("Bob's", id="x", user_id="bob"), entry("other", id="y")], operation()
    )
    found = await store.named(["x", "unknown", "x"], Scope(user_id="bob"))
    assert texts([memory for _, memory in found]) == ["Bob's"]
    assert await store.named(["x"], Scope("nowhere")) == []
    assert len(await store.named(["y", "x"], Scope())) == 3


async def test_records_come_in_the_order_of_their_handles(store: Store) -> None:
    """``records``: None where one is gone."""
    await store.add([entry("one", id="1"), entry("two", id="2")], operation())
    one, two = await handle_of(store, "1"), await handle_of(store, "2")
    await store.remove([one], operation())
    found = await store.records([two, one, two])
    assert [None if memory is None else memory.text for memory in found] == ["two", None, "two"]
    assert await store.records([]) == []


# page, count


async def test_a_page_is_newest_first_and_the_last_stored_first_of_equals(store: Store) -> None:
    """``page``: created_at, then order of storing."""
    await store.add(
        [entry("b"), entry("a", created_at=LATER), entry("c"), entry("d", created_at=NOON - timedelta(1))], operation()
    )
    assert texts(await store.page(EVERYWHERE, limit=9)) == ["a", "c", "b", "d"]


async def test_pages_together_are_everything_once(store: Store) -> None:
    """``page``, ``count``."""
    await store.add([entry(f"memory {number}") for number in range(23)], operation())
    pages = [texts(await store.page(EVERYWHERE, limit=5, offset=start)) for start in range(0, 30, 5)]
    assert list(chain.from_iterable(pages)) == [f"memory {number}" for number in reversed(range(23))]
    assert await store.count(EVERYWHERE) == 23


async def test_counts_are_of_memories_that_hold_any_of_the_words(store: Store) -> None:
    """``count`` with terms."""
    await store.add(
        [entry("green tea"), entry("black tea"), entry("black coffee", user_id="bob"), entry("milk")], operation()
    )
    assert await store.count(EVERYWHERE, ["tea", "coffee"]) == 3
    assert await store.count(Where(ANN), ["coffee", "black"]) == 1
    assert await store.count(Where(tags=(Tags("user_id", any=frozenset({"bob"})),)), ["black"]) == 1
    assert await store.count(EVERYWHERE, ["unknown"]) == await store.count(EVERYWHERE, ["!?"]) == 0


@pytest.mark.parametrize("where", [Where(Scope("nowhere")), Where(Scope(user_id="")), Where(Scope(session_id="none"))])
async def test_nothing_is_found_in_a_scope_that_holds_nothing(store: Store, where: Where) -> None:
    """A scope is never widened."""
    await store.add([entry("Tea", vector(1))], operation())
    assert (await store.count(where), await store.page(where, limit=9)) == (0, [])
    assert (await candidates(store, vector(1), ("tea",), where=where)).handles == []


async def test_memories_that_ended_are_not_current(store: Store) -> None:
    """``Where.current_at`` and ``as_of``, after an end was written later too."""
    await store.add([entry("Lyon", id="old"), entry("Oslo", id="new", created_at=LATER)], operation())
    assert await store.count(Where(current_at=LATER)) == 2
    await store.add([entry("Rome", supersedes=["old"], created_at=NOON)], operation())
    assert await store.count(Where(current_at=LATER)) == 2
    assert texts(await store.page(Where(as_of=NOON), limit=9)) == ["Rome"]
    assert texts(await store.page(Where(current_at=NOON - timedelta(1)), limit=9)) == ["Oslo", "Rome", "Lyon"]


# replace, remove, touch


async def test_a_replacement_is_found_by_its_new_words_at_once(store: Store) -> None:
    """``replace``: answers the new version, and every index follows."""
    await store.add([entry("alpha", vector(1), id="x", topics=["a"])], operation())
    handle = await handle_of(store, "x")
    changed = entry("beta", vector(0, 1), id="x", topics=["b"])
    stored = await store.replace(handle, changed, operation(), expected_version=1)
    assert (stored.version, stored.text) == (2, "beta")
    assert await store.records([handle]) == [stored]
    assert [await store.count(EVERYWHERE, [word]) for word in ("alpha", "beta")] == [0, 1]
    found = await candidates(store, vector(0, 1))
    assert found.distance[0] < 0.01


async def test_a_replacement_of_another_version_changes_nothing(store: Store) -> None:
    """``replace``: VersionConflict."""
    await store.add([entry("alpha", id="x")], operation())
    handle = await handle_of(store, "x")
    with pytest.raises(VersionConflict) as caught:
        await store.replace(handle, entry("beta", id="x"), operation(), expected_version=7)
    assert (caught.value.expected, caught.value.found) == (7, 1)
    assert texts(await store.page(EVERYWHERE, limit=9)) == ["alpha"]
    assert (await store.replace(handle, entry("beta", id="x"), operation(), expected_version=1)).version == 2


async def test_a_memory_cannot_move_to_where_its_id_is_taken(store: Store) -> None:
    """``replace``: one memory never overwrites another; a scope that is free takes it."""
    await store.add([entry("at work", id="1"), entry("at home", id="1", namespace="home")], operation())
    ((handle, there),) = await store.named(["1"], Scope("work"))
    moved = entry("at work", id="1", namespace="home")
    with pytest.raises(IdTaken, match="holds another memory of this id"):
        await store.replace(handle, moved, operation(), expected_version=there.version)
    assert await store.count(EVERYWHERE) == 2
    free = entry("at work", id="1", namespace="garden")
    assert (await store.replace(handle, free, operation(), expected_version=there.version)).namespace == "garden"


async def test_a_removed_memory_cannot_be_replaced(store: Store) -> None:
    """``replace``: MemoryNotFound."""
    await store.add([entry("alpha", id="x")], operation())
    handle = await handle_of(store, "x")
    await store.remove([handle], operation())
    with pytest.raises(MemoryNotFound):
        await store.replace(handle, entry("beta", id="x"), operation(), expected_version=1)


@pytest.mark.parametrize(("text", "near"), [("alpha", True), ("beta", False)])
async def test_the_vector_stays_where_the_text_stayed(store: Store, text: str, near: bool) -> None:
    """``replace``: an entry without a vector keeps the stored one where the text stayed the same."""
    await store.add([entry("alpha", vector(1), id="x")], operation())
    await store.replace(await handle_of(store, "x"), entry(text, id="x", topics=["t"]), operation(), expected_version=1)
    assert (len((await candidates(store, vector(1))).handles) == 1) is near


async def test_a_removed_memory_is_found_by_nothing(store: Store) -> None:
    """``remove``: and whatever was derived from it; answers how many there were."""
    await store.add([entry("alpha", vector(1), id="x", topics=["t"]), entry("beta", vector(1), id="y")], operation())
    handle = await handle_of(store, "x")
    await candidates(store, vector(1))
    assert await store.remove([handle, handle], operation()) == 1
    assert await store.remove([handle], operation()) == 0
    assert await store.named(["x"], Scope()) == []
    assert await store.count(EVERYWHERE, ["alpha"]) == 0
    assert await store.count(Where(tags=(Tags("topics", any=frozenset({"t"})),))) == 0
    assert len((await candidates(store, vector(1), ("alpha",))).handles) == 1
    (added,) = await store.add([entry("alpha", id="x")], operation())
    assert added.outcome == "stored"


async def test_handles_are_never_given_twice(store: Store) -> None:
    """A handle is a memory's own name: whoever holds an old one must not meet another memory behind it."""
    await store.add([entry("alpha", id="x")], operation())
    handle = await handle_of(store, "x")
    await store.remove([handle], operation())
    await store.add([entry("beta", id="y")], operation())
    assert await store.records([handle]) == [None]


async def test_what_ended_may_be_stored_again(store: Store) -> None:
    """``add``: of the same content; who came back to Lyon lives there again."""
    await store.add([entry("Ann lives in Lyon", id="old")], operation())
    later: dict[str, Any] = {"created_at": LATER, "persisted_at": LATER}
    await store.add([entry("Ann lives in Oslo", id="oslo", supersedes=["old"], **later)], operation())
    again: dict[str, Any] = {"created_at": LATER + timedelta(days=9), "persisted_at": LATER + timedelta(days=9)}
    (back,) = await store.add([entry("Ann lives in Lyon", id="back", **again)], operation())
    assert back.outcome == "stored"
    (more,) = await store.add([entry("Ann lives in Lyon", id="more", **again)], operation())
    assert (more.outcome, more.record.id) == ("duplicate", "back")
    digest = back.record.memory_hash or ""
    (held,) = (await store.held([(back.record.scope, digest)])).contents
    assert held is not None
    assert held.id == "back"
    (ended,) = await store.add([entry("Ann lives in Lyon", id="same end", valid_to=LATER, **again)], operation())
    assert ended.outcome == "stored"


async def test_very_many_memories_are_written_and_removed_in_one_transaction(store: Store) -> None:
    many = 9_000
    added = await store.add([entry(f"number {n}", session_id="s", topics=["all"]) for n in range(many)], operation())
    handles = [handle for handle, _ in await store.named([one.record.id for one in added], EVERYWHERE.scope)]

    assert len(set(handles)) == many
    assert await store.remove(handles, operation()) == many
    assert await store.count(EVERYWHERE) == 0
