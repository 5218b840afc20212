"""Reading: a text taken apart once, so that it can be compared with others many times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from mcp_memory.domain.english import root
from mcp_memory.domain.figures import FIGURE, UNIT, Token, tokens
from mcp_memory.domain.identity import normalised
from mcp_memory.domain.meanings import ALIKE, EXCLUSIVE, SPELLINGS
from mcp_memory.domain.quotations import quotes
from mcp_memory.domain.sentences import form_of, sentences
from mcp_memory.domain.states import State, states_of
from mcp_memory.domain.talk import Turn, turn
from mcp_memory.domain.turns import Relative, is_ongoing, is_turning, lasting, relative
from mcp_memory.domain.wording import (
    AGREEING,
    ARTICLES,
    BE,
    COMPLETED,
    CONTRACTIONS,
    ENDINGS,
    FOREIGN,
    FUNCTION_WORDS,
    IS_AFTER,
    IS_BEFORE,
    KNOWN,
    MODES,
    NEGATIONS,
    NEGATIONS_WITHIN,
    SINGLE_THINGS,
    TURNING_WITHIN,
    VERBS,
    WAS,
)


class Word(NamedTuple):
    """A word as it is compared, as it was written, and whether it begins a sentence."""

    key: str
    shown: str
    first: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What is compared of a text. Two texts of one ``form`` make the same statements in the same words."""

    text: str
    english: bool
    speaker: str
    day: date | None
    """The day that stands before what was said."""
    words: tuple[Word, ...]
    """Every word and figure in order, each written one way."""
    keys: frozenset[str]
    form: tuple[object, ...]
    content: frozenset[str]
    """Stems of the words that tell something, and the figures."""
    alike: frozenset[str]
    """The same, with words that may tell the same thing taken for one."""
    order: tuple[str, ...]
    """These, in the order in which they stand."""
    names: tuple[str, ...]
    """Names in the order in which they stand, in lower case."""
    figures: frozenset[str]
    quotes: frozenset[str]
    negations: int
    modes: frozenset[str]
    """In what way it is said: as a plan, a guess, of the past, of all or of some."""
    states: tuple[State, ...]
    """What each sentence says to be so, and whether it says that it changed."""
    lasting: frozenset[str]
    """Of ``alike``, what stands in sentences that tell what may be no longer so later on."""
    turned: frozenset[str]
    """Of ``alike``, what stands in sentences that may say that something is no longer as it was, or done."""
    turning: bool
    """Whether it may say that something is no longer as it was."""
    ongoing: bool
    """Whether it tells of something that is planned or under way."""
    completed: bool
    """Whether it may say that something of that kind is done."""
    relative: Relative
    """Whether it names a day by its distance from the day on which it was said, or only a year."""


def read(text: str) -> Reading:
    """Read a text: English by its rules, anything else by its bare words."""
    heard = _labelled(turn(text))
    pieces = tokens(heard.said)
    english = _is_english(pieces)
    words = tuple(_idiomatic(list(_english(pieces)))) if english else tuple(_plain(pieces))
    keys = [word.key for word in words]
    every = frozenset(keys)
    parts = list(sentences(keys)) if english else []
    telling = _telling(words, english=english)
    order = tuple(ALIKE_STEMS.get(word, word) if english else word[:_BEGINNING] for word in telling)
    content = frozenset(telling)
    alike = content if order == telling else frozenset(order)
    modes = frozenset(_modes(keys)) if english and not _MODAL.isdisjoint(every) else frozenset[str]()
    names = tuple(_names(words)) if english else ()
    said = [piece.key for piece in pieces]
    turning = is_turning(said) or (not english and any(part in heard.said for part in TURNING_WITHIN))
    completed = english and not COMPLETED.isdisjoint(every)
    return Reading(
        text=text,
        english=english,
        day=heard.day,
        speaker=heard.speaker.casefold() if heard.speaker.istitle() else "",
        words=words,
        keys=every,
        form=(heard.speaker.casefold() if heard.speaker else "", *(form_of(parts) if english else _bare(heard.said))),
        content=content,
        alike=alike,
        order=order,
        names=names,
        figures=frozenset(_figures(keys)),
        quotes=frozenset(quotes(heard.said)),
        negations=0 if english and NEGATIONS.isdisjoint(every) else _negations(keys, heard.said, english=english),
        modes=modes | {"question"} if "?" in every else modes,
        states=states_of(parts),
        lasting=_among(alike, parts, [lasting(part, names) for part in parts]) if english else alike,
        turned=_among(alike, parts, _turned(said, parts)) if (turning or completed) and len(parts) > 1 else alike,
        turning=turning,
        ongoing=english and is_ongoing(keys, modes),
        completed=completed,
        relative=relative(keys) if english else Relative.NO,
    )


def _among(alike: frozenset[str], parts: Sequence[Sequence[str]], some: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return which of the stems of a text stand in some of its parts."""
    if some == parts:
        return alike
    if not any(some):
        return _NOTHING
    return alike.intersection(_stem(key) for part in some for key in part)


_NOTHING: frozenset[str] = frozenset()


def _stem(key: str) -> str:
    stem = root(key) if key[0].isalpha() else key
    return ALIKE_STEMS.get(stem, stem)


def _turned(said: Sequence[str], parts: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Return the sentences that may tell a turn or an end; all of them where the spoken ones cannot be told apart."""
    spoken = list(sentences(said))
    if len(parts) != len(spoken):
        return parts
    return [
        part for part, heard in zip(parts, spoken, strict=True) if is_turning(heard) or not COMPLETED.isdisjoint(part)
    ]


def _labelled(heard: Turn) -> Turn:
    """Return what is no turn, but a note, with the words before its colon: "API port: 8443", "deploys: Fridays"."""
    label = heard.speaker
    if (
        not label
        or label.casefold() in _ROLES
        or (label.istitle() and SINGLE_THINGS.isdisjoint(label.casefold().split()))
    ):
        return heard
    return Turn(f"{label}: {heard.said}", day=heard.day)


_ROLES = frozenset({"user", "human", "assistant", "ai", "agent", "bot", "system", "tool", "me", "i"})


def _modes(keys: Sequence[str]) -> Iterator[str]:
    """Yield in what way it is said; "wants to move" is a plan, "wants tea" is not."""
    for at, key in enumerate(keys):
        mode = MODES.get(key)
        if mode and (key not in _WISHES or keys[at + 1 : at + 2] == ["to"]) and not _is_month(keys, at):
            yield mode


_MODAL = frozenset(MODES)


def _is_month(keys: Sequence[str], at: int) -> bool:
    """Say whether "may" is no guess: "in May"."""
    after = keys[at + 1] if at + 1 < len(keys) else ""
    return (
        keys[at] == "may" and at > 0 and keys[at - 1] in _BEFORE_MONTHS and after not in _PREDICATES | VERBS | NEGATIONS
    )


_BEFORE_MONTHS = frozenset({"in", "since", "until", "till", "by", "last", "early", "late"})
_WISHES = frozenset({"want", "wanted", "hope", "hoping", "wish", "going", "like"})


ALIKE_STEMS = {root(form): root(head) for form, head in ALIKE.items()}


def _is_english(pieces: Sequence[Token]) -> bool:
    """Say whether English rules may be applied; what could be another language is read without them."""
    keys = [piece.key for piece in pieces if piece.key[0].isalpha()]
    if any(not key.isascii() and _ALIEN.search(key) for key in keys):
        return False
    known = sum(key in _ENGLISH or "'" in key for key in keys)
    return known >= sum(key in FOREIGN for key in keys) * 2 and (known > 0 or all(map(str.isascii, keys)))


_ENGLISH = KNOWN | AGREEING.keys()
_ALIEN = re.compile(r"[^\x00-\u024f\u2000-\u206f]")
"""A letter of another script than ours."""


def _english(pieces: Sequence[Token]) -> Iterator[Word]:
    first = True
    for at, (key, shown) in enumerate(pieces):
        if "'" in key or key in CONTRACTIONS:
            after = pieces[at + 1].key if at + 1 < len(pieces) else ""
            for number, part in enumerate(_uncontracted(key, after)):
                yield Word(part, shown if number == 0 else part, first and number == 0)
        elif key in ARTICLES and (first or shown != "A"):
            after = pieces[at + 1].key if at + 1 < len(pieces) else ""
            if key == "a" and after in _AMOUNTS:
                yield Word("a", shown, first)
            elif after in _SPANS and at and (pieces[at - 1].key[0] in FIGURE or pieces[at - 1].key in _TIMES):
                yield Word("per", shown, first)
        elif key == "us" and shown == "US":
            yield Word("usa", shown, first)
        else:
            yield Word(_one_way(key), shown, first)
        first = key in _STOPS or (first and key in ARTICLES)


def _idiomatic(words: list[Word]) -> Iterable[Word]:
    """Return the words with what only looks like a negation as what it means: "can't stand" is "hate"."""
    return words if _FIRST_OF_IDIOMS.isdisjoint([word.key for word in words]) else _without_idioms(words)


def _without_idioms(words: list[Word]) -> Iterator[Word]:
    at = 0
    while at < len(words):
        if words[at].key not in _FIRST_OF_IDIOMS:
            yield words[at]
            at += 1
            continue
        three = tuple(word.key for word in words[at : at + 3])
        if three in _IDIOMS:
            yield words[at]._replace(key=_IDIOMS[three])
            at += 3
        elif three[:2] in _IDIOMS:
            yield words[at]._replace(key=_IDIOMS[three[:2]])
            at += 2
        else:
            yield words[at]
            at += 1


_IDIOMS: dict[tuple[str, ...], str] = {
    ("can", "not", "stand"): "hate",
    ("can", "not", "bear"): "hate",
    ("can", "not", "wait"): "eager",
    ("rather", "than"): "not",
    ("would", "rather"): "prefer",
    ("every", "day"): "daily",
    ("each", "day"): "daily",
    ("every", "week"): "weekly",
    ("every", "month"): "monthly",
    ("every", "year"): "yearly",
    ("e", "mail"): "email",
    **{
        (kin, "in", "law"): f"{kin}-in-law"
        for kin in ("mom", "dad", "mother", "father", "sister", "brother", "son", "daughter")
    },
}
_FIRST_OF_IDIOMS = frozenset(idiom[0] for idiom in _IDIOMS)
_SPANS = frozenset({"second", "minute", "hour", "day", "night", "week", "month", "quarter", "year", "person", "head"})
_TIMES = frozenset({"times", "once", "twice", "time"})
_AMOUNTS = frozenset({"few", "little", "lot"})
"""Behind "a" they mean some, without it hardly any."""
_STOPS = frozenset({".", "?", ":"})


def _one_way(key: str) -> str:
    return _ONE_WAY.get(key, key)


_ONE_WAY = {
    **{key: SPELLINGS.get(AGREEING.get(key, key), AGREEING.get(key, key)) for key in (*AGREEING, *SPELLINGS)},
    **dict.fromkeys(BE, "be"),
    **dict.fromkeys(WAS, "was"),
}
"""How a word is compared that is written in several ways."""


def _uncontracted(key: str, after: str) -> tuple[str, ...]:
    """Return "do", "not" for "don't", "ann", "'s" for "Ann's", "she", "be" for "she's"."""
    if key in CONTRACTIONS:
        return CONTRACTIONS[key]
    for ending, meant in ENDINGS.items():
        if key.endswith(ending) and len(key) > len(ending):
            return (*_parts(key[: -len(ending)]), meant)
    head, _, tail = key.rpartition("'")
    if tail == "s" and head:
        verb = head in IS_AFTER or after in IS_BEFORE
        return (*_parts(head), "be" if verb else "'s")
    if not tail and head.endswith("s"):
        return head, "'s"
    return tuple(part for part in key.split("'") if part)


def _parts(head: str) -> tuple[str, ...]:
    return tuple(_one_way(part) for part in head.split("'") if part)


def _plain(pieces: Sequence[Token]) -> Iterator[Word]:
    first = True
    for key, shown in pieces:
        for part in [key] if key[0] in FIGURE else key.split("'"):
            if part:
                yield Word(part, shown, first)
        first = key in _STOPS


def _bare(said: str) -> tuple[str, ...]:
    """Return the words of a text in a language without rules here, with everything that could change the meaning."""
    return tuple(normalised(said).translate(_PUNCTUATION).split())


_PUNCTUATION = {ord(mark): " " for mark in '"!;:,()[]。、！・「」『』《》…؟،'} | {ord("?"): " ? ", ord("؟"): " ? "}
_PAIR = 2
_UNBROKEN = re.compile(r"[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0eff]")


_BEGINNING = 5
"""Letters of a word of another language by which its forms are known."""


def _telling(words: Sequence[Word], *, english: bool) -> tuple[str, ...]:
    if english:
        return tuple(
            root(word.key) if word.key[0].isalpha() else word.key for word in words if word.key not in _UNTELLING
        )
    return tuple(part for word in words if word.key not in _MARKS for part in grams(word.key))


_MARKS = frozenset({".", ",", "?", ":", "-"})
_UNTELLING = FUNCTION_WORDS | NEGATIONS | _MARKS


def grams(key: str) -> list[str]:
    """Return the overlapping pairs of characters of a word in a script without blanks; any other word as it is."""
    if len(key) <= _PAIR or not _UNBROKEN.search(key):
        return [key]
    return [key[at : at + _PAIR] for at in range(len(key) - 1)]


def _names(words: Sequence[Word]) -> Iterator[str]:
    for at, word in enumerate(words):
        if word.shown[:1].isupper() and word.key[0].isalpha() and _is_name(word, words, at):
            yield word.key


def _is_name(word: Word, words: Sequence[Word], at: int) -> bool:
    key = word.key
    if (word.shown.isupper() and len(word.shown) > _PAIR) or (word.shown == "A" and not word.first):
        return True
    if key in FUNCTION_WORDS or key in NEGATIONS or EXCLUSIVE.get(key) in _CALENDAR or key in MODES:
        return False
    if not word.first or (word.shown.isupper() and len(word.shown) > 1):
        return True
    after = words[at + 1].key if at + 1 < len(words) else ""
    return key not in VERBS and (
        after in VERBS or after in _PREDICATES or (words[at + 1 : at + 2] != () and words[at + 1].shown[:1].isupper())
    )


_CALENDAR = frozenset({"weekday", "month"})
_PREDICATES = frozenset({"be", "was", "'s", "had", "will", "would", "can", "and"})


def _figures(keys: Sequence[str]) -> Iterator[str]:
    """Yield numbers with their units, dates, times and identifiers."""
    for at, key in enumerate(keys):
        if key[0] in FIGURE and key[0] != UNIT:
            after = keys[at + 1] if at + 1 < len(keys) else ""
            yield key + after if after.startswith(UNIT) else key


def _negations(keys: Sequence[str], said: str, *, english: bool) -> int:
    found = sum(key in NEGATIONS for key in keys)
    if english:
        return found
    return found + sum(said.count(part) for part in NEGATIONS_WITHIN)
