"""The fake embedder, real and small: hashed words and trigrams. It knows no synonyms, only shared letters."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from mcp_memory.ports.models import Generation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WINDOW = 8_192
"""Characters of a text that reach its vector."""
WORD_WEIGHT = 1.0
TRIGRAM_WEIGHT = 0.3
"""Less than a word's, which has several trigrams; together they bring inflected forms near."""


class HashingEmbedder:
    """Embeds without a model: the same text gives the same vector everywhere, texts that share words are close."""

    def __init__(self, dimensions: int = 256) -> None:
        self._dimensions = dimensions
        digest = hashlib.sha256(f"hashing 1 {WINDOW} {WORD_WEIGHT} {TRIGRAM_WEIGHT} {dimensions}".encode())
        self._generation = Generation("hashing", dimensions, digest.hexdigest()[:12])

    @property
    def generation(self) -> Generation:
        return self._generation

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self._dimensions), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            self._fill(vector, text[:WINDOW].lower())
        return vectors

    async def close(self) -> None:
        """Hold nothing, give back nothing."""

    def _fill(self, vector: NDArray[np.float32], text: str) -> None:
        for feature, weight in _features(text).items():
            hashed = hashlib.blake2b(feature.encode("utf-8", "replace"), digest_size=8).digest()
            number = int.from_bytes(hashed, "big")
            vector[number % self._dimensions] += weight if number >> 63 else -weight
        length = float(np.linalg.norm(vector))
        if length:
            vector /= length
        else:
            # A text without any feature has a direction too: the port promises unit length.
            vector[0] = 1.0


def _features(text: str) -> dict[str, float]:
    features: dict[str, float] = defaultdict(float)
    for word in re.findall(r"\w+", text):
        features[f"word:{word}"] += WORD_WEIGHT
    spaced = f" {' '.join(text.split())} "
    for start in range(len(spaced) - 2):
        features[f"gram:{spaced[start : start + 3]}"] += TRIGRAM_WEIGHT
    return features
