"""Endings: whether a sentence says that something is over, and just what: "no longer", "stopped", "used to", "quit"."""

from __future__ import annotations

import re
from typing import NamedTuple

from mcp_memory.domain.english import root
from mcp_memory.domain.figures import NUMBER
from mcp_memory.domain.wording import (
    ATTACHING,
    BE,
    COMPLEX,
    MODES,
    NEGATIONS,
    NOW,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    SPEAKERS,
    VERBS,
    words,
)


class Ending(NamedTuple):
    """What is over."""

    keys: tuple[str, ...]
    """The sentence that was true: "ann work at acme"; who it was, where somebody left."""
    left: tuple[str, ...] = ()
    """What somebody left: "acme", "choir"; they may have belonged to it, or only have been there."""


JOB = ("job",)
"""What somebody left who only says that the job is gone."""


def ending_of(text: str) -> Ending | None:
    """Return what a sentence, as keys parted by blanks, says to be over; nothing if it does not say so.

    Left out is what limits nothing: since when, why, and what is so instead.
    """
    said = _SINCE.sub("", text)
    for pattern, past in _OVER:
        match = pattern.match(said)
        if match:
            who = _who(match[1].split())
            over = _main(match[2], who, past=past)
            return _ending([*who, *over, *_behind(match["behind"], who, over)])
    match = _JOB_AT.match(said)
    if match:
        who = _who(match[1].split())
        return _ending([*who, "work", "at", *_main(match[2], who, past=True)])
    match = _LEFT.match(said)
    if match:
        who = _who(match[1].split())
        return _ending(who, JOB if match[2] is None else tuple(_main(match[2], who, past=True)))
    return None


def _ending(keys: list[str], left: tuple[str, ...] = ()) -> Ending:
    return Ending(tuple(key for key in keys if key not in NOW), left)


_TIME = (
    r"(?:@\d{4}\S*|@\d\d-\d\d|#(?:19|20)\d\d|january|february|march|april|may|june|july|august|september|october"
    r"|november|december|spring|summer|autumn|fall|winter)"
)
_SINCE = re.compile(
    rf"^(?:since (?:early |late |last |end of )?{_TIME}(?: #\d{{4}})?"
    r"|(?:since|after|because of|due to) (?:\S+ ){1,3},) ?,? (?=\S)"
)
"""What may stand before: it says since when or why, never of what."""
WHEN = re.compile(
    rf" (?:(?:in|on|at end of|around|since) )?(?:early |late |last |this )?{_TIME}(?: #(?:19|20)\d\d)?$"
    r"| (?:earlier )?(?:last|this) (?:week|month|year)$| (?:#\d+ ~?|few )(?:weeks?|months?|years?) ago$"
    r"| for (?:good|ever)$"
)
"""What may stand behind what is past: it says when it ended."""
_OVER = (
    (
        re.compile(
            r"^(.*?)\b(?:be |do |did |have )?(?:not|no) (?:longer )?([^,:]*?)"
            r" ?\b(?:any more|anymore|any longer)\b(?P<behind>.*)$"
        ),
        False,
    ),
    (re.compile(r"^(.*?)\bno longer\b (.*)$(?P<behind>)"), False),
    (
        re.compile(
            r"^(.*?)\b(?:have |had )?(?:stopped|quit|ceased|given up|gave up|finished)\b (\w+ing\b.*)(?P<behind>)$"
        ),
        True,
    ),
    (re.compile(r"^(.*?)(?<!be )(?<!was )\bused to (.*)(?P<behind>)$"), True),
)
_OWN = r"(?:my |our |his |her |their )?"
_JOBS = rf"{_OWN}(?:\w+ )?(?:job|position|role|post)"
_JOB_AT = re.compile(
    rf"^(.+?) (?:have |had )?(?:just )?(?:(?:quit|left|lost|given up|gave up) {_JOBS} (?:at|with)"
    r"|resigned from|retired from|was (?:fired|dismissed|sacked|laid off) (?:from|by)) (.+)$"
)
_LEFT = re.compile(
    rf"^(.+?) (?:have |had )?(?:just )?(?:(?:quit|left|lost|given up|gave up) {_JOBS}$|(?:quit|resigned|retired)$"
    r"|was (?:fired|dismissed|sacked|laid off)$|(?:quit|left) (.+)$)"
)


def _who(before: list[str]) -> list[str]:
    """Return the subject: what stands before, without another clause of the same subject: "he moved and no longer"."""
    clause = before[:-2] if before[-2:-1] == [","] and before[-1:] == ["and"] else before[:-1]
    if before[-1:] not in (["and"], ["but"], [","]) or len(clause) < _LEAST_CLAUSE:
        return before
    others = PRONOUNS | SPEAKERS | ATTACHING | COMPLEX | NEGATIONS | {"'s"}
    owned = clause[0] in POSSESSIVES or clause[1] in POSSESSIVES
    return before if owned or not others.isdisjoint(clause[1:]) else clause[:1]


_LEAST_CLAUSE = 2


def _main(said: str, who: list[str], *, past: bool) -> list[str]:
    """Return the clause without what limits nothing behind it."""
    boundary = _BOUNDARY.search(said)
    main = said
    if boundary and _harmless(boundary[1], boundary[2].split(), who, said[: boundary.start()].split()):
        main = said[: boundary.start()]
    return (WHEN.sub("", " " + main) if past else main).split()


def _behind(said: str, who: list[str], main: list[str]) -> list[str]:
    """Return what stands behind "any more", unless it limits nothing."""
    boundary = _BOUNDARY.match(said)
    return [] if boundary and _harmless(boundary[1], boundary[2].split(), who, main) else said.split()


_BOUNDARY = re.compile(r" ?(?:, |: )?(?:(?<= )(because of|because|since|due to|and|but|so)\b|(?<=[,:] )) ?(.+)$")
_REASONS = frozenset({"because of", "because", "since", "due to"})


def _harmless(mark: str | None, tail: list[str], who: list[str], main: list[str]) -> bool:
    """Say whether what follows says only why it is over, or what is so instead; it may also take it back in part."""
    if not _LIMITING.isdisjoint(tail):
        return False
    return mark in _REASONS or (not _goes_on(tail, who, main) and _is_clause(mark, tail, main))


def _is_clause(mark: str | None, tail: list[str], main: list[str]) -> bool:
    """Say whether a clause begins, and no further thing of a list: ", he drives now", "but in bonds"."""
    if tail[0] in NOW | PRONOUNS | SPEAKERS | BE:
        return True
    if mark == "but":
        return tail[0] in PREPOSITIONS and tail[0] in main
    if mark == "and":
        return tail[0] in _SURELY_VERBS
    return any(_is_act(key) for key in tail[:_NEAR])


def _goes_on(tail: list[str], who: list[str], main: list[str]) -> bool:
    """Say whether it may be told again, denied or in another way: "but he does", "she drinks it cold"."""
    if not NEGATIONS.isdisjoint(tail) or (not _DOES.isdisjoint(tail) and tail[0] in {*PRONOUNS, *SPEAKERS, *who}):
        return True
    told = set(map(root, main)) & set(map(root, tail)) & _ACTS
    return bool(told) and any(key in _IT or key[0] == NUMBER for key in tail[1:])


_IT = frozenset({"it", "them", "one", "that", "those"})
_NEAR = 4
"""Words among which the verb of a clause stands."""
_DOES = frozenset({"do", "did"})
"""Repeats what was said: "but he does on Sundays"."""
_SURELY_VERBS = VERBS - words(
    """
    answer book change charge check cook cost dance date design drive end hope host help hurt look love need offer order
    paint park pay phone plan play practice practise report rent return rise run sleep smoke stop store study support
    swim talk track train travel treat try turn type use visit wait walk wash watch work worry smoke drink fish hike
    """
)
"""Behind "and" these begin a clause, and are no further thing of a list."""
_LIMITING = frozenset(
    key for key, mode in MODES.items() if mode in {"maybe", "if", "some", "only", "most", "least", "less", "almost"}
) | words(
    """
    apart besides aside when whenever while where even or though although however again back still yet until till before
    once twice rarely seldom hardly barely daily weekly monthly yearly says say said claims claim claimed joking kidding
    wrong mistake mistaken untrue false lie lied
    """
)
"""With one of these what follows may say that it is not over for good, or not altogether."""


def _is_act(key: str) -> bool:
    return key in {"be", "was", "have", "had"} or root(key) in _ACTS


_ACTS = frozenset(map(root, VERBS))
