"""Runs the bundled all-MiniLM-L6-v2 on the CPU. What the files are made of is told in ``scripts/build_minilm.py``.

This module loads onnxruntime and is therefore itself loaded by name, when the first vector is needed.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from mcp_memory.errors import EmbedderUnavailable
from mcp_memory.ports.models import Generation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

WINDOW = 256
"""Tokens of a text that reach its vector; the model was trained on no more."""
LONGEST = 10_000
"""Characters that are tokenised at all: more than 256 tokens of any language, and a megabyte costs no more."""
SLICE = 256
"""Texts a worker thread takes at once; between two slices a cancelled call ends."""
BATCH_ROWS = 32
BATCH_TOKENS = 512
"""With padding. Bounds the memory of a run, which the session keeps: 40 MB, with 4,096 it was 300 MB and no faster."""
REMEMBERED = 256
"""Single texts whose vectors are kept: a query is embedded again for each page of its results."""
SHORT = 8
"""Tokens below which a run of its own costs more than the padding."""
ERRORS_ONLY = 3
REINSTALL = "reinstall mcp-memory, or set EMBEDDING_MODEL to another embedder"


@dataclass(frozen=True, slots=True)
class Card:
    """What ``model.json`` says of the files beside it."""

    generation: Generation
    sizes: dict[str, int]


class MiniLMEmbedder:
    """Embeds with all-MiniLM-L6-v2; loads it at the first use, lets it go when idle. For one event loop at a time."""

    def __init__(self, folder: Path | None = None, *, threads: int = 1, idle_seconds: float = 900.0) -> None:
        """Load nothing yet.

        Args:
            folder: where model.onnx, tokenizer.json and model.json are; the bundled ones if None.
            threads: how many cores one run may use.
            idle_seconds: how long after the last use the model is let go; 0 for never.
        """
        self._folder = folder or Path(__file__).parent
        self._threads = threads
        self._idle_seconds = idle_seconds
        self._card: Card | None = None
        self._model: Model | None = None
        self._loading = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._remembered: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def generation(self) -> Generation:
        return self._read_card().generation

    @property
    def loaded(self) -> bool:
        """Say whether the model is in memory now."""
        return self._model is not None

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        cut = [text[:LONGEST] for text in texts]
        if len(cut) == 1 and (kept := self._remembered.get(cut[0])) is not None:
            self._remembered.move_to_end(cut[0])
            return kept.copy()
        vectors = np.zeros((len(cut), self.generation.dimensions), np.float32)
        try:
            for start in range(0, len(cut), SLICE):
                part = cut[start : start + SLICE]
                vectors[start : start + SLICE] = await asyncio.to_thread(self._embed, part)
        finally:
            self._begin_idling()
        if len(cut) == 1:
            self._remember(cut[0], vectors.copy())
        return vectors

    async def close(self) -> None:
        self._stop_idling()
        self._unload()
        self._remembered.clear()

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        # The lock is a thread's, not the loop's: two first uses load once, and either may be cancelled meanwhile.
        with self._loading:
            model = self._model = self._model or Model(self._folder, self._read_card(), self._threads)
        return model.embed(texts)

    def _read_card(self) -> Card:
        self._card = self._card or read_card(self._folder / "model.json")
        return self._card

    def _remember(self, text: str, vectors: NDArray[np.float32]) -> None:
        self._remembered[text] = vectors
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    def _begin_idling(self) -> None:
        self._stop_idling()
        if self._idle_seconds:
            self._timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._unload)

    def _stop_idling(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _unload(self) -> None:
        # A run that is under way holds the model itself and ends undisturbed.
        self._model = None


class Model:
    """The tokeniser and the session, for use in worker threads; any number may run at once."""

    def __init__(self, folder: Path, card: Card, threads: int) -> None:
        for name, size in card.sizes.items():
            check_size(folder / name, size)
        with translated(folder):
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(WINDOW)
            self._session = ort.InferenceSession(
                str(folder / "model.onnx"), session_options(threads), providers=["CPUExecutionProvider"]
            )
        self._folder = folder
        self._dimensions = card.generation.dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors in the order of the texts."""
        vectors = np.empty((len(texts), self._dimensions), np.float32)
        tokens = [self._tokens(text) for text in texts]
        for rows in batches([len(ids) for ids in tokens]):
            vectors[rows] = self._run([tokens[row] for row in rows])
        return vectors

    def _tokens(self, text: str) -> list[int]:
        # A lone surrogate is text for Python and none for UTF-8. One text a call: encode_batch would start a thread
        # pool that warns on stderr when a process forks.
        writable = text.encode("utf-8", "replace").decode()
        with translated(self._folder):
            ids: list[int] = self._tokenizer.encode(writable).ids
        return ids

    def _run(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
        mask = np.zeros_like(ids)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = own
            mask[row, : len(own)] = 1
        with translated(self._folder):
            vectors: NDArray[np.float32] = self._session.run(["vectors"], {"input_ids": ids, "attention_mask": mask})[0]
        return vectors


def session_options(threads: int) -> ort.SessionOptions:
    """Return options for a guest in somebody's laptop: few threads, no spinning, no chatter."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    # The arena stays on: bounded by BATCH_TOKENS it keeps less than malloc does, and goes with the session.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield row numbers in batches of like length, so that a long text does not pad the short ones."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        # Sorted: this row is the longest so far, so all of the batch would be padded to it.
        full = len(batch) == BATCH_ROWS or (len(batch) + 1) * lengths[row] > BATCH_TOKENS
        if batch and (full or lengths[row] > 2 * max(SHORT, lengths[batch[0]])):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def read_card(path: Path) -> Card:
    """Return what ``model.json`` says."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        generation = Generation(card["model"], card["dimensions"], card["digest"])
        sizes = {name: int(file["bytes"]) for name, file in card["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EmbedderUnavailable(f"{path} is missing or not the embedder's description: {REINSTALL}") from error
    return Card(generation, sizes)


def check_size(path: Path, expected: int) -> None:
    """Refuse a file that is missing, cut short or another one; its hash would cost more than loading it."""
    try:
        found = path.stat().st_size
    except OSError as error:
        raise EmbedderUnavailable(f"The embedder's file {path} cannot be read: {REINSTALL}") from error
    if found != expected:
        raise EmbedderUnavailable(f"The embedder's file {path} has {found} bytes instead of {expected}: {REINSTALL}")


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn what the libraries raise into ours. Only their calls stand within: they know no narrower class."""
    try:
        yield
    except Exception as error:
        raise EmbedderUnavailable(f"The embedder in {folder} failed ({error}): {REINSTALL}") from error
