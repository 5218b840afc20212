"""States: what a sentence says to be so now, and by which words it says that something else was so before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mcp_memory.domain.endings import ending_of
from mcp_memory.domain.wording import FIRST_PERSON, NOW, words


class State(NamedTuple):
    """A sentence as a state: "moved to Oslo" is "live in Oslo", and says that it changed."""

    keys: tuple[str, ...]
    cue: bool = False
    """Whether it says that it was not always so: "now", "my new ...", "moved to"."""
    source: tuple[str, ...] = ()
    """What was before, where it says so: "from A to B", "instead of A"."""
    target: tuple[str, ...] = ()
    put: bool = False
    """Whether it says that just this was changed: "the party was moved to Sunday"."""
    ended: bool = False
    """Whether it says that what it tells is over: "no longer", "stopped", "used to"."""
    left: tuple[str, ...] = ()
    """What the first word left, where it is told so."""


def states_of(parts: Iterable[Sequence[str]]) -> tuple[State, ...]:
    """Return the states that the sentences tell."""
    return tuple(_state(" ".join(sentence)) for sentence in parts if "?" not in sentence)


_CHANGING = (
    "switched|changed|moved|migrated|upgraded|downgraded|went|transitioned|converted|rescheduled|postponed|renamed"
    "|increased|rose|raised|reduced|dropped|decreased|grew|extended|shifted|updated|bumped|lowered|relocated|transferred"
    "|pushed|brought|cut|delayed"
)
_FROM_TO = re.compile(rf"^(.*?)\b(?:{_CHANGING})\b(.*?) from (.+?) (?:to|into|over to) (.+)$")
_TO_FROM = re.compile(rf"^(.*?)\b(?:{_CHANGING})\b(.*?) to (.+?) from (.+)$")
_REPLACED = re.compile(
    r"^(.*?)\b(?:replaced|swapped|exchanged|traded|substituted)\b(?: our| my| his| her| their)?"
    r" (.+?) (?:with|by|for) (.+)$"
)
_INSTEAD = re.compile(r"^(.*?)(?: ,)? (?:instead of|rather than|in place of) (.+)$")
_NEW = re.compile(r"(^|(?<= )'s |\b(?:my|our|his|her|their) )new (?=.* be )")
_STATES = (
    (
        re.compile(
            r"\b(?:have |had )?(?:just )?(?:moved|relocated)(?: back| over| house| permanently| away)? to (?=\S)"
        ),
        "live in ",
    ),
    (
        re.compile(
            r"\b(?:have |had )?(?:just )?(?:(?:started|begun|began) "
            r"(?:(?:working|work|job|new job|my job|his job|her job) )?"
            r"(?:at|for|with)|"
            r"(?:got|took|accepted) (?:new )?job (?:at|with)) (?=\S)"
        ),
        "work at ",
    ),
    (re.compile(r"\b(?:have |was )?(?:just )?(?:became|become|promoted to|been promoted to) (?=\S)"), "be "),
    (re.compile(r"\b(?:be |have been )?(?:living|residing)\b"), "live"),
    (re.compile(r"\b(?:be |have been )working\b"), "work"),
    (re.compile(r"\bwork(?:ing)? for\b"), "work at"),
    (re.compile(r"\b(?:be )?employed (?:at|by|with)\b"), "work at"),
    (re.compile(r"\bhave job (?:at|with)\b"), "work at"),
    (re.compile(r"\b(?:be |was )based in\b"), "live in"),
    (re.compile(r"\bbe using\b"), "use"),
)
_SET_TO = re.compile(
    rf"^(?:(?:i|user|we|he|she|they) )?(?:have |had |be |was )?(?:{_CHANGING}|set|been changed|been moved)\b ?"
    r"((?:my|our|his|her|their|\S+ 's)? ?[^,]*?) to (.+)$"
)
_PASSIVE_TO = re.compile(
    rf"^(.+?) (?:(?:(?:have been|was) (?:{_CHANGING}|set)|be (?:{_CHANGING}))(?: back| forward| up| down| out| over)?"
    r"|(?:have )?(?:changed|increased|rose|dropped|decreased|grew|went up|went down|fell)) to (.+)$"
)


def _state(said: str) -> State:
    keys = said.split()
    kept = [key for key in keys if key not in NOW]
    cue = len(kept) < len(keys)
    if _TELLTALES.isdisjoint(kept):
        return State(tuple(kept), cue=cue and "also" not in kept)
    ending = ending_of(said)
    if ending is not None:
        return State(tuple(_plainly(" ".join(ending.keys))[0].split()), left=ending.left, ended=True)
    text = " ".join(kept)
    for read in (_exchanged, _put):
        found = read(text)
        if found is not None:
            return found
    plain = _NEW.sub(r"\1", text)
    cue = cue or plain != text
    plain, changed = _plainly(plain)
    return State(
        tuple(plain.split()), cue=(cue or changed) and " also " not in f" {plain} " and not plain.endswith(" too")
    )


def _plainly(text: str) -> tuple[str, bool]:
    """Return a sentence with its state told in one way, and whether it was told as something new."""
    new = False
    for pattern, instead in _STATES:
        changed = pattern.sub(instead, text, count=1)
        if changed != text:
            new = new or pattern in _TELLING
            text = changed
    return text, new


_TELLING = frozenset(pattern for pattern, _ in _STATES[:3])


_TELLTALES = frozenset(_CHANGING.split("|")) | words(
    """
    longer any anymore stopped quit ceased given gave finished used replaced swapped exchanged traded substituted
    left lost resigned retired fired dismissed sacked laid employed job
    instead rather place new started begun began got took accepted became become promoted work living residing working
    based using set fell
    """
)
"""Without one of these a sentence tells a state as it stands."""


def _exchanged(text: str) -> State | None:
    match = _FROM_TO.match(text)
    if match:
        return _of(match[1] + match[2], match[3], match[4])
    match = _TO_FROM.match(text)
    if match:
        return _of(match[1] + match[2], match[4], match[3])
    match = _REPLACED.match(text)
    if match:
        return _of(match[1], match[2], match[3])
    match = _INSTEAD.match(text)
    if match:
        return State(tuple(match[1].split()), cue=True, source=tuple(match[2].split()), target=tuple(match[1].split()))
    return None


def _of(about: str, source: str, target: str) -> State:
    return State(
        (*about.split(), *target.split()), cue=True, source=tuple(source.split()), target=tuple(target.split())
    )


def _put(text: str) -> State | None:
    """Return "my password be X" for "I changed my password to X" and "the standup was moved to 10"."""
    match = _SET_TO.match(text) or _PASSIVE_TO.match(text)
    if not match or not match[1].strip() or match[1].split()[-1] in _NOBODY:
        return None
    return State((*match[1].split(), "be", *match[2].split()), cue=True, put=True)


_NOBODY = FIRST_PERSON | frozenset({"he", "she", "they", "user"})
