"""What a model promises: one that turns texts into vectors, and one that writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Generation:
    """What a vector was made by; vectors of two generations never meet in one search."""

    model: str
    dimensions: int
    digest: str


class Embedder(Protocol):
    """Turns texts into vectors. May load its model at the first call and unload it when idle."""

    @property
    def generation(self) -> Generation:
        """What the vectors are made by; cheap, loads nothing."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of unit length for each text, in their order: shape (texts, dimensions).

        Any text is accepted; what exceeds the model's window is left out of the vector.

        Raises:
            EmbedderUnavailable: the model cannot be loaded or reached.
        """

    async def close(self) -> None:
        """Give back the memory and connections held."""


class LLM(Protocol):
    """A language model that writes. It is told nothing but the prompt."""

    async def write(self, prompt: str) -> str:
        """Return what the model writes.

        Raises:
            LLMUnavailable: it cannot be reached, or refused.
        """
