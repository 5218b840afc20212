"""Turns: whether words tell of an end, of what is under way, or of a day as seen from the day they were said."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

from mcp_memory.domain.wording import (
    ARTICLES,
    NAMING,
    PENDING,
    POINTING,
    POSSESSIVES,
    RELATIVE,
    SPANS,
    TURNING,
    TURNING_PAIRS,
)


class Relative(IntEnum):
    """Whether a text names a time by its distance from when it was said, and how finely."""

    NO = 0
    YEAR = 1
    """By years alone: "last year", "this summer"."""
    DAY = 2


def is_turning(keys: Sequence[str]) -> bool:
    """Say whether these words may tell that something is no longer as it was."""
    if any(pair in TURNING_PAIRS for pair in pairwise(keys)):
        return True
    return any(
        key in TURNING and (key not in NAMING or at == 0 or not _is_determiner(keys[at - 1]))
        for at, key in enumerate(keys)
    )


def _is_determiner(key: str) -> bool:
    return key in ARTICLES or key in POSSESSIVES or key.endswith(("'s", "s'"))


def is_ongoing(keys: Sequence[str], modes: frozenset[str]) -> bool:
    """Say whether these words tell of something that is planned or under way."""
    if "plan" in modes or not PENDING.isdisjoint(keys):
        return True
    return any(one == "be" and two.endswith("ing") for one, two in pairwise(keys))


def relative(keys: Sequence[str]) -> Relative:
    """Return how these words name a time that depends on when they were said."""
    if not RELATIVE.isdisjoint(keys):
        return Relative.DAY
    spans = [two for one, two in pairwise(keys) if one in POINTING and two in SPANS]
    if not spans:
        return Relative.NO
    return Relative.YEAR if _YEARLY.issuperset(spans) else Relative.DAY


_YEARLY = frozenset({"year", "spring", "summer", "autumn", "winter"})
