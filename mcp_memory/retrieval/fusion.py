"""Fusion: columns of evidence brought to one scale, and what neighbours and sessions lend each other."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Column: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int32]


def standard(values: Column, least_spread: float) -> Column:
    """Return the column in standard deviations from its mean; nan becomes the mean.

    A spread under ``least_spread`` is taken for it: among rows that hardly differ, differences are noise.
    """
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    seen = values if known.all() else values[known]
    mean, spread = float(seen.mean()), max(float(seen.std()), least_spread)
    return np.nan_to_num((values - mean) / spread, nan=0.0)


def at(values: Column, rows: Rows, missing: float = 0.0) -> Column:
    """Return the values at the rows, ``missing`` where a row is -1."""
    return np.append(values, missing)[rows]


def beyond(rows: Rows) -> Rows:
    """Return for each row its neighbour's neighbour, -1 where there is none."""
    further: Rows = np.append(rows, np.int32(-1))[rows]
    return further


def best_of_session(values: Column, session: Rows) -> Column:
    """Return for each row the best value within its session; its own where it has none."""
    if not len(session):
        return values
    best = np.full(int(session.max(initial=-1)) + 2, -np.inf)
    np.maximum.at(best, session, values)
    return np.where(session >= 0, best[session], values)
