"""Slots: two sentences that are the same but for one value, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mcp_memory.domain.english import root
from mcp_memory.domain.figures import DATE, FIGURE, UNIT
from mcp_memory.domain.kinds import one_kind
from mcp_memory.domain.likeness import short_for
from mcp_memory.domain.meanings import COUNTRIES, EXCLUSIVE, NO_PLACES, OPPOSITES
from mcp_memory.domain.turns import VERB_ROOTS, is_past
from mcp_memory.domain.wording import (
    BOUND_VERBS,
    COMPLEX,
    FUNCTION_WORDS,
    MODES,
    MULTIPLE,
    PREPOSITIONS,
    SINGLE_THINGS,
    SINGLE_VERBS,
    VERBS,
)


class Values(NamedTuple):
    """Two texts that are one but for a value."""

    frame: tuple[str, ...]
    """The words around the value."""
    one: tuple[str, ...]
    other: tuple[str, ...]


def same_root(one: str, two: str) -> bool:
    """Say whether two words are forms of one: "hour", "hours"."""
    return one == two or root(one) == root(two)


_LONGEST_VALUE = 4
_GAP = ""


class Slot(NamedTuple):
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

    def apart(self) -> Values:
        """Return the two values and what stands around them."""
        return Values((*self.head, _GAP, *self.tail), tuple(self.first), tuple(self.second))

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
        if not labelled and (verb is None or any(map(is_past, self.head[: verb + 1]))):
            return False
        if kind[0] not in FIGURE:
            families = {EXCLUSIVE.get(keys[0]) for keys in (self.first, self.second)}
            return families == {"often"} or (labelled and len(families) == 1 and None not in families)
        if kind[1:] == DATE and not labelled:
            return bool(verb) and all(":" in keys[-1] for keys in (self.first, self.second))
        # "Order 88213" is another order than 88231; a port is one.
        last = self.head[-1]
        bare = not self.tail or self.tail[0] in FUNCTION_WORDS or self.tail[0] in VERBS or is_past(self.tail[0])
        numbered = bare and last not in PREPOSITIONS and (len(self.head) - 1 != verb or (verb == 0 and self.tail))
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
