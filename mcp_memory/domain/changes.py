"""Changes: whether a later text says that what an earlier one says is over, or gives it another value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mcp_memory.domain.figures import FIGURE
from mcp_memory.domain.meanings import OPPOSITES
from mcp_memory.domain.reading import ALIKE_STEMS, Reading, root
from mcp_memory.domain.states import State
from mcp_memory.domain.wording import (
    BE,
    BOUND_VERBS,
    COMPLEX,
    FIRST_PERSON,
    FUNCTION_WORDS,
    MANNER,
    MODES,
    MULTIPLE,
    NEGATIONS,
    POSSESSIVES,
    PREPOSITIONS,
    SINGLE_THINGS,
    SINGLE_VERBS,
    VERBS,
)


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
    over, so = _roots(state.keys), _roots(was.keys)
    if not state.ended or _who(was.keys[:1]) != _who(state.keys[:1]) or (len(over) < _LEAST_SAID and over != so):
        return None
    told = iter(so)
    # What is over in general is over in the mornings; what is over in the mornings may go on in the evenings.
    return Change(said=True, reason="The later one says that it is over.") if all(key in told for key in over) else None


_LEAST_SAID = 3
"""Words that tell what is over: who, does, what."""


def _roots(keys: Sequence[str]) -> list[str]:
    return [root(key) if key[0].isalpha() else key for key in keys if key not in BE]


def _exchanged(was: State, state: State, newer: Reading) -> Change | None:
    """Return the change if the later text names what the earlier one says as what was before."""
    source = _telling(state.source)
    before = _telling(was.keys)
    if not source or not source <= before or (_telling(state.target) <= before and state.target):
        return None
    rest = before - source - VERB_STEMS
    if rest - _telling([word.key for word in newer.words]) - _who(was.keys):
        return Change(said=False, reason="The later one may change the earlier one.")
    if not _who(was.keys[:1]) & _who(tuple(word.key for word in newer.words)):
        return Change(said=False, reason="The later one may change the earlier one.")
    return Change(said=True, reason="The later one says what it changed from.")


VERB_STEMS = frozenset(ALIKE_STEMS.get(root(verb), root(verb)) for verb in VERBS)


def _another(was: State, state: State) -> Change | None:
    """Return the change if both give one thing that has a single value another value."""
    one, two = was.keys, state.keys
    start, end = _common(one, two)
    head, tail = one[:start], one[len(one) - end :]
    first, second = _bare(one[start : len(one) - end]), _bare(two[start : len(two) - end])
    if not _values(first) or not _values(second) or not start:
        return None
    new = state.cue and not was.cue
    if not _single(head, tail) and not _exclusive(first, second, new=new) and not (state.put and "be" in head):
        return None
    said = new and not _together(head)
    return Change(
        said=said,
        reason="The later one gives another value and says that it is new."
        if said
        else "They give two values for one thing.",
    )


def _common(one: Sequence[str], two: Sequence[str]) -> tuple[int, int]:
    """Return how many words both begin with, and how many both end with."""
    most = min(len(one), len(two))
    start = next((at for at in range(most) if one[at] != two[at]), most)
    end = next((at for at in range(most - start) if root(one[-1 - at]) != root(two[-1 - at])), most - start)
    return start, end


def _bare(keys: Sequence[str]) -> Sequence[str]:
    """Return a value without the preposition before it: "at 10"."""
    return keys[1:] if keys and keys[0] in PREPOSITIONS else keys


_LONGEST_VALUE = 4


def _values(keys: Sequence[str]) -> bool:
    if not keys or len(keys) > _LONGEST_VALUE or all(key in FUNCTION_WORDS for key in keys):
        return False
    return COMPLEX.isdisjoint(keys) and PREPOSITIONS.isdisjoint(keys) and not any(MODES.get(key) for key in keys)


def _together(head: Sequence[str]) -> bool:
    """Say whether several of these may be at a time, so that a new one does not end the first."""
    things = head[head.index("be") - 1 :] if "be" in head else head
    return not MULTIPLE.isdisjoint(things) or not COMPLEX.isdisjoint(head)


def _single(head: Sequence[str], tail: Sequence[str]) -> bool:
    """Say whether what these words tell of has one value at a time: a home, an employer, somebody's password."""
    if "be" in head:
        at = head.index("be")
        named = head[at - 1] in SINGLE_THINGS or (at > 1 and not POSSESSIVES.isdisjoint(head[: at - 1]))
        return named and all(key in PREPOSITIONS or key in {"name", "called", "named"} for key in head[at + 1 :])
    verb = next((key for key in reversed(head) if key not in PREPOSITIONS), "")
    if verb in BOUND_VERBS:
        return head[-1] in BOUND_VERBS[verb]
    return any(key in SINGLE_VERBS for key in head) and (head[-1] in SINGLE_VERBS or bool(tail))


def _exclusive(first: Sequence[str], second: Sequence[str], *, new: bool) -> bool:
    """Say whether the two values cannot both be: opposites, or two figures of which one is said to be new."""
    if any(two in OPPOSITES.get(one, ()) for one in first for two in second):
        return new
    return new and first[0][0] in FIGURE and second[0][0] in FIGURE
