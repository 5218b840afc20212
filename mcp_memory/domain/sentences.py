"""Sentences: the forms in which English says one thing in several orders, brought into one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mcp_memory.domain.figures import DATE
from mcp_memory.domain.meanings import EXCLUSIVE
from mcp_memory.domain.wording import (
    ATTACHING,
    COMPLEX,
    FOCUS,
    NOW,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    SPEAKERS,
    VERBS,
    WEIGHTLESS,
    words,
)

Form = tuple[object, ...]


def form_of(parts: Iterable[Sequence[str]]) -> Form:
    """Return the sentences of a text, in order, each in one form.

    Example:
        "On 14 March Ann flew to Rome." and "Ann flew to Rome on March 14th." have one form; so have "Bob is my boss"
        and "My boss is Bob". "Ann manages Bob" and "Bob manages Ann" have not.
    """
    return tuple(_sentence(keys) for keys in parts)


def sentences(keys: Sequence[str]) -> Iterator[list[str]]:
    """Yield the sentences, a question with its mark."""
    held: list[str] = []
    for key in keys:
        if key in {".", "?"}:
            if key == "?":
                held.append(key)
            if held:
                yield held
            held = []
        else:
            held.append(key)
    if held:
        yield held


def _sentence(keys: Sequence[str]) -> Form:
    kept = list(_weighty(keys))
    listed = _sorted_lists(kept)
    if not _FIXED.isdisjoint(_without_lists(listed)):
        return tuple(listed)
    head, adjuncts = _chunks(listed)
    return (tuple(_turned(head)), *map(tuple, _settled(head, adjuncts)))


def _settled(head: list[str], adjuncts: list[list[str]]) -> list[list[str]]:
    """Return what hangs on a sentence in one order, where it surely hangs on its verb: times last, two places sorted.

    "Tell Bob about the meeting on Monday" is not "On Monday tell Bob about the meeting".
    """
    times = [chunk for chunk in adjuncts if _is_time(chunk[-1])]
    others = [chunk for chunk in adjuncts if not _is_time(chunk[-1])]
    if any(chunk[0] not in _HANGING_ON_VERBS or (chunk[1:2] and chunk[1] in VERBS) for chunk in others):
        return adjuncts
    if len(others) == _TWO and head and head[-1] in VERBS:
        others.sort()
    return [*others, *(sorted(times) if len({chunk[0] for chunk in times}) == len(times) else times)]


_TWO = 2
_HANGING_ON_VERBS = frozenset({"in", "at", "as", "to", "from", "with", "on", "near", "by"})


def _weighty(keys: Sequence[str]) -> Iterator[str]:
    """Yield the words without those that may be there or not."""
    for at, key in enumerate(keys):
        after = keys[at + 1] if at + 1 < len(keys) else ""
        if key in NOW or key in WEIGHTLESS:
            continue
        if key == "too" and at + 1 == len(keys):
            continue
        if key in {"do", "does"} and (after in VERBS or after == "not"):
            continue
        if key == "that" and at and keys[at - 1] in _SAYING and after in _SUBJECTS:
            continue
        if key == "," and (not after or after == "and" or at == 0):
            continue
        yield key


_SUBJECTS = SPEAKERS | PRONOUNS | frozenset({"my", "our", "his", "her", "their"})
_SAYING = words(
    """
    say said tell told think thought know knew mention mentioned believe believed hope hoped learn learnt remember
    report reported explain explained
    """
)

_FIXED = COMPLEX | FOCUS | ATTACHING | {"?"}
"""Where one of these stands, nothing is moved."""
_LISTED = "&"
"""Begins the items of a list, joined in one key, so that their order does not count."""


def _sorted_lists(keys: list[str]) -> list[str]:
    """Return the words with "tea and milk" as one key, where both words surely are items of the list."""
    if keys.count("and") != 1 or "respectively" in keys:
        # "Mia and Tom are 5 and 7": the lists belong to each other.
        return keys
    made: list[str] = []
    at = 0
    while at < len(keys):
        items, end = _list_at(keys, at, made)
        if items:
            made.append(_LISTED + " ".join(sorted(items)))
            at = end
        else:
            made.append(keys[at])
            at += 1
    return made


def _list_at(keys: list[str], at: int, made: list[str]) -> tuple[list[str], int]:
    """Return the items of the list that begins here, and where it ends; none if this is not surely a list."""
    if made and made[-1] not in VERBS and made[-1] not in PREPOSITIONS and made[-1] not in _BEFORE_LISTS:
        return [], at
    items, end = [keys[at]], at + 1
    while end + 1 < len(keys) and keys[end] == "," and _is_item(keys[end + 1]):
        items.append(keys[end + 1])
        end += 2
    if end + 1 >= len(keys) or keys[end] != "and" or not all(map(_is_item, [*items, keys[end + 1]])):
        return [], at
    items.append(keys[end + 1])
    end += 2
    closed = (
        end == len(keys)
        or keys[end] in PREPOSITIONS
        or (not made and (keys[end] in VERBS or keys[end] in _BEFORE_LISTS))
    )
    return (items, end) if closed else ([], at)


_BEFORE_LISTS = frozenset({"be", "was", "own", ","})


def _is_item(key: str) -> bool:
    return (
        key[0].isalpha() and key not in VERBS and key not in PREPOSITIONS and key not in PRONOUNS and key not in COMPLEX
    )


def _without_lists(keys: list[str]) -> list[str]:
    return [key for key in keys if not key.startswith(_LISTED)]


def _chunks(keys: list[str]) -> tuple[list[str], list[list[str]]]:
    """Return what stands before the first preposition, and what each preposition brings."""
    head: list[str] = []
    chunks: list[list[str]] = []
    held = head
    for key in keys:
        if key in PREPOSITIONS:
            held = [key]
            chunks.append(held)
        elif key == "," and held is not head and not head:
            held = head
        elif held is not head and not head and _begins(held[-1], key):
            # "On 14 March Ann flew", "on the balcony I grow": what stands before the sentence is over.
            held = head
            held.append(key)
        else:
            held.append(key)
    return head, chunks


def _begins(last: str, key: str) -> bool:
    return (_is_time(last) and not _is_time(key)) or key in SPEAKERS or key in PRONOUNS


def _is_time(key: str) -> bool:
    return key[0] == DATE or EXCLUSIVE.get(key) in _TIMES or _YEAR.fullmatch(key) is not None


_TIMES = frozenset({"weekday", "month", "daytime", "season"})
_YEAR = re.compile(r"#(?:19|20)\d\d")


def _turned(head: list[str]) -> list[str]:
    """Return "bob be my boss" as "my boss be bob": what belongs to somebody stands first."""
    if head.count("be") != 1:
        return head
    at = head.index("be")
    one, two = head[:at], head[at + 1 :]
    if one and _belongs(two) and not _belongs(one):
        return [*two, "be", *one]
    return head


def _belongs(words: list[str]) -> bool:
    return len(words) > 1 and any(word in POSSESSIVES for word in words[:-1])
