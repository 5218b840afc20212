"""When the model is missing: nothing is lost, words still find, and every answer says what is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_memory.domain.requests import Create, Search
from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.embedders.minilm.embedder import MiniLMEmbedder
from mcp_memory.errors import EmbedderUnavailable
from mcp_memory.machine import new_ids
from mcp_memory.services.long_term import WORDS_ONLY, LongTerm
from mcp_memory.stores.ephemeral.store import EphemeralStore

if TYPE_CHECKING:
    from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

TEA = Create.model_validate({"memories": [{"text": "Ann drinks green tea every morning"}]})


@pytest.fixture
async def store(clock: StandingClock) -> AsyncIterator[EphemeralStore]:
    store = EphemeralStore(clock=clock)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def without_model(store: EphemeralStore, clock: StandingClock, tmp_path: Path) -> LongTerm:
    return LongTerm(store, MiniLMEmbedder(tmp_path), clock, new_ids(), enabled=True)


async def test_a_memory_is_kept_and_the_answer_says_what_is_missing(without_model: LongTerm) -> None:
    reply = await without_model.create(TEA)
    assert (reply.stored, reply.note) == (1, WORDS_ONLY)
    assert (await without_model.get(reply.ids[0])).text == "Ann drinks green tea every morning"


async def test_a_search_goes_by_words_and_says_so(without_model: LongTerm) -> None:
    await without_model.create(TEA)
    found = await without_model.search(Search(text="green tea"))
    assert [hit.text for hit in found.memories] == ["Ann drinks green tea every morning"]
    assert found.note is not None
    assert found.note.startswith("Searched by words only: ")


async def test_the_total_counts_only_what_words_can_find(without_model: LongTerm) -> None:
    """A page that is promised is there."""
    texts = [f"Ann drinks green tea at {n}" for n in range(3)] + [f"Bob repairs bicycle {n}" for n in range(9)]
    await without_model.create(Create.model_validate({"memories": [{"text": text} for text in texts]}))
    found = await without_model.search(Search(text="green tea", limit=2))
    assert (found.total, found.next_offset) == (3, 2)
    assert (await without_model.search(Search(text="green tea", limit=2, offset=2))).next_offset is None


@pytest.mark.parametrize("asked", [{"search_mode": "semantic"}, {"distance_threshold": 0.5}])
async def test_what_only_vectors_can_answer_is_an_error_and_not_an_empty_answer(
    without_model: LongTerm, asked: dict[str, object]
) -> None:
    await without_model.create(TEA)
    with pytest.raises(EmbedderUnavailable, match="reinstall mcp-memory"):
        await without_model.search(Search.model_validate({"text": "green tea"} | asked))


async def test_rebuilding_gives_the_vectors_when_a_model_is_there(
    without_model: LongTerm, store: EphemeralStore, clock: StandingClock
) -> None:
    await without_model.create(TEA)
    repaired = LongTerm(store, HashingEmbedder(), clock, new_ids(), enabled=True)
    assert (await repaired.stats()).without_vector == 1
    await repaired.rebuild_index()
    assert (await repaired.stats()).without_vector == 0
    assert (await repaired.search(Search(text="green tea", search_mode="semantic"))).total == 1
