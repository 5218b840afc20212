"""Ranking: in which order candidates answer a question, and whether they answer it at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.recency import Recency
from mcp_memory.domain.records import SearchMode
from mcp_memory.ports.memories import Candidates
from mcp_memory.retrieval.floor import STEEPNESS, evidence, surest
from mcp_memory.retrieval.fusion import Column
from mcp_memory.retrieval.questions import Question
from mcp_memory.retrieval.signals import signals

_SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Ranking:
    """The order in which candidates answer; all columns are parallel to ``order``."""

    order: NDArray[np.intp]
    """Row numbers of the candidates, best first; rows that do not answer are left out."""
    score: Column
    """0 to 1, never rising; about 0.5 is the least that counts as relevant."""
    parts: Mapping[str, Column]
    """What made the score, by name: it is the logistic of their sum, save in semantic mode (the cosine) and where a
    client's recency is blended in."""
    relevant: bool
    """False when nothing found has to do with the question."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks of the ranking besides the question."""

    mode: SearchMode | None = None
    recency: Recency | None = None
    alpha: float | None = None
    """Share of meaning against words, 0 to 1; None leaves it to the texts."""


def rank(question: Question, found: Candidates, wish: Wish, *, now: datetime) -> Ranking:
    """Return the order in which the candidates answer the question; the same for the same rows in any order."""
    mode, recency = wish.mode, wish.recency
    rows = _admitted(found, mode)
    parts = {name: column[rows] for name, column in _parts(question, found, wish, now).items()}
    if not len(rows):
        return Ranking(rows, np.zeros(0), parts, relevant=False)
    sure = surest(question, evidence(question, found)[rows])
    if mode != SearchMode.SEMANTIC:
        pace = _pace(_sum(parts), sure)
        parts = {name: pace * column for name, column in parts.items()}
    # The best is as sure as the best evidence there is; the others fall behind it by what parts them from it.
    parts["level"] = np.full(len(rows), sure - float(_sum(parts).max()))
    total = _sum(parts)
    score: Column = 1 / (1 + np.exp(-total.clip(-_FARTHEST, _FARTHEST)))
    if mode == SearchMode.SEMANTIC:
        # What clients who ask for this mode know as its score.
        score = (1.0 - found.distance[rows].astype(np.float64)).clip(0, 1)
    if recency is not None:
        score = recency.blend(score, recency.of(*_ages(found, now, rows)))
    places = _stable(score, total, found, rows)
    return Ranking(
        order=rows[places],
        score=score[places],
        parts={name: column[places] for name, column in parts.items()},
        relevant=mode == SearchMode.KEYWORD or sure >= 0,
    )


_FARTHEST = 30.0
"""Beyond this the logistic is 0 or 1 to the last digit."""


def _parts(question: Question, found: Candidates, wish: Wish, now: datetime) -> dict[str, Column]:
    if wish.mode == SearchMode.SEMANTIC:
        return {"meaning": STEEPNESS * (1.0 - found.distance.astype(np.float64))}
    if wish.mode == SearchMode.KEYWORD:
        return {"words": found.lexical.astype(np.float64)}
    parts = {**signals(question, found), "recency": _newer(found, now)}
    if wish.alpha is not None:
        parts["meaning"] = 2 * wish.alpha * parts["meaning"]
        parts["words"] = 2 * (1 - wish.alpha) * parts["words"]
    return parts


def _sum(parts: Mapping[str, Column]) -> Column:
    total: Column = np.sum(list(parts.values()), axis=0)
    return total


_UNDER_THE_FLOOR = 1.0
"""Most candidates have nothing to do with the question: the average one scores 0.27."""
_LEAST_PACE, _MOST_PACE = 0.1, 1.5


def _pace(total: Column, sure: float) -> float:
    """Return how many units of score a unit of rank is, so that the average candidate comes to lie under the floor."""
    gap = float(total.max() - total.mean())
    pace = (max(sure, 0.0) + _UNDER_THE_FLOOR) / gap if gap else 1.0
    return min(_MOST_PACE, max(_LEAST_PACE, pace))


def _admitted(found: Candidates, mode: SearchMode | None) -> NDArray[np.intp]:
    if mode == SearchMode.SEMANTIC:
        return np.flatnonzero(np.isfinite(found.distance))
    if mode == SearchMode.KEYWORD:
        return np.flatnonzero(found.lexical > 0)
    return np.arange(len(found.handles))


def _ages(found: Candidates, now: datetime, rows: NDArray[np.intp]) -> tuple[Column, Column]:
    moment = now.timestamp()
    return (moment - found.accessed[rows]) / _SECONDS_A_DAY, (moment - found.created[rows]) / _SECONDS_A_DAY


_NEWER = 0.15
"""A seventh of the spread of the cosines at most: the newer of two like memories is first, no answer is passed over."""
_NEWER_HALF_LIFE = 30.0
"""Days, as in ``Recency``."""


def _newer(found: Candidates, now: datetime) -> Column:
    """Return a small bonus for new memories: it parts equals, it does not pass a better answer."""
    age = (now.timestamp() - found.created).clip(0) / _SECONDS_A_DAY
    bonus: Column = _NEWER * 0.5 ** (age / _NEWER_HALF_LIFE)
    return bonus


def _stable(score: Column, total: Column, found: Candidates, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the order by score; equals newest first, then by handle, so that pages do not overlap."""
    handles = np.array(found.handles)[rows]
    # Rounded, as sums of the same numbers in another order differ in their last digits.
    return np.lexsort((handles, -found.created[rows], -total.round(_DIGITS), -score.round(_DIGITS)))


_DIGITS = 9
