"""Changes: whether a later text says that what an earlier one says is over, or gives it another value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from mcp_memory.domain.endings import JOB, WHEN
from mcp_memory.domain.english import root
from mcp_memory.domain.figures import FIGURE
from mcp_memory.domain.likeness import common_ends, people_differ
from mcp_memory.domain.meanings import ATTITUDES, EXCLUSIVE, SPELLINGS
from mcp_memory.domain.reading import ALIKE_STEMS, Reading
from mcp_memory.domain.slots import Slot, Values, same_root
from mcp_memory.domain.states import State
from mcp_memory.domain.wording import (
    BE,
    COMPLEX,
    FIRST_PERSON,
    FUNCTION_WORDS,
    MANNER,
    MODES,
    NEGATIONS,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    VERBS,
    words,
)


class Change(NamedTuple):
    """That two texts speak of one thing and give it two values."""

    said: bool
    """Whether the later text says that it changed."""
    reason: str
    values: Values | None = None
    """What both say alike and what they say apart, where they give two values in one frame."""


def change(older: Reading, newer: Reading) -> Change | None:
    """Return how the newer text changes what the older one says, or nothing."""
    if not older.english or not newer.english or len(older.states) != 1 or older.speaker != newer.speaker:
        return None
    was = older.states[0]
    if was.ended or was.source or not _plain(older):
        return None
    best: Change | None = None
    for state in newer.states:
        found = _ended(older, was, newer, state) or _exchanged(was, state, newer) or _another(older, was, newer, state)
        if found and (best is None or (found.said and not best.said)):
            best = found
    if best is None or people_differ(older, newer):
        return None
    if best.said and not _sure(newer):
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


def _ended(older: Reading, was: State, newer: Reading, state: State) -> Change | None:
    """Return the change if the later text says that just this is over, or may say so."""
    if not state.ended or _who(was.keys[:1]) != _who(state.keys[:1]):
        return None
    if state.left:
        return _left(older, was, state)
    over, so = _roots(state.keys), _roots(was.keys)
    if len(over) < _LEAST_SAID and over != so:
        return None
    found = _places(over, so)
    if found is None:
        return None
    said = [key for key in was.keys if key not in BE]
    gaps = [(said[before + 1 : at], so[at]) for before, at in pairwise(found) if at > before + 1]
    if any("'s" in gap for gap, _ in gaps):
        return None
    # "Ann eats meat and fish" goes on in part when she no longer eats meat; "Acme Robotics" is not "Acme".
    behind = said[found[-1] + 1 :]
    whole = over == so or (COMPLEX.isdisjoint(was.keys) and "'s" not in behind and (not behind or _adds(behind[0])))
    # Who drinks no tea drinks no green tea; "the phone" may be another one than the old phone.
    narrow = any(
        after not in PREPOSITIONS and after in _definite(newer.text) and not all(map(_is_manner, gap))
        for gap, after in gaps
    )
    return _OVER if whole and not narrow and was.keys[0] not in PRONOUNS else _MAYBE_OVER


def _definite(text: str) -> frozenset[str]:
    """Return the stems of the words behind "the"."""
    return frozenset(root(SPELLINGS.get(key, key)) for key in _BEHIND_THE.findall(text.casefold()))


_BEHIND_THE = re.compile(r"\bthe ([^\W\d_]+)")


def _is_manner(key: str) -> bool:
    return key in _OFTEN or MODES.get(key) == "most" or key.endswith("ly")


def _places(over: Sequence[str], so: Sequence[str]) -> list[int] | None:
    """Return where the words of one stand in the other, in their order; nothing if one is missing.

    What is over in general is over in the mornings; what is over in the mornings may go on in the evenings.
    """
    found: list[int] = []
    for key in over:
        at = next((at for at in range(found[-1] + 1 if found else 0, len(so)) if so[at] == key), None)
        if at is None:
            return None
        found.append(at)
    return found


def _adds(key: str) -> bool:
    """Say whether a word begins a further circumstance, and no longer name."""
    return key in PREPOSITIONS or key in _OFTEN or key[0] in FIGURE or EXCLUSIVE.get(key) in _TIMES


_OFTEN = frozenset({"every", "each", "twice", "once", "most", "always", "often", "regularly", "sometimes"})
_TIMES = frozenset({"often", "weekday", "daytime", "month", "season"})


def _left(older: Reading, was: State, state: State) -> Change | None:
    """Return the change if somebody left what the earlier one says that they work at or belong to."""
    keys = was.keys[1:]
    rest = next((keys[len(tie) :] for tie in _TIES if keys[: len(tie)] == tie), None)
    if rest is None or len(state.keys) != 1:
        return None
    if state.left == JOB:
        return _MAYBE_OVER if keys[0] == "work" else None
    about = len(state.left)
    if rest[:about] != state.left:
        return None
    # Whoever leaves the library may be back tomorrow.
    sure = set(state.left) <= set(older.names) or state.left[-1] in _GROUPS
    whole = COMPLEX.isdisjoint(keys) and "'s" not in keys[-1:] and (not rest[about:] or rest[about] in PREPOSITIONS)
    return _OVER if sure and whole else _MAYBE_OVER


_TIES = (
    ("work", "at"),
    ("be", "member", "of"),
    ("be", "in"),
    ("belong", "to"),
    *((verb, word) for verb in ("play", "sing", "volunteer", "dance", "act") for word in ("in", "for", "with", "at")),
)
"""What somebody may leave for good."""
_GROUPS = words(
    """
    agency association band board choir club committee company council crew ensemble firm group guild orchestra
    organisation organization party project startup team troupe union
    """
)
_OVER = Change(said=True, reason="The later one says that it is over.")
_MAYBE_OVER = Change(said=False, reason="The later one may say that it is over.")


_LEAST_SAID = 3
"""Words that tell what is over: who, does, what."""


def _roots(keys: Sequence[str]) -> list[str]:
    return [root(key) if key[0].isalpha() else key for key in keys if key not in BE]


def _exchanged(was: State, state: State, newer: Reading) -> Change | None:
    """Return the change if the later text names what the earlier one says as what was before."""
    if not state.source:
        return None
    source = _telling(state.source)
    before = _telling(was.keys)
    if not source or not source <= before or (_telling(state.target) <= before and state.target):
        return None
    if not COMPLEX.isdisjoint(was.keys) or not _limits(state) <= before:
        return Change(said=False, reason="The later one may change the earlier one.")
    rest = before - source - VERB_STEMS
    if rest - _telling([word.key for word in newer.words]) - _who(was.keys[:1]) or not ATTITUDES.isdisjoint(was.keys):
        return Change(said=False, reason="The later one may change the earlier one.")
    if not _who(was.keys[:1]) & _who(tuple(word.key for word in newer.words)):
        return Change(said=False, reason="The later one may change the earlier one.")
    return Change(said=True, reason="The later one says what it changed from.")


def _limits(state: State) -> frozenset[str]:
    """Return where, when or for what something else is so: "to Zoom for calls", unless it says only since when."""
    if state.target == state.keys:
        return frozenset()
    plain = WHEN.sub("", " " + " ".join(state.target)).split()
    at = next((at for at, key in enumerate(plain) if at and key in _LIMITS), len(plain))
    return _telling(plain[at:])


_LIMITS = frozenset({"at", "during", "for", "in", "on", "under", "when", "while"})


VERB_STEMS = frozenset(ALIKE_STEMS.get(root(verb), root(verb)) for verb in VERBS)


def _another(older: Reading, was: State, newer: Reading, state: State) -> Change | None:
    """Return the change if both give one thing that has a single value another value."""
    if was.keys[:1] != state.keys[:1]:
        return None
    # "Moved to Denver last month" may be older than what the earlier one says.
    told = tuple(WHEN.sub("", " ".join(state.keys)).split()) if state.cue and newer.relative else state.keys
    one, two = _place_alone(was.keys, older.names), _place_alone(told, newer.names)
    start, end = common_ends(one, two, same_root)
    slot = Slot(one[:start], one[len(one) - end :], one[start : len(one) - end], two[start : len(two) - end])
    if not slot.values(put=state.put):
        return None
    new = state.cue and not was.cue
    kind = slot.kind({*older.names}, {*newer.names})
    if kind is None:
        return None
    if not slot.speaks or not (slot.single(kind) or (new and slot.only_if_new(kind, put=state.put))):
        return _two_values(slot) if slot.counted(kind, older.names) else None
    if new and told == state.keys and not slot.converted and not slot.alike:
        return Change(said=True, reason="The later one gives another value and says that it is new.")
    return _two_values(slot)


def _two_values(slot: Slot) -> Change:
    return Change(said=False, reason=TWO_VALUES, values=slot.apart())


TWO_VALUES = "They give two values for one thing."


def _place_alone(keys: tuple[str, ...], names: Sequence[str]) -> tuple[str, ...]:
    """Return the words without the land behind the name of a town at the end: "Portland, Oregon"."""
    at = keys.index(",") if "," in keys else 0
    named = at and keys[at - 1] in names and len(keys) - at - 1 <= _LONGEST_LAND
    return keys[:at] if named and all(key in names for key in keys[at + 1 :]) else keys


_LONGEST_LAND = 2
