"""A change of the embedding model: noticed, made good bit by bit, and nothing is compared that cannot be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from mcp_memory.domain.requests import Create, Edit, ListJobs, Search
from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.errors import EmbedderUnavailable
from mcp_memory.machine import new_ids
from mcp_memory.ports.models import Generation
from mcp_memory.services.entries import CHUNK
from mcp_memory.services.long_term import LongTerm
from mcp_memory.services.upkeep import Upkeep
from mcp_memory.stores.ephemeral.store import EphemeralStore
from tests.services.digging import runner

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory
    from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

MANY = 3 * CHUNK + 5


class CountingEmbedder(HashingEmbedder):
    """An embedder that remembers what it was asked for, and may be unavailable after so many texts."""

    def __init__(self, dimensions: int, until: int = 1_000_000) -> None:
        super().__init__(dimensions)
        self.asked: list[str] = []
        self.until = until

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if len(self.asked) + len(texts) > self.until:
            raise EmbedderUnavailable("it was taken away")
        self.asked += texts
        return await super().embed(texts)


@pytest.fixture
async def store(clock: StandingClock) -> AsyncIterator[EphemeralStore]:
    """A store whose memories were embedded with 256 dimensions."""
    store = EphemeralStore(clock=clock)
    await store.open()
    old = LongTerm(store, HashingEmbedder(256), clock, new_ids(), enabled=True)
    memories = [{"text": f"memory number {n}", "id": str(n)} for n in range(MANY)]
    await old.create(Create.model_validate({"memories": memories}))
    yield store
    await store.close()


def long_term(store: EphemeralStore, embedder: HashingEmbedder, clock: StandingClock) -> LongTerm:
    return LongTerm(store, embedder, clock, new_ids(), enabled=True)


async def test_a_change_of_the_model_is_noticed_until_it_is_made_good(store: EphemeralStore) -> None:
    """Of its dimensions too."""
    assert not await Upkeep(store, HashingEmbedder(256)).reembed_due()
    upkeep = Upkeep(store, HashingEmbedder(128))
    assert await upkeep.reembed_due()
    assert await upkeep.reembed() == MANY
    assert not await upkeep.reembed_due()
    assert await upkeep.reembed() == 0


async def test_each_chunk_is_told_and_kept(store: EphemeralStore) -> None:
    told: list[tuple[int, int]] = []

    async def progress(done: int, total: int, what: str) -> None:
        assert what == "re-embedding"
        assert await store.count_outdated(embedder.generation) == total - done
        told.append((done, total))

    embedder = HashingEmbedder(128)
    await Upkeep(store, embedder).reembed(progress)
    assert told == [(done, MANY) for done in (CHUNK, 2 * CHUNK, 3 * CHUNK, MANY)]


async def test_what_was_ended_in_the_middle_goes_on_where_it_was(store: EphemeralStore) -> None:
    """No text is embedded twice, and no old vector is lost to a model that is not there."""
    first, second = CountingEmbedder(128, until=2 * CHUNK), CountingEmbedder(128)
    with pytest.raises(EmbedderUnavailable, match="taken away"):
        await Upkeep(store, first).reembed()
    assert await store.count_outdated(first.generation) == MANY - 2 * CHUNK
    assert await store.count_outdated(HashingEmbedder(256).generation) == 2 * CHUNK
    assert await Upkeep(store, second).reembed() == MANY - 2 * CHUNK
    assert sorted([*first.asked, *second.asked]) == sorted(f"memory number {n}" for n in range(MANY))


async def test_a_memory_that_changes_meanwhile_keeps_its_change(store: EphemeralStore, clock: StandingClock) -> None:
    """Its version moved: what was embedded of the text before is not put over it."""

    class Editing(CountingEmbedder):
        async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if not self.asked:
                await editor.edit(Edit.model_validate({"memory_id": "3", "text": "a whole new text"}))
            return await super().embed(texts)

    editor = long_term(store, HashingEmbedder(256), clock)
    embedder = Editing(128)
    upkeep = Upkeep(store, embedder)
    await upkeep.reembed()
    found = await long_term(store, embedder, clock).search(Search(text="a whole new text", search_mode="keyword"))
    assert [hit.text for hit in found.memories[:1]] == ["a whole new text"]
    assert await upkeep.reembed() == 1
    assert not await upkeep.reembed_due()


async def test_the_search_goes_on_by_words_and_says_what_it_cannot_find(
    store: EphemeralStore, clock: StandingClock
) -> None:
    memory = long_term(store, HashingEmbedder(128), clock)
    found = await memory.search(Search(text="number 7"))
    assert found.memories[0].text == "memory number 7"
    assert found.note is not None
    assert f"by their words only: {MANY}." in found.note
    nothing = await memory.search(Search(text="zebra"))
    assert nothing.memories == []
    assert nothing.note is not None
    assert str(MANY) in nothing.note
    assert (await memory.search(Search(text="number 7", search_mode="keyword"))).note is None
    await Upkeep(store, HashingEmbedder(128)).reembed()
    assert (await memory.search(Search(text="number 7"))).note is None


async def test_vectors_of_two_models_are_never_compared(store: EphemeralStore, clock: StandingClock) -> None:
    """Of the same dimensions too."""

    class Other(HashingEmbedder):
        @property
        def generation(self) -> Generation:
            return Generation("other", 256, "other")

    memory = long_term(store, Other(256), clock)
    found = await memory.search(Search(text="memory number 7", search_mode="semantic"))
    assert found.memories == []


async def test_a_worker_that_begins_has_it_done(memory: Memory, clock: StandingClock) -> None:
    """Once in each process, and only where memories lack their vectors."""
    await runner(memory, clock).tend()
    assert (await memory.jobs.list(ListJobs())).total == 0
    old = LongTerm(memory.store, HashingEmbedder(128), clock, new_ids(), enabled=True)
    await old.create(Create.model_validate({"memories": [{"text": "Ann drinks tea"}]}))
    made = runner(memory, clock)
    await made.tend()
    (job,) = (await memory.jobs.list(ListJobs())).jobs
    assert job.name == "reembed"
    await made.run(job.id)
    assert (await memory.jobs.get(job.id)).result == {"memories": 1}
    await old.create(Create.model_validate({"memories": [{"text": "Ann drinks coffee"}]}))
    await made.tend()
    assert (await memory.jobs.list(ListJobs())).total == 1
