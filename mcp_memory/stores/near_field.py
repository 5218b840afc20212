"""The memories among which near pairs are looked for, read whole; the search among them is the same for every store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from mcp_memory.ports.memories import NearPair
from mcp_memory.retrieval.nearness import Pairs, Rows
from mcp_memory.retrieval.pairing import Limits, paired


@dataclass(frozen=True, slots=True)
class Field:
    """The memories to compare, in order of storing: whose each is, which are new, and their vectors."""

    handles: Rows
    owners: Rows
    fresh: NDArray[np.bool_]
    parts: NDArray[np.int8]
    scale: NDArray[np.float32]
    rare: list[Rows]
    """For each rare word the rows of those that hold it."""

    def take(self, rows: Rows) -> NDArray[np.float32]:
        """Return vectors of some of them, about of unit length."""
        taken: NDArray[np.float32] = self.parts[rows].astype(np.float32) * self.scale[rows, None]
        return taken

    def pairs(self, distance: float, most: int) -> Sequence[NearPair]:
        """Return the pairs; this takes long, and reads nothing."""
        found = paired(self.take, self.owners, self.fresh, self.rare, Limits(distance, most))
        return PairsOnDemand(self.handles, found)


class PairsOnDemand(Sequence[NearPair]):
    """Pairs in columns, each made when it is asked for: there may be millions."""

    def __init__(self, handles: Rows, found: Pairs) -> None:
        self._one, self._other, self._closeness = handles[found.one], handles[found.other], found.closeness

    def __len__(self) -> int:
        return len(self._one)

    @overload
    def __getitem__(self, place: int) -> NearPair: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[NearPair]: ...

    def __getitem__(self, place: int | slice) -> NearPair | Sequence[NearPair]:
        if isinstance(place, slice):
            columns = (self._one[place].tolist(), self._other[place].tolist(), self._closeness[place].tolist())
            return [NearPair(*row) for row in zip(*columns, strict=True)]
        return NearPair(int(self._one[place]), int(self._other[place]), float(self._closeness[place]))
