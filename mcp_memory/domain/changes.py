"""Changes: whether a later text says that what an earlier one says is over, or holds another value of the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mcp_memory.domain.figures import FIGURE
from mcp_memory.domain.reading import ALIKE_STEMS, Reading, root
from mcp_memory.domain.states import State
from mcp_memory.domain.wording import (
    COMPLEX,
    FIRST_PERSON,
    FUNCTION_WORDS,
    MANNER,
    MODES,
    MULTIPLE,
    NEGATIONS,
    OPPOSITES,
    POSSESSIVES,
    PREPOSITIONS,
)
from mcp_memory.domain.wording import SINGLE_VERBS


class Change(NamedTuple):
    """That two texts speak of one thing and give it two values."""

    said: bool
    """Whether the later text says that it changed."""
    reason: str


def change(older: Reading, newer: Reading) -> Change | None:
    """Return how the newer text changes what the older one says, or nothing."""
    if not older.english or not newer.english or len(older.states) != 1 or older.speaker != newer.speaker:
        return None
    was = older.states[0]
    if was.ended or not _plain(older):
        return None
    best: Change | None = None
    for state in newer.states:
        found = _ended(was, state) or _exchanged(was, state, newer) or _another(was, state)
        if found and (best is None or (found.said and not best.said)):
            best = found
    if best and best.said and not _sure(newer):
        return Change(said=False, reason=best.reason)
    return best


def _plain(older: Reading) -> bool:
    """Say whether the text tells how things are: no plan, no guess, nothing past or asked or denied."""
    return not older.modes & (MANNER | {"question"}) and older.negations == 0


def _sure(newer: Reading) -> bool:
    return not newer.modes & {"plan", "maybe", "if", "question"}


def _telling(keys: Sequence[str]) -> frozenset[str]:
    return frozenset(
        ALIKE_STEMS.get(root(key), root(key)) if key[0].isalpha() else key
        for key in keys
        if key not in _HOLDING and key not in NEGATIONS and key[0] not in ".,:-"
    )


_HOLDING = FUNCTION_WORDS - POSSESSIVES - {"i", "user", "we"}


def _who(keys: Sequence[str]) -> frozenset[str]:
    return frozenset("i" if key in FIRST_PERSON else key for key in keys)


def _ended(was: State, state: State) -> Change | None:
    """Return the change if the later text says that just this is over."""
    if not state.ended or not _telling(was.keys):
        return None
    if _telling(was.keys) == _telling(state.keys) and _who(was.keys[:1]) == _who(state.keys[:1]):
        return Change(said=True, reason="The later one says that it is over.")
    return None


def _exchanged(was: State, state: State, newer: Reading) -> Change | None:
    """Return the change if the later text names what the earlier one says as what was before."""
    source = _telling(state.source)
    before = _telling(was.keys)
    if not source or not source <= before or (_telling(state.target) <= before and state.target):
        return None
    rest = before - source - SINGLE_VERB_STEMS
    if rest - _telling([word.key for word in newer.words]) - _who(was.keys):
        return Change(said=False, reason="The later one may change the earlier one.")
    if not _who(was.keys[:1]) & _who(tuple(word.key for word in newer.words)):
        return Change(said=False, reason="The later one may change the earlier one.")
    return Change(said=True, reason="The later one says what it changed from.")


SINGLE_VERB_STEMS = frozenset(ALIKE_STEMS.get(root(verb), root(verb)) for verb in SINGLE_VERBS)


def _another(was: State, state: State) -> Change | None:
    """Return the change if both give one thing that has a single value another value."""
    one, two = was.keys, state.keys
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    end = 0
    while end < min(len(one), len(two)) - start and one[-1 - end] == two[-1 - end]:
        end += 1
    first, second = one[start : len(one) - end], two[start : len(two) - end]
    if not _values(first) or not _values(second) or not start:
        return None
    kind = _single(one[:start], one[len(one) - end :] if end else (), first, second)
    if kind is None:
        return None
    said = state.cue and not was.cue and kind
    return Change(said=said, reason="The later one gives another value and says that it is new." if said else "They give two values for one thing.")


_LONGEST_VALUE = 4


def _values(keys: Sequence[str]) -> bool:
    telling = [key for key in keys if key not in FUNCTION_WORDS]
    return 0 < len(telling) and len(keys) <= _LONGEST_VALUE and COMPLEX.isdisjoint(keys) and not any(MODES.get(key) for key in keys)


def _single(head: Sequence[str], tail: Sequence[str], first: Sequence[str], second: Sequence[str]) -> bool | None:
    """Say whether the thing has one value at a time: surely (True), likely (False), or not (None)."""
    if not COMPLEX.isdisjoint(head):
        return None
    if not MULTIPLE.isdisjoint(head) or "have" in head:
        return None
    if "be" in head:
        at = head.index("be")
        owned = not POSSESSIVES.isdisjoint(head[:at]) and at > 1 and head[at - 1] not in POSSESSIVES
        figures = first[0][0] in FIGURE and second[0][0] in FIGURE
        opposite = any(two in OPPOSITES.get(one, ()) for one in first for two in second)
        alone = [key for key in head[at + 1 :] if key not in PREPOSITIONS]
        if owned and not alone:
            return True
        return True if figures or opposite else None
    return True if any(verb in head for verb in SINGLE_VERBS) else None
