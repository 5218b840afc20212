"""The bundled model: it is the file that was built, close to its original, and leaves when idle."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcp_memory.embedders.minilm import embedder as minilm
from mcp_memory.embedders.minilm.embedder import MiniLMEmbedder, batches
from mcp_memory.errors import EmbedderUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HERE = Path(__file__).parent
BUNDLED = Path(minilm.__file__).parent
CARD = json.loads((BUNDLED / "model.json").read_text(encoding="utf-8"))


async def embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    embedder = MiniLMEmbedder()
    vectors = await embedder.embed(texts)
    await embedder.close()
    return vectors


async def timer_fired(seconds: float) -> None:
    """Return when the loop has called what was to be called after ``seconds`` before now."""
    fired = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, fired.set)
    await fired.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the bundled files to damage."""
    for name in ("model.json", "model.onnx", "tokenizer.json"):
        shutil.copy(BUNDLED / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CARD["files"])
def test_the_files_are_the_ones_that_were_built(name: str) -> None:
    """At run time only the size is compared."""
    data = (BUNDLED / name).read_bytes()
    assert {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} == CARD["files"][name]


def test_the_licence_and_the_notice_of_changes_come_along() -> None:
    """The Apache License asks for both."""
    assert "Apache License" in (BUNDLED / "LICENSE").read_text(encoding="utf-8")
    assert "Changes made" in (BUNDLED / "NOTICE").read_text(encoding="utf-8")


def test_generation_is_known_without_loading() -> None:
    """A store asks for it before anything is searched."""
    embedder = MiniLMEmbedder()
    assert (embedder.generation.model, embedder.generation.dimensions) == ("all-MiniLM-L6-v2", 384)
    assert embedder.generation.digest == CARD["digest"]
    assert not embedder.loaded


@pytest.mark.anyio
async def test_vectors_are_the_originals() -> None:
    """Quantised to a quarter, the model still says what the fp32 original says; measured: 0.9994 and 0.9973."""
    texts = json.loads((HERE / "minilm_texts.json").read_text(encoding="utf-8"))
    with np.load(HERE / "minilm_vectors.npz") as golden:
        original = golden["vectors"].astype(np.float32)
    cosine = (await embedded(texts) * original).sum(axis=1)
    assert cosine.mean() > 0.999
    assert cosine.min() > 0.996


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "meant", "stranger"),
    [
        ("What can't Tom eat?", "Tom is allergic to peanuts.", "Tom moved to Lyon in 2019."),
        ("preferred colour scheme", "She always switches to dark mode.", "She always takes the early train."),
        ("when is my holiday", "We fly to Japan on 9 November.", "The fly in the soup was Anna's."),
    ],
)
async def test_a_paraphrase_is_closer_than_a_stranger(asked: str, meant: str, stranger: str) -> None:
    """Words need not be shared: this is what the model is for."""
    query, near, far = await embedded([asked, meant, stranger])
    assert query @ near > query @ far


@pytest.mark.anyio
async def test_only_the_window_reaches_the_vector() -> None:
    """What stands after 256 tokens is accepted and left out."""
    window = "tea " * 300
    one, other = await embedded([window, f"{window} and the database moved"])
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.anyio
async def test_it_is_let_go_when_idle_and_loaded_again_when_used() -> None:
    """A memory server waits most of the day; 60 MB are somebody else's then."""
    embedder = MiniLMEmbedder(idle_seconds=0.001)
    before = await embedder.embed(["tea", "coffee"])
    await timer_fired(0.01)
    assert not embedder.loaded
    np.testing.assert_array_equal(await embedder.embed(["tea", "coffee"]), before)
    await embedder.close()


@pytest.mark.anyio
async def test_it_stays_when_told_to() -> None:
    """Zero seconds mean never."""
    embedder = MiniLMEmbedder(idle_seconds=0)
    await embedder.embed(["tea"])
    await timer_fired(0.01)
    assert embedder.loaded
    await embedder.close()
    assert not embedder.loaded


@pytest.mark.anyio
async def test_a_repeated_query_does_not_load_the_model(folder: Path) -> None:
    """Pages of one search embed its query once."""
    embedder = MiniLMEmbedder(folder, idle_seconds=0.001)
    first = await embedder.embed(["tea"])
    await timer_fired(0.01)
    np.testing.assert_array_equal(await embedder.embed(["tea"]), first)
    assert not embedder.loaded


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["model.json", "model.onnx", "tokenizer.json"])
async def test_a_missing_file_is_named_with_what_to_do(folder: Path, name: str) -> None:
    """A half-installed package is not an empty search."""
    (folder / name).unlink()
    with pytest.raises(EmbedderUnavailable, match=rf"{name}.*reinstall mcp-memory, or set EMBEDDING_MODEL"):
        await MiniLMEmbedder(folder).embed(["tea"])


@pytest.mark.anyio
async def test_a_file_cut_short_is_refused(folder: Path) -> None:
    """A broken download, or a pointer that stands for a large file."""
    (folder / "model.onnx").write_bytes(b"version https://git-lfs")
    with pytest.raises(EmbedderUnavailable, match=r"model\.onnx has 23 bytes instead of"):
        await MiniLMEmbedder(folder).embed(["tea"])


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
async def test_a_damaged_file_is_refused(folder: Path, name: str) -> None:
    """The libraries' own errors do not reach whoever asked."""
    (folder / name).write_bytes(b"\xff" * CARD["files"][name]["bytes"])
    with pytest.raises(EmbedderUnavailable, match=r"failed.*reinstall mcp-memory"):
        await MiniLMEmbedder(folder).embed(["tea"])


@pytest.mark.parametrize("card", ["", "[]", "{}", '{"model": "m", "dimensions": 3, "digest": "d", "files": []}'])
def test_a_description_that_says_nothing_is_refused(tmp_path: Path, card: str) -> None:
    """The generation is asked for first, so the advice stands there too."""
    (tmp_path / "model.json").write_text(card, encoding="utf-8")
    with pytest.raises(EmbedderUnavailable, match="reinstall mcp-memory"):
        _ = MiniLMEmbedder(tmp_path).generation


def test_batches_hold_every_row_once_and_bound_what_a_run_needs() -> None:
    """A long text neither pads the short ones nor takes the machine's memory."""
    lengths = [3, 256, 5, 7, *[256] * 40, *[4] * 70]
    made = list(batches(lengths))
    assert sorted(row for batch in made for row in batch) == list(range(len(lengths)))
    for batch in made:
        assert len(batch) <= minilm.BATCH_ROWS
        assert max(lengths[row] for row in batch) <= 2 * max(8, min(lengths[row] for row in batch))
        assert len(batch) * max(lengths[row] for row in batch) <= minilm.BATCH_TOKENS
    assert list(batches([])) == []
