"""Recency: how much the age of a memory counts, where a client asks that it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Recency:
    """How a client wants age to be weighed; the defaults are those that clients of this protocol know.

    Example:
        ``Recency(recency_weight=0.5)`` lets a memory of today pass a better answer of last year.
    """

    semantic_weight: float = 0.8
    recency_weight: float = 0.2
    freshness_weight: float = 0.6
    """For the time since the last access."""
    novelty_weight: float = 0.4
    """For the time since the creation."""
    half_life_last_access_days: float = 7.0
    half_life_created_days: float = 30.0

    def of(
        self, days_since_access: NDArray[np.float64], days_since_created: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the recency of memories, 0 (forgotten) to 1 (just now)."""
        recency: NDArray[np.float64] = self._sum(days_since_access.clip(0), days_since_created.clip(0)).clip(0, 1)
        return recency

    def of_one(self, days_since_access: float, days_since_created: float) -> float:
        """Return the recency of one memory."""
        return min(1.0, float(self._sum(max(0.0, days_since_access), max(0.0, days_since_created))))

    def _sum(self, since_access: Any, since_created: Any) -> Any:
        fresh = self.freshness_weight * 2.0 ** (-since_access / self.half_life_last_access_days)
        return fresh + self.novelty_weight * 2.0 ** (-since_created / self.half_life_created_days)

    def blend(self, relevance: NDArray[np.float64], recency: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return relevance and recency (both 0 to 1) as one score."""
        return self.semantic_weight * relevance + self.recency_weight * recency
