"""Who writes a summary: the model from all the notes, in a tree of pages; without one, a selection that says so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.views import SummaryView
from mcp_memory.errors import LLMUnavailable
from mcp_memory.llms.scripted import ScriptedLLM
from mcp_memory.services.view_texts import PAGE_CHARACTERS, PART_CHARACTERS, Summarist, Summary
from tests.contracts.entries import record
from tests.standing_clock import NOON

pytestmark = pytest.mark.anyio

VIEW = SummaryView(id="v1", source="long_term", group_by=["user_id"])
TEA = record("Ann drinks {tea}")


async def summed_up(llm: ScriptedLLM | None, *records: MemoryRecord, view: SummaryView = VIEW) -> Summary:
    async def pages() -> AsyncIterator[Sequence[MemoryRecord]]:
        for first in range(0, len(records), 100):
            yield records[first : first + 100]

    return await Summarist(llm).of(pages(), view, {"user_id": "ann"}, NOON)


def numbered(count: int, size: int = 100) -> list[MemoryRecord]:
    return [record(f"[{n}]".ljust(size, "x")) for n in range(count)]


async def test_without_a_model_the_memories_speak() -> None:
    assert await summed_up(None, TEA) == Summary("1 memory:\n- 2026-05-20: Ann drinks {tea}", 1, "selection")
    assert await summed_up(None) == Summary("", 0, "selection")


async def test_a_model_writes_from_the_notes_and_the_views_instructions() -> None:
    llm = ScriptedLLM(["  Ann likes tea.\n"] * 2)
    assert await summed_up(llm, TEA) == Summary("Ann likes tea.", 1, "model")
    await summed_up(llm, TEA, view=VIEW.model_copy(update={"prompt": "In {notes} rhymes."}))
    usual, own = llm.prompts
    assert usual.startswith("Sum up")
    assert '{"user_id": "ann"}' in usual
    assert own.startswith("In {notes} rhymes.\n\nState only")
    assert [prompt.endswith("Notes, newest first:\n- 2026-05-20: Ann drinks {tea}") for prompt in llm.prompts] == [
        True
    ] * 2


async def test_a_model_is_not_asked_about_nothing() -> None:
    llm = ScriptedLLM([])
    assert await summed_up(llm) == Summary("", 0, "model")
    assert llm.prompts == []


async def test_many_notes_become_a_summary_of_summaries_and_none_is_left_out() -> None:
    """Each page and each summary is within what a model is given at once."""
    size = 3_000

    def write(prompt: str) -> str:
        notes = prompt.partition("newest first:\n")[2]
        named = sorted({int(part.partition("]")[0]) for part in notes.split("[")[1:]})
        assert len(notes) <= PAGE_CHARACTERS + 200
        return " ".join(f"[{n}]" for n in named).ljust(size, "y") + "." * PART_CHARACTERS

    llm = ScriptedLLM(write)
    told = await summed_up(llm, *numbered(500, 1_500))
    assert (told.count, told.author) == (500, "model")
    assert [n for n in range(500) if f"[{n}]" not in told.text] == []
    assert len(llm.prompts) > 500 * 1_500 / PAGE_CHARACTERS


async def test_a_model_that_never_stops_writing_is_not_asked_for_ever() -> None:
    def write(_: str) -> str:
        assert len(llm.prompts) < 100
        return "and so on " * PAGE_CHARACTERS

    llm = ScriptedLLM(write)
    assert (await summed_up(llm, *numbered(300, 1_000))).author == "model"


@pytest.mark.parametrize("good", [0, 1, 3])
async def test_where_the_model_fails_a_selection_stands_and_says_so(good: int) -> None:
    """At the first page, at a later one, and at the summary of summaries."""
    told = await summed_up(ScriptedLLM(["Part"] * good), *numbered(300, 200))
    assert (told.count, told.author) == (300, "selection")
    first, second, *rest = told.text.splitlines()
    assert first == "The language model could not be reached; this is a selection instead."
    assert second == "300 memories; the 12 most telling, newest first:"
    assert len(rest) == 12


@pytest.mark.parametrize("answer", [lambda _: " \n", lambda _: _fail()], ids=["nothing", "error"])
async def test_an_answer_that_says_nothing_is_none(answer: Callable[[str], str]) -> None:
    assert (await summed_up(ScriptedLLM(answer), TEA)).author == "selection"


def _fail() -> str:
    raise LLMUnavailable("no key")
