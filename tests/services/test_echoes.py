"""The loop guard: what a search returned and comes back is counted as use, and not stored again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mcp_memory.domain.access import Caller
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Created
from mcp_memory.domain.requests import Create, Edit, Hydrate, Search
from mcp_memory.domain.scope import Scope
from mcp_memory.services.memory import Memory

if TYPE_CHECKING:
    from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

TEA = "Ann drinks green tea every morning"
DOG = "Ann has a dog called Rex"


async def create(memory: Memory, *memories: dict[str, Any] | str, **rest: Any) -> Created:
    new = [{"text": one} if isinstance(one, str) else one for one in memories]
    return await memory.long_term.create(Create.model_validate({"memories": new} | rest))


async def ask(memory: Memory, text: str, **fields: Any) -> None:
    assert (await memory.long_term.search(Search.model_validate({"text": text} | fields))).total


async def known(memory: Memory, clock: StandingClock) -> None:
    """Store two memories of a session and have a search return them."""
    await create(memory, {"id": "tea", "text": TEA, "session_id": "monday"}, {"id": "dog", "text": DOG})
    await ask(memory, "Ann's tea")
    await ask(memory, "dog")
    clock.advance(seconds=1)


async def record(memory: Memory, memory_id: str) -> MemoryRecord:
    return await memory.long_term.get(memory_id)


@pytest.mark.parametrize(
    "text",
    [
        TEA,
        f" {TEA.upper()}.",
        f"“{TEA}”",
        f"- {TEA}",
        f"- {TEA} (ID: tea, 2026-05-20)",
        f"## Long term memories related to the user's query\n- {TEA} (ID: tea, 2026-05-20)",
        f"- 2026-05-20 {TEA} (id tea)",
        f"[1] ID: tea\n    Score: 0.9000 (hybrid)\n    Session: monday\n    Text: {TEA}",
        f"[1] ID: tea\n    Text: {TEA[:20]}...",
        json.dumps({"memories": [{"id": "tea", "text": TEA, "score": 0.9}], "total": 1}),
    ],
)
@pytest.mark.parametrize("fields", [{}, {"session_id": "tuesday"}, {"memory_type": "episodic"}])
async def test_what_a_search_returned_is_not_stored_again(
    memory: Memory, clock: StandingClock, text: str, fields: dict[str, str]
) -> None:
    """In whatever session and of whatever type it comes back."""
    await known(memory, clock)
    reply = await create(memory, {"text": text} | fields)
    assert (reply.ids, reply.stored, reply.duplicates, reply.operation) == (["tea"], 0, 1, None)
    after = await record(memory, "tea")
    assert (after.access_count, after.last_accessed) == (2, clock.now)
    assert (await memory.long_term.search(Search())).total == 2


async def test_a_text_of_several_memories_is_use_of_all_of_them(memory: Memory, clock: StandingClock) -> None:
    await known(memory, clock)
    reply = await create(memory, f"- {TEA}\n- {DOG}", f"1. {DOG}\n2. {TEA} and coffee")
    assert (reply.ids[0], reply.duplicates, reply.stored) == ("tea", 1, 1)
    assert [(await record(memory, name)).access_count for name in ("tea", "dog")] == [2, 2]


async def test_a_memory_prompt_that_is_remembered_whole_adds_nothing(memory: Memory, clock: StandingClock) -> None:
    """A hook that files away what was put before the model."""
    await known(memory, clock)
    prompt = await memory.hydration.prompt(Hydrate(query="What does Ann drink?", long_term_search=Search()))
    assert prompt.long_term_memories
    reply = await create(memory, {"text": prompt.messages[0].content.text, "session_id": "hook"})
    assert (reply.stored, reply.duplicates) == (0, 1)


async def test_what_no_search_returned_is_stored_as_ever(memory: Memory) -> None:
    """Identical text in another session is another memory; a list is no search."""
    await create(memory, {"text": TEA, "session_id": "monday"})
    await memory.long_term.search(Search())
    assert (await create(memory, {"text": TEA, "session_id": "tuesday"}, f"- {TEA}")).stored == 2


@pytest.mark.parametrize(
    "new",
    [
        {"text": TEA, "id": "mine"},
        {"text": TEA, "user_id": "bob"},
        {"text": TEA, "namespace": "work"},
        {"text": f"- {TEA} (ID: tea, 2026-05-20)", "user_id": "bob"},
        {"text": TEA, "event_date": "2026-05-01"},
        {"text": f"- {TEA} (ID: tea, 2026-05-20)", "event_date": "2026-05-01"},
        {"text": TEA, "supersedes": ["dog"]},
        {"text": TEA, "valid_from": "2026-05-01"},
        {"text": f"{TEA}?"},
        {"text": f"- {TEA} (ID: dog, 2026-05-20)"},
        {"text": f"- {TEA} (ID: nothing, 2026-05-20)"},
        {"text": f"- {TEA}\n- Ann hates coffee"},
        {"text": json.dumps({"id": "tea", "text": TEA, "but": "not on Sundays"})},
    ],
)
async def test_what_says_more_or_is_anothers_is_stored(
    memory: Memory, clock: StandingClock, new: dict[str, Any]
) -> None:
    await known(memory, clock)
    assert (await create(memory, {"session_id": "tuesday"} | new)).stored == 1
    assert (await record(memory, "tea")).access_count == 1


async def test_the_caller_may_ask_for_both(memory: Memory, clock: StandingClock) -> None:
    await known(memory, clock)
    assert (await create(memory, TEA, deduplicate=False)).stored == 1


async def test_an_event_comes_back_with_its_own_date_only(memory: Memory, clock: StandingClock) -> None:
    """The same words about another day are another memory."""
    day = "2026-05-01T18:00:00Z"
    await create(memory, {"id": "run", "text": "Ann went running", "event_date": day, "session_id": "monday"})
    await ask(memory, "running")
    clock.advance(seconds=1)
    assert (await create(memory, {"text": "Ann went running", "event_date": day})).ids == ["run"]
    line = "- Ann went running (ID: run, 2026-05-01)"
    assert (await create(memory, line, {"text": line, "event_date": "2026-05-01"})).ids == ["run", "run"]
    assert (await create(memory, {"text": "Ann went running", "event_date": "2026-05-02"})).stored == 1
    assert (await create(memory, {"text": "Ann went running", "session_id": "tuesday"})).stored == 1


async def test_a_fact_that_had_ended_may_hold_again(memory: Memory, clock: StandingClock) -> None:
    await create(memory, {"id": "lyon", "text": "Ann lives in Lyon", "session_id": "s"})
    await ask(memory, "Lyon")
    clock.advance(days=1)
    await create(memory, {"text": "Ann lives in Oslo", "supersedes": ["lyon"]})
    clock.advance(days=1)
    assert (await create(memory, "Ann lives in Lyon")).stored == 1


async def test_an_edited_memory_is_known_by_its_new_text(memory: Memory, clock: StandingClock) -> None:
    await known(memory, clock)
    await memory.long_term.edit(Edit(memory_id="tea", text="Ann drinks oolong"))
    await ask(memory, "oolong")
    assert (await create(memory, {"text": "Ann drinks oolong", "session_id": "x"})).ids == ["tea"]
    assert (await create(memory, {"text": TEA, "session_id": "x"})).stored == 1


async def test_a_default_scope_counts_as_the_owners(memory: Memory, clock: StandingClock) -> None:
    home = Scope("home", "ann")
    request = Create.model_validate({"memories": [{"id": "tea", "text": TEA, "session_id": "monday"}]})
    await memory.long_term.create(request, caller=Caller(default=home))
    await memory.long_term.search(Search(text="tea"), caller=Caller(default=home))
    clock.now += timedelta(seconds=1)
    again = Create.model_validate({"memories": [{"text": f"- {TEA}"}]})
    assert (await memory.long_term.create(again, caller=Caller(default=home))).ids == ["tea"]
    assert (await memory.long_term.create(again, caller=Caller(default=Scope("work", "ann")))).stored == 1
