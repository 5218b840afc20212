"""Turns: whether words tell of an end, of what is under way, or of a day as seen from the day they were said."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

from mcp_memory.domain.english import IRREGULAR, root
from mcp_memory.domain.figures import FIGURE
from mcp_memory.domain.wording import (
    ARTICLES,
    BEGINNING,
    FUNCTION_WORDS,
    NAMING,
    PENDING,
    POINTING,
    POSSESSIVES,
    PREPOSITIONS,
    RELATIVE,
    SPANS,
    TURNING,
    TURNING_PAIRS,
    VERBS,
    words,
)


class Relative(IntEnum):
    """Whether a text names a time by its distance from when it was said, and how finely."""

    NO = 0
    YEAR = 1
    """By years alone: "last year", "this summer"."""
    DAY = 2


def is_turning(keys: Sequence[str]) -> bool:
    """Say whether these words may tell that something is no longer as it was."""
    if _MAY_TURN.isdisjoint(keys):
        return False
    if any(pair in TURNING_PAIRS for pair in pairwise(keys)):
        return True
    return any(
        key in TURNING and (key not in NAMING or at == 0 or not _is_determiner(keys[at - 1]))
        for at, key in enumerate(keys)
    )


_MAY_TURN = TURNING | {verb for verb, _ in TURNING_PAIRS}


def _is_determiner(key: str) -> bool:
    return key in ARTICLES or key in POSSESSIVES or key.endswith(("'s", "s'"))


def is_ongoing(keys: Sequence[str], modes: frozenset[str]) -> bool:
    """Say whether these words tell of something that is planned or under way."""
    if "plan" in modes or not PENDING.isdisjoint(keys):
        return True
    return "be" in keys and any(one == "be" and two.endswith("ing") for one, two in pairwise(keys))


def lasting(keys: Sequence[str], names: Sequence[str]) -> Sequence[str]:
    """Return the words of a sentence that tell what may be no longer so later on.

    A question tells nothing, and neither does what happened once: "Ann painted a boat". Of an act that begins something
    it is what it was done to: "a flat" of "Ann rented a flat in Lyon".
    """
    if "?" in keys:
        return ()
    act = _act(keys, names)
    if act is None:
        return keys
    return _done_to(keys[act + 1 :]) if keys[act] in BEGINNING else ()


def _act(keys: Sequence[str], names: Sequence[str]) -> int | None:
    """Return the place of the verb that tells what somebody did, if that is the first verb."""
    for at, key in enumerate(keys):
        if key in _STANDING:
            return None
        if is_past(key) or (at == 1 and _may_be_past(keys, names)):
            return None if at and (keys[at - 1] in POSSESSIVES or key in NAMING) else at
    return None


_STANDING = VERBS | words("be was were have had been will would can could must should may might not plan wanted hoped")
"""Verbs by which a sentence tells how things are or are to be; behind "was" a participle may tell it."""


def is_past(key: str) -> bool:
    """Say whether a word is a verb that tells of the past."""
    if key in IRREGULAR:
        return key not in _PLURALS
    return key.endswith("ed") and key not in VERBS and root(key) in VERB_ROOTS


VERB_ROOTS = frozenset(map(root, VERBS))
_PLURALS = words("children feet men mice teeth wives women")


def _may_be_past(keys: Sequence[str], names: Sequence[str]) -> bool:
    """Say whether the second word is a verb of the past for its place: "Ann sketched", "the boy sketched boats"."""
    if not keys[1].endswith("ed") or keys[1].endswith("eed"):
        return False
    return keys[0] in names or keys[0] in FUNCTION_WORDS or (len(keys) > _ACT and keys[_ACT] not in FUNCTION_WORDS)


_ACT = 2
"""Words of a subject and its verb."""


def _done_to(keys: Sequence[str]) -> Sequence[str]:
    """Return the words up to the next preposition: what was bought, or where somebody moved to."""
    start = 1 if keys and keys[0] in PREPOSITIONS else 0
    end = next(
        (at for at in range(start, len(keys)) if keys[at] in PREPOSITIONS or keys[at][0] in _ENDING_A_THING), len(keys)
    )
    return keys[start:end]


_ENDING_A_THING = (*FIGURE, ",", ":")


def relative(keys: Sequence[str]) -> Relative:
    """Return how these words name a time that depends on when they were said."""
    if not RELATIVE.isdisjoint(keys):
        return Relative.DAY
    if POINTING.isdisjoint(keys):
        return Relative.NO
    spans = [two for one, two in pairwise(keys) if one in POINTING and two in SPANS]
    if not spans:
        return Relative.NO
    return Relative.YEAR if _YEARLY.issuperset(spans) else Relative.DAY


_YEARLY = frozenset({"year", "spring", "summer", "autumn", "winter"})
