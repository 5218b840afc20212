"""What every embedder promises its port, asked of each of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.embedders.minilm.embedder import MiniLMEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mcp_memory.ports.models import Embedder

pytestmark = pytest.mark.anyio

EMBEDDERS: dict[str, Callable[[], Embedder]] = {"hashing": HashingEmbedder, "minilm": MiniLMEmbedder}

TEXTS = [
    "Anna drinks a flat white before work.",
    "tea",
    "The staging database moved to PostgreSQL 16. " * 8,
    "Rufus hurt his paw, the vet put a bandage on it.",
    "ok",
]

ODD = {
    "empty": "",
    "blank": " \t\n",
    "nul": "before\x00after",
    "only nul": "\x00",
    "emoji": "👩‍👩‍👧🎉",
    "right to left": "الاجتماع يوم الأربعاء",
    "unspaced": "用户喜欢在早上喝咖啡",
    "lone surrogate": "half \ud83d of a pair",
    "combining": "e\u0301" * 300,
    "one endless word": "x" * 5_000,
    "a megabyte": "memory " * 150_000,
}


@pytest.fixture(params=list(EMBEDDERS))
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    made = EMBEDDERS[request.param]()
    yield made
    await made.close()


async def test_each_text_has_a_row_of_unit_length(embedder: Embedder) -> None:
    """Stores take the inner product for the cosine."""
    vectors = await embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.generation.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_no_texts_have_no_rows(embedder: Embedder) -> None:
    """An empty batch is a batch."""
    assert (await embedder.embed([])).shape == (0, embedder.generation.dimensions)


async def test_rows_are_in_the_order_of_the_texts(embedder: Embedder) -> None:
    """However they were batched inside."""
    many = [f"{text} {number}" for number in range(20) for text in TEXTS]
    forwards, backwards = await embedder.embed(many), await embedder.embed(many[::-1])
    np.testing.assert_allclose(forwards, backwards[::-1], atol=1e-3)


async def test_a_text_has_the_same_vector_alone_and_among_others(embedder: Embedder) -> None:
    """A query is embedded alone, memories are embedded in batches: they must meet."""
    together = await embedder.embed(TEXTS)
    for row, text in zip(together, TEXTS, strict=True):
        np.testing.assert_allclose((await embedder.embed([text]))[0], row, atol=1e-3)


async def test_a_repeated_text_has_the_same_vector_and_its_own_array(embedder: Embedder) -> None:
    """Whoever changes an answer in place does not change the next one."""
    first = await embedder.embed(["tea"])
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(await embedder.embed(["tea"]), kept)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
async def test_odd_text_is_embedded_like_any_other(embedder: Embedder, text: str) -> None:
    """A memory is somebody else's text; nothing in it may stop it from being kept."""
    vectors = await embedder.embed(["before", text, "after"])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(await embedder.embed([text]), vectors[1:2], atol=1e-3)


async def test_concurrent_first_uses_agree(embedder: Embedder) -> None:
    """Two clients may ask at once before anything is loaded."""
    one, other = await asyncio.gather(embedder.embed(TEXTS), embedder.embed(TEXTS))
    np.testing.assert_array_equal(one, other)


async def test_it_works_again_after_close(embedder: Embedder) -> None:
    """Closing gives back what is held; it is not the end."""
    before = await embedder.embed(TEXTS)
    await embedder.close()
    np.testing.assert_array_equal(await embedder.embed(TEXTS), before)


async def test_a_second_embedder_of_the_same_generation_makes_the_same_vectors(embedder: Embedder) -> None:
    """Processes that share a store compare their vectors."""
    another = type(embedder)()
    assert another.generation == embedder.generation
    np.testing.assert_array_equal(await another.embed(TEXTS), await embedder.embed(TEXTS))
    await another.close()


async def test_texts_that_share_words_are_closer_than_strangers(embedder: Embedder) -> None:
    """The least that a search by vectors lives from."""
    asked, meant, stranger = await embedder.embed(
        ["which database does staging use", "The staging database is PostgreSQL", "Rufus hurt his paw in the garden"]
    )
    assert asked @ meant > asked @ stranger + 0.2
