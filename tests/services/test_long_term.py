"""What long-term memory promises, through the use cases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mcp_memory.domain.access import Caller
from mcp_memory.domain.requests import Compact, Create, Edit, Search
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import AmbiguousId, FeatureDisabled, InvalidRequest, MemoryNotFound, VersionConflict
from mcp_memory.services.long_term import LongTerm
from mcp_memory.services.memory import Memory

if TYPE_CHECKING:
    from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

TEA = "Ann drinks green tea every morning"


async def create(memory: Memory, *memories: dict[str, Any] | str, **rest: Any) -> list[str]:
    new = [{"text": one} if isinstance(one, str) else one for one in memories]
    return (await memory.long_term.create(Create.model_validate({"memories": new} | rest))).ids


async def texts(memory: Memory, text: str, **fields: Any) -> list[str]:
    found = await memory.long_term.search(Search.model_validate({"text": text} | fields))
    return [hit.text for hit in found.memories]


async def test_what_was_created_is_found_at_once(memory: Memory) -> None:
    """Read your writes."""
    await create(memory, TEA, "Bob repairs bicycles in Lyon")
    assert (await texts(memory, "who drinks tea?"))[0] == TEA


async def test_client_ids_are_kept_and_others_are_made(memory: Memory) -> None:
    """An id is the client's to choose."""
    kept, made = await create(memory, {"id": "mine", "text": TEA}, "Bob repairs bicycles")
    assert kept == "mine"
    assert (await memory.long_term.get("mine")).text == TEA
    assert (await memory.long_term.get(made)).text == "Bob repairs bicycles"


async def test_an_exact_duplicate_is_answered_with_the_memory_that_is_there(memory: Memory) -> None:
    """In the same scope; in another it is another memory."""
    (first,) = await create(memory, TEA)
    reply = await memory.long_term.create(
        Create.model_validate({"memories": [{"text": f" {TEA.upper()}. "}, {"text": TEA, "user_id": "ann"}]})
    )
    assert (reply.ids[0], reply.stored, reply.duplicates) == (first, 1, 1)


async def test_a_similar_memory_is_never_refused(memory: Memory) -> None:
    """Purple and cyan are close and different."""
    reply = await memory.long_term.create(
        Create.model_validate({"memories": [{"text": f"Ann's favourite colour is {c}"} for c in ("purple", "cyan")]})
    )
    assert reply.stored == 2


async def test_deduplicate_false_keeps_both(memory: Memory) -> None:
    """The client asked for it."""
    await create(memory, TEA, TEA, deduplicate=False)
    assert await texts(memory, "") == [TEA, TEA]


async def test_the_same_id_again_is_an_update_and_not_a_second_memory(memory: Memory, clock: StandingClock) -> None:
    """What changed is kept, also where the words stayed the same."""
    await create(memory, {"id": "1", "text": TEA})
    born = (await memory.long_term.get("1")).created_at
    clock.advance(hours=1)
    await create(memory, {"id": "1", "text": TEA, "topics": ["drinks"]})
    again = await memory.long_term.get("1")
    assert (again.topics, again.version, again.created_at) == (["drinks"], 2, born)
    assert await texts(memory, "") == [TEA]


async def test_a_search_never_leaves_its_scope(memory: Memory) -> None:
    """Nothing found in a namespace is nothing, not somebody else's memory."""
    await create(memory, {"text": TEA, "namespace": "home", "user_id": "ann"})
    assert await texts(memory, TEA, namespace="work") == []
    assert await texts(memory, TEA, namespace="home", user_id={"eq": "bob"}) == []
    assert await texts(memory, TEA, namespace="home", user_id={"eq": "ann"}) == [TEA]


async def test_the_default_scope_fills_what_is_open_everywhere(memory: Memory) -> None:
    """As the environment of the connection says."""
    home = Scope(namespace="home")
    reply = await memory.long_term.create(
        Create.model_validate({"memories": [{"text": TEA}]}), caller=Caller(default=home)
    )
    assert (await memory.long_term.get(reply.ids[0])).namespace == "home"
    with pytest.raises(MemoryNotFound):
        await memory.long_term.get(reply.ids[0], scope=Scope(namespace="work"))
    assert (await memory.long_term.delete(reply.ids, scope=Scope(namespace="work"))).status == "ok, deleted 0 memories"
    assert (await memory.long_term.delete(reply.ids, scope=home)).status == "ok, deleted 1 memories"


async def test_one_id_in_two_scopes_must_be_told_apart(memory: Memory) -> None:
    """Guessing would hand out or delete a stranger's memory."""
    await create(memory, {"id": "1", "text": TEA, "user_id": "ann"}, {"id": "1", "text": TEA, "user_id": "bob"})
    with pytest.raises(AmbiguousId):
        await memory.long_term.get("1")
    with pytest.raises(AmbiguousId):
        await memory.long_term.delete(["1"])
    assert (await memory.long_term.get("1", scope=Scope(user_id="bob"))).user_id == "bob"


async def test_an_edit_is_found_by_its_new_words(memory: Memory) -> None:
    """And no longer by the old ones."""
    (memory_id,) = await create(memory, TEA)
    edited = await memory.long_term.edit(Edit(memory_id=memory_id, text="Ann drinks black coffee"))
    assert edited.version == 2
    assert await texts(memory, "coffee", search_mode="keyword") == ["Ann drinks black coffee"]
    assert await texts(memory, "tea", search_mode="keyword") == []


async def test_an_edit_without_new_text_keeps_the_memory_findable_by_meaning(memory: Memory) -> None:
    """The vector stays."""
    (memory_id,) = await create(memory, TEA)
    await memory.long_term.edit(Edit(memory_id=memory_id, pinned=True, topics=["drinks"]))
    found = await memory.long_term.search(Search(text=TEA, search_mode="semantic"))
    assert found.memories[0].dist == pytest.approx(0, abs=0.02)
    assert found.memories[0].pinned


async def test_an_edit_of_an_old_version_is_refused(memory: Memory) -> None:
    """Nothing is overwritten silently."""
    (memory_id,) = await create(memory, TEA)
    await memory.long_term.edit(Edit(memory_id=memory_id, pinned=True))
    with pytest.raises(VersionConflict, match="at version 2, not 1"):
        await memory.long_term.edit(Edit(memory_id=memory_id, text="other", expected_version=1))
    assert (await memory.long_term.get(memory_id)).text == TEA


@pytest.mark.parametrize("fields", [{}, {"topics": None}, {"unknown": 1}])
async def test_an_edit_of_nothing_is_refused(memory: Memory, fields: dict[str, Any]) -> None:
    """With the words that clients know."""
    (memory_id,) = await create(memory, TEA)
    with pytest.raises(InvalidRequest, match="No fields provided for update"):
        await memory.long_term.edit(Edit.model_validate({"memory_id": memory_id} | fields))


async def test_a_superseding_memory_ends_the_older_and_both_are_there_as_of_their_time(
    memory: Memory, clock: StandingClock
) -> None:
    """Facts change; the store knows what held when."""
    await create(memory, {"id": "lyon", "text": "Ann lives in Lyon"})
    then = clock.now
    clock.advance(days=30)
    await create(memory, {"id": "oslo", "text": "Ann lives in Oslo", "supersedes": ["lyon"]})
    assert await texts(memory, "where does Ann live") == ["Ann lives in Oslo"]
    assert await texts(memory, "where does Ann live", as_of=then.isoformat()) == ["Ann lives in Lyon"]
    assert (await memory.long_term.get("lyon")).valid_to == clock.now


@pytest.mark.parametrize("days", [-10, 10])
async def test_what_is_superseded_ends_when_it_happened_not_when_it_was_told(
    memory: Memory, clock: StandingClock, days: int
) -> None:
    """Told late, or announced: between the two moments there is no gap in what a look back finds."""
    await create(memory, {"id": "lyon", "text": "Ann lives in Lyon"})
    clock.advance(days=30)
    happens = clock.now + timedelta(days=days)
    oslo = {"text": "Ann moves to Oslo", "event_date": happens.isoformat(), "supersedes": ["lyon"]}
    await create(memory, oslo)
    assert (await memory.long_term.get("lyon")).valid_to == happens
    before = await texts(memory, "where does Ann live", as_of=(happens - timedelta(days=1)).isoformat())
    after = await texts(memory, "where does Ann live", as_of=happens.isoformat())
    assert "Ann lives in Lyon" in before
    assert after == ["Ann moves to Oslo"]
    assert ("Ann moves to Oslo" in before) is (days > 0)


async def test_pages_follow_one_another_without_gap_or_repeat(memory: Memory) -> None:
    """``total`` is the total and ``next_offset`` works, beyond the pool of candidates too."""
    await create(memory, *(f"Ann walked {n} miles by the lake" for n in range(460)))
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = await memory.long_term.search(Search(text="miles by the lake", limit=100, offset=offset))
        assert page.total == 460
        seen += [hit.id for hit in page.memories]
        offset = page.next_offset
    assert len(seen) == len(set(seen)) == 460


async def test_a_distance_threshold_bounds_hits_and_total(memory: Memory) -> None:
    """The total is the number within the threshold, however many pages that takes."""
    await create(memory, *(f"Ann walked {n} miles by the lake" for n in range(300)), "Bob repairs bicycles in Lyon")
    found = await memory.long_term.search(Search(text="Ann walked 7 miles by the lake", distance_threshold=0.6))
    assert found.total == 300
    assert all(hit.dist <= 0.6 for hit in found.memories)
    assert found.next_offset == 10
    exact = await memory.long_term.search(Search(text="Ann walked 7 miles by the lake", distance_threshold=0.01))
    assert (exact.total, exact.next_offset) == (1, None)


async def test_keyword_mode_finds_words_and_counts_them_all(memory: Memory) -> None:
    """The total is how many memories hold a word of the query."""
    await create(memory, *(f"Ann walked {n} miles" for n in range(250)), "Bob repairs bicycles")
    found = await memory.long_term.search(Search(text="walked", search_mode="keyword", limit=100, offset=200))
    assert (found.total, len(found.memories), found.next_offset) == (250, 50, None)


async def test_a_search_explains_itself_when_asked(memory: Memory) -> None:
    """The parts of the score, by name."""
    await create(memory, TEA, "Bob repairs bicycles in Lyon")
    found = await memory.long_term.search(Search(text="tea in the morning", explain=True))
    assert found.memories[0].why
    assert (await memory.long_term.search(Search(text="tea"))).memories[0].why is None


async def test_the_answer_says_so_when_nothing_relevant_is_known(memory: Memory) -> None:
    """Better than ten strangers."""
    await create(memory, "Bob repairs bicycles in Lyon")
    found = await memory.long_term.search(Search(text="quantum chromodynamics lattice"))
    assert (found.memories, found.total, found.note) == ([], 0, "Nothing relevant is known.")


async def test_an_access_is_counted_once_in_a_quarter_of_an_hour(memory: Memory, clock: StandingClock) -> None:
    """Paging is not use."""
    (memory_id,) = await create(memory, TEA)
    for _ in range(3):
        await texts(memory, "tea")
    assert (await memory.long_term.get(memory_id)).access_count == 1
    clock.advance(minutes=16)
    for _ in range(3):
        await texts(memory, "tea")
    after = await memory.long_term.get(memory_id)
    assert (after.access_count, after.last_accessed) == (2, clock.now)


async def test_without_recency_only_the_first_access_is_counted(memory: Memory, clock: StandingClock) -> None:
    """So that the text is known again when it comes back."""
    (memory_id,) = await create(memory, TEA)
    for _ in range(2):
        clock.advance(minutes=16)
        await texts(memory, "tea", recency_boost=False)
    assert (await memory.long_term.get(memory_id)).access_count == 1


async def test_compaction_makes_any_number_of_copies_one_that_carries_all(memory: Memory) -> None:
    """In one pass; every old id still finds it."""
    copies = [{"id": str(n), "text": TEA, "topics": [f"t{n}"], "metadata": {f"m{n}": n}} for n in range(8)]
    await create(memory, *copies, {"text": TEA, "user_id": "ann"}, deduplicate=False)
    reply = await memory.long_term.compact(Compact())
    assert reply.status == "ok, 2 memories remaining after compaction"
    kept = await memory.long_term.get("7")
    assert (kept.id, sorted(kept.topics), len(kept.metadata)) == ("0", [f"t{n}" for n in range(8)], 8)
    assert await texts(memory, "tea", user_id="ann") == [TEA]


async def test_compaction_never_retires_a_pinned_memory(memory: Memory) -> None:
    """It takes the others in."""
    rows = [{"id": memory_id, "text": TEA, "pinned": memory_id != "a"} for memory_id in "abc"]
    await create(memory, *rows, deduplicate=False)
    await memory.long_term.compact(Compact())
    assert (await memory.long_term.get("a")).id == "b"
    assert (await memory.long_term.get("c")).id == "c"


async def test_rebuilding_the_index_loses_nothing(memory: Memory) -> None:
    """Everything derived is derived anew."""
    await create(memory, TEA, *(f"Ann walked {n} miles" for n in range(300)))
    seen: list[tuple[int, int]] = []

    async def progress(done: int, total: int, _: str) -> None:
        seen.append((done, total))

    assert await memory.long_term.rebuild_index(progress=progress) == 301
    assert seen[-1] == (301, 301)
    assert (await texts(memory, "drinks tea"))[0] == TEA
    assert (await memory.long_term.stats()).without_vector == 0


async def test_long_term_memory_can_be_turned_off(memory: Memory, clock: StandingClock) -> None:
    """The message names the setting."""
    off = LongTerm(memory.store, memory.embedder, clock, lambda: "1", enabled=False)
    with pytest.raises(FeatureDisabled, match="LONG_TERM_MEMORY"):
        await off.search(Search(text="x"))


async def test_labels_are_words_to_find_a_memory_by(memory: Memory) -> None:
    """Also after an edit of the labels alone."""
    (memory_id,) = await create(memory, {"text": TEA, "topics": ["beverages"]})
    assert await texts(memory, "beverages", search_mode="keyword") == [TEA]
    await memory.long_term.edit(Edit(memory_id=memory_id, topics=["breakfast"]))
    assert await texts(memory, "beverages", search_mode="keyword") == []
    assert await texts(memory, "breakfast", search_mode="keyword") == [TEA]


async def test_who_said_it_is_found_with_what_was_said(memory: Memory) -> None:
    """A source is a speaker, whether or not the text begins with it."""
    await create(memory, {"text": "I am allergic to nuts", "source": "Carla"}, {"text": "Bob: I like nuts"})
    assert (await texts(memory, "what did Carla say about nuts?"))[0] == "I am allergic to nuts"
    assert await texts(memory, "carla", search_mode="keyword") == ["I am allergic to nuts"]


async def test_what_was_over_can_become_true_again(memory: Memory, clock: StandingClock) -> None:
    """To the letter the same as what ended: stored, and found."""
    (lyon,) = await create(memory, "Ann lives in Lyon")
    clock.advance(days=30)
    await create(memory, {"text": "Ann moved to Oslo", "supersedes": [lyon]})
    clock.advance(days=30)
    (back,) = await create(memory, "Ann lives in Lyon")
    assert back != lyon
    assert "Ann lives in Lyon" in await texts(memory, "Where does Ann live?")
    assert await create(memory, "Ann lives in Lyon") == [back]
