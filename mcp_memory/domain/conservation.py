"""Conservation: whether a merged text still says what its sources say, and nothing that none of them says.

It holds for any writer, a model included, and is strict: what cannot be decided counts as lost, and the merge becomes a
suggestion. English is read sentence by sentence: who, what, how many, not. Of other languages every word must survive
beside its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from mcp_memory.domain.english import root
from mcp_memory.domain.figures import CODE, DATE, FIGURE, NUMBER, UNIT
from mcp_memory.domain.reading import Reading, grams, read
from mcp_memory.domain.sentences import form_of, sentences
from mcp_memory.domain.wording import (
    ARTICLES,
    ATTACHING,
    BE,
    FIRST_PERSON,
    MODES,
    NEGATIONS,
    PREPOSITIONS,
    PRONOUNS,
    TURNING,
    UNCHANGING,
    VERBS,
    words,
)


class Kind(StrEnum):
    """What sort of thing was lost or invented."""

    NAME = "name"
    NUMBER = "number"
    DATE = "date"
    CODE = "identifier"
    QUOTE = "quoted words"
    NEGATION = "negation"
    MANNER = "limit, guess or time"
    WORD = "word"
    STATEMENT = "statement"
    """Every word is there, but no longer together or in this order."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a source says and the merged text does not, or the other way round."""

    kind: Kind
    what: str
    source: int | None
    """Which source says it; None if the merged text alone does."""

    def __str__(self) -> str:
        """Say it to a person."""
        if self.source is None:
            return f"The merged text adds a {self.kind}: {self.what}"
        return f"Memory {self.source + 1} loses a {self.kind}: {self.what}"


def missing(sources: Sequence[str], merged: str) -> list[Loss]:
    """Return what of the sources is not in the merged text, and what of the merged text is in none of them.

    Example:
        ``missing(["Ann lives in Oslo"], "Ann lives in Lyon")`` tells that "Oslo" is lost and "Lyon" is added;
        ``missing(["Ann likes tea", "Ann likes coffee"], "Ann likes tea and coffee")`` is empty.
    """
    return missing_of([read(source) for source in sources], read(merged))


def missing_of(sources: Sequence[Reading], merged: Reading) -> list[Loss]:
    """Do the same for texts that were read before."""
    lost = [loss for at, source in enumerate(sources) for loss in _lost(at, source, merged, sources)]
    return list(dict.fromkeys([*lost, *_invented(sources, merged)]))


def _lost(at: int, source: Reading, merged: Reading, sources: Sequence[Reading]) -> Iterator[Loss]:
    if source.form == merged.form and source.quotes <= merged.quotes:
        return
    for quote in sorted(source.quotes - merged.quotes):
        yield Loss(Kind.QUOTE, quote, at)
    for figure in sorted(source.figures - merged.figures):
        yield Loss(_kind(figure), _written(source, figure), at)
    if source.speaker and source.speaker != merged.speaker:
        yield Loss(Kind.NAME, source.speaker, at)
    if not (source.english and merged.english):
        yield from _lost_words(at, source, merged)
        return
    held = {key for sentence in _essentials(merged) for key in sentence}
    told = set(merged.form[1:])
    subjects = _subjects(sources)
    for sentence in sentences([word.key for word in source.words]):
        if form_of([sentence])[0] in told:
            continue
        needed = _essential(sentence)
        gone = [key for key in needed if key not in held and key not in PREPOSITIONS]
        yield from (_loss(key, source, at) for key in gone if key[0] != UNIT)
        yield from (Loss(Kind.MANNER, key, at) for key in sorted(_DECIDING & set(sentence) - merged.keys))
        if needed and not gone and not _holds(needed, merged, subjects):
            yield Loss(Kind.STATEMENT, _spoken(needed), at)


def _loss(key: str, reading: Reading, source: int | None) -> Loss:
    """Return what is lost or added, as it is written there."""
    shown = next((word.shown for word in reading.words if _needed(word.key) == key), key)
    return Loss(Kind.NAME if key in reading.names else _kind(key), shown, source)


def _spoken(keys: Iterable[str]) -> str:
    return " ".join(key.lstrip("".join(FIGURE)) for key in keys)


_JOINTS = frozenset(
    {".", ",", ":", "and", "but", "while", "because", "which", "who", "that", "whereas", "so", "or", "?"}
)


def _subjects(sources: Sequence[Reading]) -> set[str]:
    return {_subject(sentence) for source in sources for sentence in _essentials(source) if sentence}


def _essentials(reading: Reading) -> list[list[str]]:
    return [_essential(sentence) for sentence in sentences([word.key for word in reading.words])]


def _essential(sentence: Iterable[str]) -> list[str]:
    return [key for key in _essential_marks(sentence) if key not in _JOINTS]


def _essential_marks(keys: Iterable[str]) -> list[str]:
    """Return what must survive of a text, and the joints between its statements."""
    return [made for key in keys if (made := _needed(key))]


def _needed(key: str) -> str:
    if key in FIRST_PERSON:
        return _PERSONS.get(key, "i")
    if key in _KEPT:
        return key
    if key in _EMPTY:
        return ""
    stem = root(key)
    return stem if stem in _VERB_STEMS and stem not in UNCHANGING else key


_EMPTY = ARTICLES | BE | frozenset({"been", "being", "do", "of", "-"})
_VERB_STEMS = frozenset(map(root, VERBS))
"""Of verbs the form does not count; "cats" are not a "cat"."""
_BINDING = frozenset({"that", "which", "who", "because", "if", "when", "or", "than", *map(root, ATTACHING)})
"""With one of these a statement must stand as it is, in one piece."""
_DECIDING = frozenset({"or", "but", "?"})
"""Joints that are no mere "and"."""
_OWNED = frozenset({"his", "her", "their", "its", "hers", "theirs"})
_KEPT = _JOINTS | NEGATIONS | PREPOSITIONS | MODES.keys() | PRONOUNS | _OWNED | TURNING | {"user", "'s"}
_PERSONS = {"my": "my", "mine": "my", "our": "our", "ours": "our", "we": "we", "us": "we"}
_OWNERS = frozenset({"my", "our", "'s"})
_FARTHEST = 8
"""Words that may stand between two words of a statement, when another one was put in between."""


def _holds(sentence: list[str], merged: Reading, subjects: set[str]) -> bool:
    """Say whether the statement stands in the text: its parts whole, in reach of each other, under its own subject."""
    parts = _parts(sentence)
    subject = _subject(sentence)
    told = _essential_marks(word.key for word in merged.words)
    held = _Held(told, subject, _governors(told, subjects), frozenset(sentence), frozenset(merged.names))
    return all(any(held.at(start, part) for start, key in enumerate(told) if key == part[0]) for part in parts)


def _subject(sentence: list[str]) -> str:
    """Return what a statement is about: "sister" of "my sister" and of "Ann's sister"."""
    for one, two in pairwise([*sentence, ""]):
        if one not in _OWNERS and two != "'s":
            return one
    return sentence[0]


def _parts(sentence: list[str]) -> list[list[str]]:
    """Return what stands before the first preposition, and what each preposition brings."""
    if not _BINDING.isdisjoint(sentence):
        return [sentence]
    parts: list[list[str]] = [[]]
    for key in sentence:
        if key in PREPOSITIONS and parts[-1]:
            parts.append([])
        parts[-1].append(key)
    return parts


@dataclass(frozen=True, slots=True)
class _Held:
    """A merged text in which a statement is looked for."""

    told: list[str]
    subject: str
    governors: list[str | None]
    """Of each word the subject under which it stands."""
    sentence: frozenset[str]
    names: frozenset[str]

    def at(self, start: int, part: list[str]) -> bool:
        """Say whether a part of the statement stands here, in order, with nothing around it that turns it."""
        if self._turned_before(start):
            return False
        at, begun = start, self.subject not in part
        for number, key in enumerate(part):
            found = self._next(at, key) if number else at
            if found is None or not self._whole(found):
                return False
            at = found
            if begun and self.governors[at] not in {self.subject, None}:
                return False
            begun = begun or key == self.subject
        return True

    def _next(self, at: int, key: str) -> int | None:
        turned = done = False
        for found in range(at + 1, min(len(self.told), at + 1 + _FARTHEST)):
            # "Ann is an engineer" stands in "Ann works as an engineer", "likes sushi" not in "likes making sushi".
            free = not turned and (not done or self.told[found - 1] == "as")
            if self.told[found] == key and free and not self._given_over(at, found):
                return found
            pause = self.told[found] in _PAUSES
            turned = not pause and (turned or self._turns(found))
            done = not pause and (done or (self.told[found] in _VERB_STEMS and self.told[found] not in self.sentence))
        return None

    def _given_over(self, at: int, found: int) -> bool:
        """Say whether a preposition was put before the word: "grew from 250" has not 250."""
        return found - 1 > at and self.told[found - 1] in PREPOSITIONS - {"as"}

    def _turns(self, at: int) -> bool:
        """Say whether a word that was put in makes another statement of what follows."""
        return self.told[at] in _TURNERS and self.told[at] not in self.sentence

    def _turned_before(self, start: int) -> bool:
        for before in range(start - 1, -1, -1):
            if self.told[before] in _PAUSES:
                return False
            if self._turns(before):
                return True
        return False

    def _whole(self, at: int) -> bool:
        """Say whether a name is not part of a longer one: "Siemens" is not "Siemens Energy"."""
        if self.told[at] not in self.names:
            return True
        beside = self.told[max(0, at - 1) : at] + self.told[at + 1 : at + 2]
        return all(key not in self.names or key in self.sentence for key in beside)


def _governors(told: list[str], subjects: set[str]) -> list[str | None]:
    """Return of each word the subject under which it stands: the last one before it that begins a statement."""
    governors: list[str | None] = []
    last, beside = None, "."
    for key in told:
        governors.append(last)
        last = key if key in subjects and (beside in _JOINTS or beside in _OWNERS) else last
        beside = key
    return governors


_PAUSES = frozenset({".", ",", ":", "?", "and", "but", "while", "whereas", "because", "so"})
"""Behind one of these a negation no longer holds, as long as the words are said anew."""
_TURNERS = (
    NEGATIONS
    | MODES.keys()
    | TURNING
    | words(
        """
        refuse refused refuses deny denied denies doubt doubts doubted pretend pretends fail failed fails lack lacks out
        off away suspects suspected ceased stopped quit quits avoided avoids
        """
    )
    | {root(verb) for verb in ("stop", "dislike", "hate", "lose", "miss", "avoid", "skip", "end")}
)
"""Words that make another statement of what follows."""


def _kind(key: str) -> Kind:
    kinds = {NUMBER: Kind.NUMBER, DATE: Kind.DATE, UNIT: Kind.NUMBER, CODE: Kind.CODE}
    if key[0] in kinds:
        return kinds[key[0]]
    if key in NEGATIONS:
        return Kind.NEGATION
    return Kind.MANNER if key in MODES else Kind.WORD


def _written(reading: Reading, figure: str) -> str:
    return next((word.shown for word in reading.words if figure.startswith(word.key)), figure)


def _lost_words(at: int, source: Reading, merged: Reading) -> Iterator[Loss]:
    """Yield what is lost of a text in a language without rules here: every word counts, and what it stands beside."""
    ours, theirs = _sequence(source), _sequence(merged)
    gone = [word for word in dict.fromkeys(ours) if word not in set(theirs)]
    yield from (Loss(Kind.WORD, word, at) for word in gone)
    if gone:
        return
    for sentence in _stretches(source):
        if not _stands(sentence, [".", *(word.key for word in merged.words), "."]):
            yield Loss(Kind.STATEMENT, " ".join(sentence), at)


def _stretches(reading: Reading) -> Iterator[list[str]]:
    """Yield the sentences of a text in any language."""
    held: list[str] = []
    for key in [*(word.key for word in reading.words), "."]:
        if key != ".":
            held.append(key)
        elif held:
            yield held
            held = []


def _stands(sentence: list[str], keys: list[str]) -> bool:
    """Say whether a sentence stands there whole, between two stops."""
    length = len(sentence)
    return any(
        keys[at] == sentence[0]
        and keys[at : at + length] == sentence
        and keys[at - 1] in _STOPS
        and keys[at + length] in _STOPS
        for at in range(1, len(keys) - length)
    )


_STOPS = frozenset({".", ",", "?", ":"})


def _sequence(reading: Reading) -> list[str]:
    return [part for word in reading.words if word.key not in _JOINTS for part in grams(word.key)]


def _invented(sources: Sequence[Reading], merged: Reading) -> Iterator[Loss]:
    if any(source.form == merged.form and merged.quotes <= source.quotes for source in sources):
        return
    quotes = frozenset[str]().union(*(source.quotes for source in sources))
    figures = frozenset[str]().union(*(source.figures for source in sources))
    for quote in sorted(merged.quotes - quotes):
        yield Loss(Kind.QUOTE, quote, None)
    for figure in sorted(merged.figures - figures):
        yield Loss(_kind(figure), _written(merged, figure), None)
    if not (merged.english and all(source.english for source in sources)):
        known = {part for source in sources for part in _sequence(source)}
        yield from (Loss(Kind.WORD, part, None) for part in dict.fromkeys(_sequence(merged)) if part not in known)
        return
    told = {sentence for source in sources for sentence in source.form[1:]}
    known = {key for source in sources for sentence in _essentials(source) for key in sentence}
    near = {pair for source in sources for pair in _near(source)}
    for sentence in sentences([word.key for word in merged.words]):
        if form_of([sentence])[0] not in told:
            deciding = _DECIDING.intersection(sentence) - ({"but"} if ", but" in " ".join(sentence) else set())
            yield from (
                Loss(Kind.MANNER, key, None)
                for key in sorted(deciding)
                if not any(key in each.keys for each in sources)
            )
            yield from _invented_of(_essential(sentence), merged, known, near)
    yield from _vague(sources, merged)


def _invented_of(sentence: list[str], merged: Reading, known: set[str], near: set[tuple[str, str]]) -> Iterator[Loss]:
    for key in sentence:
        if key not in known and key not in PRONOUNS and key not in _OWNED and key not in _JOINING and key[0] != UNIT:
            yield _loss(key, merged, None)
    for one, two in pairwise(sentence):
        binding = one in NEGATIONS or one in MODES or one in PREPOSITIONS or one[0] == NUMBER
        if binding and one in known and two in known and (one, two) not in near:
            yield Loss(Kind.STATEMENT, _spoken((one, two)), None)


_JOINING = frozenset({"both", "also", "'s"})
_REACH = 4


def _near(reading: Reading) -> Iterator[tuple[str, str]]:
    """Yield the pairs of words of which the second follows the first closely."""
    for sentence in _essentials(reading):
        for at, one in enumerate(sentence):
            yield from ((one, two) for two in sentence[at + 1 : at + 1 + _REACH])


def _vague(sources: Sequence[Reading], merged: Reading) -> Iterator[Loss]:
    """Yield a "she" that the sources do not have where it may mean one of several."""
    own = [key for key in PRONOUNS | _OWNED if key in merged.keys and not any(key in source.keys for source in sources)]
    subjects = _subjects(sources)
    keys = ["", *(word.key for word in merged.words)]
    other = [two for one, two in pairwise(keys) if two in merged.names and one not in PREPOSITIONS]
    if own and (len(subjects) != 1 or set(other) - subjects):
        yield from (Loss(Kind.STATEMENT, key, None) for key in sorted(own))
