"""What compaction promises: nothing is lost, what is not certain is left to people, and all of it can be undone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mcp_memory.domain.operations import OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Compacted
from mcp_memory.domain.requests import Accept, Compact, Create, Edit, ListOperations, ListSuggestions, Search, Undo
from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.errors import SuggestionNotFound
from mcp_memory.llms.scripted import ScriptedLLM
from mcp_memory.machine import new_ids
from mcp_memory.services.long_term import LongTerm
from mcp_memory.services.memory import Memory

if TYPE_CHECKING:
    from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

WIDE = 0.9
"""The hashing embedder knows no synonyms, so near is far."""


async def create(memory: Memory, *memories: dict[str, Any] | str, **rest: Any) -> list[str]:
    new = [{"text": one} if isinstance(one, str) else one for one in memories]
    return (await memory.long_term.create(Create.model_validate({"memories": new} | rest))).ids


async def compact(memory: Memory, **fields: Any) -> Compacted:
    return await memory.long_term.compact(Compact(**{"distance_threshold": WIDE} | fields))


async def everything(memory: Memory) -> list[MemoryRecord]:
    return [record for _, record in await memory.store.scan(None, 99)]


async def texts(memory: Memory) -> list[str]:
    return sorted(record.text for record in await everything(memory))


async def test_the_same_in_other_words_becomes_one_that_carries_all(memory: Memory, clock: StandingClock) -> None:
    """Earliest creation, labels, metadata, counts; both ids go on."""
    old, _ = await create(memory, {"text": "Ann likes green tea.", "topics": ["drinks"], "metadata": {"a": 1}}, "Milk")
    clock.advance(days=1)
    (new,) = await create(memory, {"text": "Ann likes the green tea", "topics": ["taste"], "metadata": {"b": 2}})
    done = await compact(memory)
    assert (done.merged, done.retired) == (1, 1)
    assert done.status == "ok, 2 memories remaining after compaction"
    one, other = await memory.long_term.get(old), await memory.long_term.get(new)
    assert one == other
    assert (sorted(one.topics), one.metadata) == (["drinks", "taste"], {"a": 1, "b": 2})
    assert one.created_at == clock.now.replace(day=clock.now.day - 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Favourite colour is purple", "Favourite colour is cyan"),
        ("The meeting is at 10:30", "The meeting is at 11:30"),
        ("Ann is allergic to nuts", "Ann is not allergic to nuts"),
        ("Ann manages Bob", "Bob manages Ann"),
        ("The invoice is 1,250 euros", "The invoice is 1,520 euros"),
    ],
)
async def test_different_facts_stay_two(memory: Memory, one: str, other: str) -> None:
    await create(memory, one, other)
    done = await compact(memory)
    assert (done.retired, done.superseded) == (0, 0)
    assert await texts(memory) == sorted([one, other])


@pytest.mark.parametrize("apart", ["namespace", "user_id", "session_id"])
async def test_memories_of_two_scopes_are_never_merged(memory: Memory, apart: str) -> None:
    await create(memory, {"text": "Ann likes tea", apart: "a"}, {"text": "Ann likes tea!", apart: "b"})
    assert (await compact(memory)).retired == 0


async def test_memories_of_two_types_are_never_merged(memory: Memory) -> None:
    await create(memory, {"text": "Ann likes tea"}, {"text": "Ann likes the tea", "memory_type": "message"})
    assert (await compact(memory)).retired == 0


async def test_what_changed_is_ended_and_stays_to_be_looked_up(memory: Memory, clock: StandingClock) -> None:
    """The newer supersedes the older; both are visible through ``as_of``."""
    before = clock.now
    (lyon,) = await create(memory, "Ann lives in Lyon")
    clock.advance(days=30)
    (oslo,) = await create(memory, "Ann moved to Oslo")
    done = await compact(memory)
    assert (done.superseded, done.retired) == (1, 0)
    assert (await memory.long_term.get(lyon)).valid_to == clock.now
    assert (await memory.long_term.get(oslo)).supersedes == [lyon]
    now = await memory.long_term.search(Search(text="where does Ann live"))
    assert [hit.id for hit in now.memories] == [oslo]
    then = await memory.long_term.search(Search(text="where does Ann live", as_of=before))
    assert [hit.id for hit in then.memories] == [lyon]


async def test_what_changed_is_ended_when_it_happened(memory: Memory, clock: StandingClock) -> None:
    """The event's day is known: what was told later did not change later."""
    (lyon,) = await create(memory, "Ann lives in Lyon")
    happened = clock.now + timedelta(days=10)
    clock.advance(days=30)
    (oslo,) = await create(memory, {"text": "Ann moved to Oslo", "event_date": happened})
    assert (await compact(memory)).superseded == 1
    assert (await memory.long_term.get(lyon)).valid_to == happened
    for moment, held in ((happened - timedelta(days=1), lyon), (happened, oslo), (clock.now, oslo)):
        then = await memory.long_term.search(Search(text="where does Ann live", as_of=moment))
        assert [hit.id for hit in then.memories] == [held]


@pytest.mark.parametrize(
    "later",
    [
        "User no longer works at Acme; now at Globex",
        "User no longer works at Acme, now at Globex",
        "User doesn't work at Acme any more because of the commute",
        "User used to work at Acme but is a teacher now",
        "User stopped working for Acme in May",
        "User quit Acme last year",
        "User left his job at Acme",
        "User was laid off by Acme",
    ],
)
async def test_what_is_over_is_ended_however_it_is_said(memory: Memory, clock: StandingClock, later: str) -> None:
    """Also where the sentence goes on with when, why, or what is so instead."""
    (acme,) = await create(memory, "User works at Acme")
    clock.advance(days=30)
    await create(memory, later)
    assert (await compact(memory)).superseded == 1
    assert (await memory.long_term.get(acme)).valid_to == clock.now


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("User works at Acme", "User no longer works at Acme, except on Fridays"),
        ("User works at Acme", "User no longer works at Acme but is back again"),
        ("User works at Acme Robotics", "User no longer works at Acme"),
        ("User works at the library", "User left the library"),
        ("User eats meat and fish", "User no longer eats meat"),
        ("User's favourite food is pizza", "User's favourite food is now cold"),
    ],
)
async def test_what_may_go_on_is_not_ended(memory: Memory, clock: StandingClock, earlier: str, later: str) -> None:
    """A person is asked."""
    await create(memory, earlier)
    clock.advance(days=30)
    await create(memory, later)
    done = await compact(memory)
    assert (done.superseded, done.suggested) == (0, 1)


async def test_what_ended_is_ended_by_the_first_that_says_so(memory: Memory, clock: StandingClock) -> None:
    """Of two later ones; that these two exclude each other is for a person to say."""
    ids = []
    for text in ("Ann lives in Lyon", "Ann moved to Oslo", "Ann moved to Rome"):
        ids += await create(memory, text)
        clock.advance(days=30)
    done = await compact(memory)
    lyon, oslo, rome = [await memory.long_term.get(one) for one in ids]
    assert (lyon.valid_to, oslo.valid_to, rome.valid_to) == (oslo.created_at, None, None)
    assert done.suggested == 1


async def test_a_pinned_memory_is_neither_retired_nor_ended_nor_reworded(memory: Memory, clock: StandingClock) -> None:
    pinned = [{"text": "Ann likes the green tea", "pinned": True}, {"text": "Ann lives in Lyon", "pinned": True}]
    tea, lyon = await create(memory, *pinned)
    clock.advance(days=1)
    await create(memory, "Ann likes green tea", "Ann moved to Oslo")
    done = await compact(memory)
    assert (done.retired, done.superseded) == (1, 0)
    assert (await memory.long_term.get(tea)).text == "Ann likes the green tea"
    assert (await memory.long_term.get(lyon)).valid_to is None
    listed = await memory.suggestions.list(ListSuggestions())
    assert [one.kind for one in listed.suggestions] == ["supersede"]


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(memory: Memory) -> None:
    await create(memory, "Ann likes green tea", "Ann likes the green tea", "Milk")
    before = await everything(memory)
    planned = await compact(memory, dry_run=True)
    assert [(step.kind, len(step.before)) for step in planned.steps] == [("merge", 2)]
    assert await everything(memory) == before
    assert (await compact(memory)).retired == planned.retired


async def test_a_dry_run_counts_exact_duplicates_once(memory: Memory) -> None:
    """They are near, too; what would be retired in the first step is not there in the second."""
    await create(memory, *[{"text": "Ann likes tea", "id": f"t{n}"} for n in range(4)], deduplicate=False)
    planned = await compact(memory, dry_run=True)
    assert (planned.merged, planned.retired) == (1, 3)
    done = await compact(memory)
    assert (done.merged, done.retired) == (1, 3)


async def test_only_what_is_new_is_compared_again(memory: Memory, clock: StandingClock) -> None:
    """The second run has nothing to do; a full one looks at all."""
    await create(memory, "Ann likes green tea", "Ann likes black tea")
    first = await compact(memory)
    clock.advance(hours=1)
    assert (await compact(memory)).suggested == 0
    await create(memory, "Ann likes the green tea")
    assert (await compact(memory)).retired == 1
    assert first.retired == 0


async def test_a_compaction_is_undone_exactly_and_not_done_again(memory: Memory, clock: StandingClock) -> None:
    await create(memory, "Ann likes green tea", "Ann likes the green tea")
    await create(memory, {"text": "Milk"}, {"text": "Milk", "id": "copy"}, deduplicate=False)
    before = await everything(memory)
    done = await compact(memory)
    assert done.retired == 2
    assert done.operation is not None
    clock.advance(hours=1)
    undone = await memory.operations.undo(Undo(operation_id=done.operation))
    assert (undone.restored, undone.kept) == (4, [])
    assert await everything(memory) == before
    assert (await compact(memory, full=True)).retired == 0
    assert await everything(memory) == before


async def test_a_memory_that_was_edited_meanwhile_is_not_touched(memory: Memory, clock: StandingClock) -> None:
    """A model may think for long: what changed while it did stays as it is."""
    one, _ = await create(memory, "Ann likes green tea", "Ann likes the green tea")

    class SlowModel(ScriptedLLM):
        async def write(self, prompt: str) -> str:
            await memory.long_term.edit(Edit(memory_id=one, text="Ann likes green tea and cake"))
            return await super().write(prompt)

    model = SlowModel(["Ann likes green tea"])
    slow = LongTerm(memory.store, HashingEmbedder(), clock, new_ids(), enabled=True, llm=model)
    done = await slow.compact(Compact(distance_threshold=WIDE))
    assert (done.retired, len(model.prompts)) == (0, 1)
    assert await texts(memory) == ["Ann likes green tea and cake", "Ann likes the green tea"]


async def test_a_model_may_write_the_text_if_it_keeps_all(memory: Memory, clock: StandingClock) -> None:
    await create(memory, "Ann likes green tea", "Ann likes the green tea")
    model = ScriptedLLM(["Green tea is what Ann likes in Berlin", "Ann likes green tea."])
    with_model = LongTerm(memory.store, HashingEmbedder(), clock, new_ids(), enabled=True, llm=model)
    done = await with_model.compact(Compact(distance_threshold=WIDE))
    assert done.retired == 1
    (kept,) = await texts(memory)
    assert "Berlin" not in kept
    assert "Ann likes the green tea" in model.prompts[0]


async def test_a_model_that_cannot_be_reached_stops_nothing(memory: Memory, clock: StandingClock) -> None:
    await create(memory, "Ann likes green tea", "Ann likes the green tea")
    with_model = LongTerm(memory.store, HashingEmbedder(), clock, new_ids(), enabled=True, llm=ScriptedLLM([]))
    assert (await with_model.compact(Compact(distance_threshold=WIDE))).retired == 1


async def test_entries_of_a_log_are_not_suggested_and_a_correction_beside_them_is(
    memory: Memory, clock: StandingClock
) -> None:
    """Nobody wants to look at a weight of each day."""
    for number in range(6):
        await create(memory, f"Weight: {80 + number} kg", f"Read {9 + number} pages of Emma", f"Ann{number} met Bob")
        clock.advance(days=1)
    await create(memory, "The API listens on port 8080")
    clock.advance(days=1)
    await create(memory, "The API listens on port 9090")
    assert (await compact(memory)).suggested == 1
    (found,) = (await memory.suggestions.list(ListSuggestions())).suggestions
    assert (found.one.text, found.other.text) == ("The API listens on port 8080", "The API listens on port 9090")
    clock.advance(days=1)
    await create(memory, "Weight: 90 kg")
    assert (await compact(memory)).suggested == 0


async def suggested(memory: Memory, clock: StandingClock) -> str:
    """Leave one suggestion and return its id."""
    await create(memory, {"text": "Ann lives in Lyon", "pinned": True})
    clock.advance(days=1)
    await create(memory, "Ann moved to Oslo")
    await compact(memory)
    (one,) = (await memory.suggestions.list(ListSuggestions())).suggestions
    return one.id


async def test_a_suggestion_is_done_on_request_and_can_be_undone(memory: Memory, clock: StandingClock) -> None:
    suggestion = await suggested(memory, clock)
    before = await everything(memory)
    done = await memory.suggestions.accept(Accept(suggestion_id=suggestion))
    assert (await everything(memory))[0].valid_to == clock.now
    assert (await memory.suggestions.list(ListSuggestions())).total == 0
    assert done.operation is not None
    await memory.operations.undo(Undo(operation_id=done.operation))
    assert await everything(memory) == before


async def test_a_dismissed_suggestion_does_not_come_back(memory: Memory, clock: StandingClock) -> None:
    suggestion = await suggested(memory, clock)
    await memory.suggestions.dismiss(suggestion)
    assert (await compact(memory, full=True)).suggested == 0
    with pytest.raises(SuggestionNotFound):
        await memory.suggestions.accept(Accept(suggestion_id=suggestion))


async def test_a_merge_that_was_suggested_keeps_what_both_carry(memory: Memory) -> None:
    """With the text that a person wrote."""
    one, other = await create(memory, {"text": "Ann likes tea", "event_date": "2026-01-01"}, "Ann likes the tea")
    await compact(memory)
    (found,) = (await memory.suggestions.list(ListSuggestions())).suggestions
    await memory.suggestions.accept(Accept(suggestion_id=found.id, text="Ann likes tea a lot"))
    assert (await memory.long_term.get(one)).text == (await memory.long_term.get(other)).text == "Ann likes tea a lot"
    assert (await memory.long_term.get(one)).event_date is not None


async def test_each_phase_can_be_left_out(memory: Memory) -> None:
    await create(memory, "Ann likes green tea", "Ann likes the green tea")
    await create(memory, {"text": "Milk"}, {"text": "Milk", "id": "copy"}, deduplicate=False)
    assert (await compact(memory, semantic_duplicates=False, hash_duplicates=False)).retired == 0
    assert [step.kind for step in (await compact(memory, semantic_duplicates=False)).steps] == ["exact"]
    assert [step.kind for step in (await compact(memory, hash_duplicates=False)).steps] == ["merge"]


async def test_one_compaction_is_one_operation(memory: Memory) -> None:
    await create(memory, *[f"Fact number {n}" for n in range(3)])
    await create(memory, *[{"text": f"Fact number {n}", "id": f"c{n}"} for n in range(3)], deduplicate=False)
    await compact(memory)
    (last, *_) = (await memory.operations.list(ListOperations())).operations
    assert (last.kind, last.removed) == (OperationKind.COMPACT, 3)
