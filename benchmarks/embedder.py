"""Print what the bundled embedder costs and, given the fp32 original, how close it is to it; nothing here is a test.

    python benchmarks/embedder.py [ORIGINAL.onnx]

``scripts/build_minilm.py --original PATH`` writes the original. Times are medians.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from mcp_memory.embedders.minilm import embedder as minilm
from mcp_memory.embedders.minilm.embedder import MiniLMEmbedder

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUERIES = [f"What did Anna say about the contract of week {number}?" for number in range(100)]
DOCUMENTS = [
    f"Anna: I sent contract {number} to the bank. " + "We talked about the garden and the leaking tap. " * (number % 6)
    for number in range(100)
]


async def milliseconds(embedder: MiniLMEmbedder, texts: list[str]) -> float:
    """Return how long one call took."""
    began = time.perf_counter()
    await embedder.embed(texts)
    return (time.perf_counter() - began) * 1_000


def original_vectors(path: Path, texts: list[str]) -> NDArray[np.float32]:
    """Return the vectors of the fp32 graph, one text at a time."""
    tokenizer = Tokenizer.from_file(str(Path(minilm.__file__).with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(minilm.WINDOW)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    made = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids])
        made.append(session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
    return np.array(made)


async def main(original: Path | None) -> None:
    """Measure and print."""
    print("| threads | load ms | 1 query ms | 100 documents ms |\n|--:|--:|--:|--:|")
    for threads in (1, 2):
        embedder = MiniLMEmbedder(threads=threads)
        load = await milliseconds(embedder, ["tea"])
        single = statistics.median([await milliseconds(embedder, [query]) for query in QUERIES])
        bulk = statistics.median([await milliseconds(embedder, DOCUMENTS) for _ in range(5)])
        print(f"| {threads} | {load:.0f} | {single:.2f} | {bulk:.0f} |")
        await embedder.close()
    if original:
        texts = QUERIES + DOCUMENTS
        embedder = MiniLMEmbedder()
        cosine = (await embedder.embed(texts) * original_vectors(original, texts)).sum(axis=1)
        await embedder.close()
        print(f"\ncosine with the original: mean {cosine.mean():.5f}, min {cosine.min():.5f}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
