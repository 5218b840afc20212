"""Likeness: whether two texts that are not the same word for word are likely the same, and worth a look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import eq

from mcp_memory.domain.english import root
from mcp_memory.domain.figures import FIGURE, NUMBER
from mcp_memory.domain.meanings import EXCLUSIVE, OPPOSITES
from mcp_memory.domain.measures import may_equal
from mcp_memory.domain.reading import Reading
from mcp_memory.domain.synonyms import may_mean_the_same
from mcp_memory.domain.wording import FIRST_PERSON, FUNCTION_WORDS, VERBS

SURE = frozenset({"plan", "maybe", "if", "question"})
"""Said of a thing, these make another statement of it."""
AMOUNTS = frozenset({"all", "some", "most", "only", "least", "most_", "more", "less", "almost"})


def conflict(one: Reading, other: Reading) -> str | None:
    """Return why two texts cannot tell the same, in words for people; nothing if they can."""
    for differs, reason in _CONFLICTS:
        if differs(one, other):
            return reason
    return (_words_differ(one, other) or _manner_differs(one, other)) if one.english and other.english else None


def _names_differ(one: Reading, other: Reading) -> bool:
    mine = {name for name in one.names if name not in other.keys}
    yours = {name for name in other.names if name not in one.keys}
    if mine and yours and not (_all_short(mine, yours) or _all_short(yours, mine)):
        return True
    # "Ann manages Bob" and "Bob manages Ann"; "Bob is managed by Ann" may be either.
    if one.content != other.content or ("by" in one.keys) != ("by" in other.keys):
        return False
    named = {*one.names, *other.names}
    mine_, yours_ = _in_order(one, named), _in_order(other, named)
    return mine_ != yours_ and not _in_place(one, other, named) and not _symmetrical(one, other, named)


def _all_short(some: set[str], others: set[str]) -> bool:
    return all(any(short_for(one, other) for other in others) for one in some)


def short_for(one: str, other: str) -> bool:
    """Say whether a name may be short for the other: "Postgres", "PostgreSQL"; "Sam", "Samuel"."""
    short, long = (one, other) if len(one) < len(other) else (other, one)
    return len(short) >= _LEAST_SHORT and len(long) - len(short) >= _LEFT_OUT and long.startswith(short)


_LEAST_SHORT, _LEFT_OUT = 3, 2


def _in_place(one: Reading, other: Reading, named: set[str]) -> bool:
    """Say whether each name stands behind a word of its own, and the same one: "left Delft. Then joined Philips"."""
    before = _before(one, named)
    return before == _before(other, named) and len({word for word, _ in before}) == len(before)


def _before(reading: Reading, named: set[str]) -> list[tuple[str, str]]:
    stems = ["", *(root(word.key) for word in reading.words)]
    return sorted((stems[at], word.key) for at, word in enumerate(reading.words) if word.key in named)


def _in_order(reading: Reading, named: set[str]) -> list[str]:
    return [word.key for word in reading.words if word.key in named]


def _symmetrical(one: Reading, other: Reading, named: set[str]) -> bool:
    """Say whether the order of the names does not count: "Tim and Sara", "Bob is Ann's boss"."""
    if "be" in one.keys and "be" in other.keys and "'s" in one.keys:
        return _owners(one) == _owners(other)
    return all(_joined(reading, named) for reading in (one, other))


def _owners(reading: Reading) -> set[str]:
    return {one.key for one, two in pairwise(reading.words) if two.key == "'s"}


def _joined(reading: Reading, named: set[str]) -> bool:
    words = [word.key for word in reading.words]
    return any(
        words[at] == "and" and words[at - 1] in named and words[at + 1] in named for at in range(1, len(words) - 1)
    )


def _compatible(one: frozenset[str], other: frozenset[str]) -> bool:
    mine, yours = one - other, other - one
    if not mine or not yours:
        return True
    return all(any(may_equal(a, b) for b in yours) for a in mine) or all(
        any(may_equal(a, b) for a in mine) for b in yours
    )


def _words_differ(one: Reading, other: Reading) -> str | None:
    mine, yours = one.keys - other.keys, other.keys - one.keys
    if _families_differ(mine, yours, one, other):
        return "They tell of different things of one kind."
    # "Dislikes" and "does not like" are one.
    return "They say opposite things." if one.negations == other.negations and opposed(one, other) else None


def _families_differ(mine: frozenset[str], yours: frozenset[str], one: Reading, other: Reading) -> bool:
    """Say whether each has a word of one family that the other has in no form: "Monday", "Tuesdays"."""
    mine, yours = mine & _EXCLUSIVE, yours & _EXCLUSIVE
    if not mine or not yours or {EXCLUSIVE[key] for key in mine}.isdisjoint([EXCLUSIVE[key] for key in yours]):
        return False
    kept, kept_ = (
        {EXCLUSIVE[key] for key in left if root(key) not in set(map(root, every & _EXCLUSIVE))}
        for left, every in ((mine, other.keys), (yours, one.keys))
    )
    return not kept.isdisjoint(kept_)


_EXCLUSIVE = frozenset(EXCLUSIVE)
_KIN = frozenset(key for key, family in EXCLUSIVE.items() if family == "kin")


def opposed(one: Reading, other: Reading) -> bool:
    """Say whether one has a word, and the other its opposite."""
    told = _OPPOSABLE & ((one.keys - other.keys) | (one.content - other.content))
    if not told:
        return False
    told_ = (other.keys - one.keys) | (other.content - one.content)
    return any(not OPPOSED[key].isdisjoint(told_) for key in told)


def people_differ(one: Reading, other: Reading) -> bool:
    """Say whether one speaks of a relative whom the other does not name: "Ann's sister" and "Ann"."""
    if (_KIN.isdisjoint(one.keys) and _KIN.isdisjoint(other.keys)) or _KIN.isdisjoint(one.keys ^ other.keys):
        return False
    if _relative_acts(one, other) or _relative_acts(other, one):
        return True
    return not (set(one.names) & set(other.names)) - _owners(one) - _owners(other)


def _relative_acts(one: Reading, other: Reading) -> bool:
    """Say whether one tells what a relative does, and the other what the person does: "Ann's wife sings"."""
    keys, keys_ = ([word.key for word in each.words[:_SUBJECT]] for each in (one, other))
    if len(keys) < _SUBJECT or keys[1] != "'s" or keys[:1] != keys_[:1] or keys_[1:2] == ["'s"]:
        return False
    # "Ann's husband is Bob" tells of Ann as well.
    return keys[2] in _KIN and keys[2] not in other.keys and keys[3] not in {"be", "was"}


_SUBJECT = 4


def _agents_differ(one: Reading, other: Reading) -> bool:
    """Say whether different people do it, though each of them is named: "I owe Tom", "Tom owes Eva"."""
    mine, yours = one.words, other.words
    if len(mine) < _CLAUSE or len(yours) < _CLAUSE or mine[1].key != yours[1].key or mine[0].key == yours[0].key:
        return False
    who, who_, does = mine[0].key, yours[0].key, mine[1].key
    if does in FUNCTION_WORDS or does in _MUTUAL or {who, who_} <= _TELLERS:
        return False
    return all(key in _TELLERS or key in one.names or key in other.names for key in (who, who_))


_CLAUSE = 2
_TELLERS = FIRST_PERSON | {"user"}
_MUTUAL = frozenset({"marry", "date", "meet", "share", "live", "work", "know"})
"""What each of two does with the other, if one does."""


def subjects_differ(one: Reading, other: Reading) -> bool:
    """Say whether each begins with somebody whom the other does not name: "Ben lost a key", "Tara found a key"."""
    mine, yours = _subject(one), _subject(other)
    return mine is not None and yours is not None and mine not in other.keys and yours not in one.keys


def _subject(reading: Reading) -> str | None:
    """Return the word that a text begins with, if it may be a name."""
    first = reading.words[0] if reading.english and reading.words else None
    if first is None or not first.shown[:1].isupper() or first.key in FUNCTION_WORDS or root(first.key) in _ACTS:
        return None
    return first.key


_ACTS = frozenset(map(root, VERBS))


def _opposed() -> dict[str, frozenset[str]]:
    pairs = {
        (a, b)
        for one, others in OPPOSITES.items()
        for two in others
        for a in {one, root(one)}
        for b in {two, root(two)}
    }
    return {word: frozenset(b for a, b in pairs if a == word) for word, _ in pairs}


OPPOSED = _opposed()
"""The opposites of words and of their stems."""


_DENYING = frozenset({"with", "without"})
"""Counted as negations: "with no sugar" and "without sugar" are one."""
_OPPOSABLE = frozenset(OPPOSED) - _DENYING


def _manner_differs(one: Reading, other: Reading) -> str | None:
    differing = one.modes ^ other.modes
    if not differing.isdisjoint(SURE) and not (differing & SURE == {"plan"} and _asks(one) != _asks(other)):
        return "One is a plan, a guess, a condition or a question, the other a fact."
    if one.modes & AMOUNTS and other.modes & AMOUNTS and not (differing.isdisjoint(AMOUNTS)):
        return "They speak of different amounts."
    return None


def _asks(reading: Reading) -> bool:
    """Say whether a text tells somebody what to do, as does what a person wants: "do not call", "call"."""
    first = reading.words[0].key if reading.words else ""
    return first in VERBS or first in _ASKING


_ASKING = frozenset({"do", "never", "always", "please", "not"})


LEVELS = ((0.0, 0.75), (0.72, 0.5), (0.75, 0.4), (0.8, 0.27), (0.87, 0.2))
"""From which closeness on which share of common words makes it likely that two texts tell the same."""


def share(one: frozenset[str], other: frozenset[str]) -> float:
    """Return which share of their words two texts have in common, 0 to 1."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0


def likely_in_sense(one: Reading, other: Reading, closeness: float | None) -> bool:
    """Say the same where a word that the other has not stands for one that may mean the same, beside common words."""
    both = one.alike & other.alike
    if not both or (closeness or 0.0) < _SENSED:
        return False
    mine, yours = one.alike - other.alike, other.alike - one.alike
    most = min(len(mine), len(yours))
    every = len(both) + len(mine) + len(yours)
    if not most or not likely((len(both) + most) / (every - most), closeness):
        return False
    matched = sum(any(_stands_for(key, key_) for key_ in yours) for key in mine)
    found = min(matched, sum(any(_stands_for(key, key_) for key_ in mine) for key in yours)) if matched else 0
    return likely((len(both) + found) / (every - found), closeness)


_SENSED = LEVELS[1][0]


def _stands_for(one: str, other: str) -> bool:
    return may_mean_the_same(one, other) or (one[0] == other[0] == NUMBER and may_equal(one, other))


def value_apart(one: Reading, other: Reading) -> bool:
    """Say whether just one telling word, or a few in a row, stand in the place of others: that is another value.

    It is no other wording, unless some of these words may mean the same.
    """
    if len(one.keys ^ other.keys) > _FRAME:
        return False
    if not one.english:
        mine, yours = ([word.key for word in each.words] for each in (one, other))
        return len(mine) == len(yours) and sum(a != b for a, b in zip(mine, yours, strict=True)) == 1
    start, end = common_ends(one.order, other.order)
    value, value_ = one.order[start : len(one.order) - end], other.order[start : len(other.order) - end]
    longest = max(len(value), len(value_))
    if not value or not value_ or longest > min(max(1, start + end), _LONGEST_VALUE):
        return False
    # Whether figures of several parts are one is told by what they measure.
    if longest > 1 and any(key[0] in FIGURE for key in (*value, *value_)):
        return False
    return not any(_related(a, b) for a in value for b in value_)


def common_ends(one: Sequence[str], other: Sequence[str], same: Callable[[str, str], bool] = eq) -> tuple[int, int]:
    """Return how many words both begin with, and how many more both end with; ``same`` compares the latter."""
    most = min(len(one), len(other))
    start = next((at for at in range(most) if one[at] != other[at]), most)
    return start, next((at for at in range(most - start) if not same(one[-1 - at], other[-1 - at])), most - start)


_LONGEST_VALUE = 2
_FRAME = 4
"""Words that the two may have for themselves and still be one sentence with another value."""


def _related(one: str, other: str) -> bool:
    """Say whether two words are forms of one, or may mean the same: "dental", "dentist"; "stored", "saved"."""
    if one[0].isalpha() and one[:_RELATED] == other[:_RELATED] and len(one) >= _RELATED:
        return True
    return may_mean_the_same(one, other)


_RELATED = 4


def likely(shared: float, closeness: float | None) -> bool:
    """Say whether so many common words at such a closeness are worth a look."""
    return any((closeness or 0.0) >= near and shared >= least for near, least in LEVELS)


_CONFLICTS: tuple[tuple[Callable[[Reading, Reading], bool], str], ...] = (
    (
        lambda one, other: bool(one.speaker and other.speaker) and one.speaker != other.speaker,
        "Different people say it.",
    ),
    (_names_differ, "They name different people or things."),
    (lambda one, other: not _compatible(one.figures, other.figures), "Numbers, dates or amounts differ."),
    (
        lambda one, other: bool(one.quotes and other.quotes) and one.quotes.isdisjoint(other.quotes),
        "The quoted words differ.",
    ),
    (people_differ, "They are about different people."),
    (_agents_differ, "Different people do it."),
)
