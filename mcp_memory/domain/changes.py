"""Changes: whether a later text says that what an earlier one says is over, or gives it another value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from mcp_memory.domain.endings import JOB, WHEN
from mcp_memory.domain.english import IRREGULAR, root
from mcp_memory.domain.figures import DATE, FIGURE, UNIT
from mcp_memory.domain.kinds import one_kind
from mcp_memory.domain.likeness import people_differ, short_for
from mcp_memory.domain.meanings import ATTITUDES, COUNTRIES, EXCLUSIVE, NO_PLACES, OPPOSITES, SPELLINGS
from mcp_memory.domain.reading import ALIKE_STEMS, Reading
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
    PRONOUNS,
    SINGLE_THINGS,
    SINGLE_VERBS,
    VERBS,
    words,
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
    # "Moved to Denver last month" may be older than what the earlier one says.
    told = tuple(WHEN.sub("", " ".join(state.keys)).split()) if state.cue and newer.relative else state.keys
    one, two = _place_alone(was.keys, older.names), _place_alone(told, newer.names)
    start, end = _common(one, two)
    slot = _Slot(one[:start], one[len(one) - end :], one[start : len(one) - end], two[start : len(two) - end])
    if not slot.values(put=state.put):
        return None
    new = state.cue and not was.cue
    kind = slot.kind({*older.names}, {*newer.names})
    if kind is None:
        return None
    if not slot.speaks or not (slot.single(kind) or (new and slot.only_if_new(kind, put=state.put))):
        return _TWO_VALUES if slot.counted(kind, older.names) else None
    if new and told == state.keys and not slot.converted and not slot.alike:
        return Change(said=True, reason="The later one gives another value and says that it is new.")
    return _TWO_VALUES


_TWO_VALUES = Change(said=False, reason="They give two values for one thing.")


def _place_alone(keys: tuple[str, ...], names: Sequence[str]) -> tuple[str, ...]:
    """Return the words without the land behind the name of a town at the end: "Portland, Oregon"."""
    at = keys.index(",") if "," in keys else 0
    named = at and keys[at - 1] in names and len(keys) - at - 1 <= _LONGEST_LAND
    return keys[:at] if named and all(key in names for key in keys[at + 1 :]) else keys


_LONGEST_LAND = 2


def _common(one: Sequence[str], two: Sequence[str]) -> tuple[int, int]:
    """Return how many words both begin with, and how many both end with."""
    most = min(len(one), len(two))
    start = next((at for at in range(most) if one[at] != two[at]), most)
    end = next((at for at in range(most - start) if root(one[-1 - at]) != root(two[-1 - at])), most - start)
    return start, end


_LONGEST_VALUE = 4


class _Slot(NamedTuple):
    """Two sentences that are the same but for one value."""

    head: Sequence[str]
    tail: Sequence[str]
    first: Sequence[str]
    second: Sequence[str]

    @property
    def speaks(self) -> bool:
        """Whether the words before the value say who and what: with a verb, and of one thing alone."""
        return len(self.head) > 1 and any(key in VERBS or key == "be" for key in self.head) and not self._together

    @property
    def _together(self) -> bool:
        at = self.head.index("be") - 1 if "be" in self.head else 0
        return not COMPLEX.isdisjoint(self.head) or not MULTIPLE.isdisjoint(self.head[at:])

    def values(self, *, put: bool) -> bool:
        """Say whether what differs is a short value on both sides, behind the same preposition."""
        if not self.first or not self.second:
            return False
        leads = [keys[0] if keys[0] in PREPOSITIONS else "" for keys in (self.first, self.second)]
        if leads[0] != leads[1] and not put:
            return False
        bare = (_bare(self.first), _bare(self.second))
        return all(map(_is_value, bare)) and set(bare[0]).isdisjoint(bare[1])

    def kind(self, names: set[str], names_: set[str]) -> str | None:
        """Return what kind of value both are: a figure, a name or a word; nothing if they are of two kinds."""
        one, two = _kind(_bare(self.first), names), _kind(_bare(self.second), names_)
        return one if one == two else None

    @property
    def converted(self) -> bool:
        """Whether the values are amounts in different units: "60 seconds", "1 minute"."""
        units, units_ = ({key for key in keys if key[0] == UNIT} for keys in (self.first, self.second))
        return units != units_

    @property
    def alike(self) -> bool:
        """Whether one value may be short for the other: "Rob", "Robert"."""
        return len(self.first) == len(self.second) == 1 and short_for(self.first[0], self.second[0])

    def single(self, kind: str) -> bool:
        """Say whether what these words tell of has one value at a time: a home, an employer, somebody's password."""
        head = self.head
        if "be" in head:
            at = head.index("be")
            favourite = "favorite" in head[:at]
            # "My favourite food is now cold" says nothing of what is liked.
            sure = kind != "word" or bool(self.tail) or self._one_family() or one_kind(self.first, self.second)
            named = favourite or head[at - 1] in SINGLE_THINGS
            return sure and named and all(key in PREPOSITIONS or key in _CALLED for key in head[at + 1 :])
        verb = next((key for key in reversed(head) if key not in PREPOSITIONS), "")
        if verb in BOUND_VERBS and head[-1] in BOUND_VERBS[verb] and not self.tail:
            return (kind == "name" and self._one_level()) if head[-1] != "as" else kind == "word"
        if verb == "prefer":
            return bool(self.tail) or self._one_family()
        return verb in SINGLE_VERBS and head[-1] == verb and kind != "word"

    def counted(self, kind: str, names: Sequence[str]) -> bool:
        """Say whether both tell how much, how often or when something is so, and not what happened once."""
        labelled = ":" in self.head
        verb = next((at for at, key in enumerate(self.head) if key == "be" or root(key) in VERB_ROOTS), None)
        if not labelled and (verb is None or any(map(_is_past, self.head[: verb + 1]))):
            return False
        if kind[0] not in FIGURE:
            families = {EXCLUSIVE.get(keys[0]) for keys in (self.first, self.second)}
            return families == {"often"} or (labelled and len(families) == 1 and None not in families)
        if kind[1:] == DATE and not labelled:
            return bool(verb) and all(":" in keys[-1] for keys in (self.first, self.second))
        # "Order 88213" is another order than 88231; a port is one.
        last = self.head[-1]
        numbered = not self.tail and last not in PREPOSITIONS and len(self.head) - 1 != verb
        return labelled or not numbered or last in SINGLE_THINGS or last in names

    def only_if_new(self, kind: str, *, put: bool) -> bool:
        """Say whether a value that is said to be new ends the other: a figure, an opposite, what was moved or set."""
        if kind.startswith("#") or (put and (kind != "word" or self._one_family())):
            return True
        return self.head[-1] == "be" and any(two in OPPOSITES.get(one, ()) for one in self.first for two in self.second)

    def _one_family(self) -> bool:
        families = {EXCLUSIVE.get(key) for key in (*_bare(self.first), *_bare(self.second))}
        return len(families) == 1 and None not in families

    def _one_level(self) -> bool:
        """Say whether both are countries, or neither is: who moved to Lyon may live in France."""
        return (" ".join(self.first) in COUNTRIES) == (" ".join(self.second) in COUNTRIES)


def _is_past(key: str) -> bool:
    return key in IRREGULAR or (key.endswith("ed") and key not in VERBS and root(key) in VERB_ROOTS)


VERB_ROOTS = frozenset(map(root, VERBS))
_CALLED = frozenset({"name", "called", "named", "set"})


def _bare(keys: Sequence[str]) -> Sequence[str]:
    """Return a value without the preposition before it: "at 10"."""
    return keys[1:] if keys[0] in PREPOSITIONS else keys


def _is_value(keys: Sequence[str]) -> bool:
    if not keys or len(keys) > _LONGEST_VALUE or any(key in FUNCTION_WORDS for key in keys):
        return False
    return COMPLEX.isdisjoint(keys) and not any(MODES.get(key) for key in keys)


def _kind(keys: Sequence[str], names: set[str]) -> str | None:
    """Return "#" and what begins a value of figures alone, "name" of names, "word" of words, nothing of a mixture."""
    figures = {key[0] for key in keys if key[0] in FIGURE}
    if figures:
        alone = all(key[0] in FIGURE for key in keys) and len(figures) == 1 and UNIT not in figures
        return "#" + figures.pop() if alone else "mixed"
    named = sum(key in names and key not in NO_PLACES for key in keys)
    if named:
        return "name" if named == len(keys) else None
    return "word"
