"""Talk: what stands before the words of a turn that was written down: the day, and who speaks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turn:
    """A text, taken apart."""

    said: str
    """The text without what stands before it."""
    speaker: str = ""
    """The name before the colon, as written; empty if there is none."""
    day: date | None = None
    """The date that the text begins with."""


_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS).replace("sep(?:tember)?", "sept?(?:ember)?")
_HOUR = r"\d{1,2}(?::\d{2}){1,2}(?:\.\d+)?(?:\s?[ap]\.?m\.?)?"
_DATE = re.compile(
    rf"\s*[\[(*]*\s*(?:{_HOUR},?\s+(?:on\s+)?)?"
    r"(?:(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})"
    rf"|(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<month>{_MONTH})\.?,?\s+(?P<year2>\d{{4}})"
    rf"|(?P<month2>{_MONTH})\.?\s+(?P<day3>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year3>\d{{4}}))"
    rf"(?:(?:T|,?\s+(?:at\s+)?){_HOUR}(?:Z|[+-]\d\d:?\d\d)?)?"
    r"\s*(?:[\])*]+\s*[:,|–-]?|[:,|–-])\s+(?=\S)",
    re.IGNORECASE,
)
_NAME = re.compile(r"\s*(?:\[([^\]\n]{1,40})\]:?|\*{0,2}([^\W\d_][\w .'’-]{0,39}?)\*{0,2}:)\s+(?=\S)")
_MOST_WORDS_OF_A_NAME = 3
_NOT_NAMES = frozenset(
    {"note", "todo", "fact", "update", "warning", "re", "fwd", "ps", "https", "http", "summary", "important"}
)


def turn(text: str) -> Turn:
    """Return the text taken apart: "[8 May 2023] Ann: Hello" is Ann's "Hello" of that day."""
    dated = _DATE.match(text)
    day = None if dated is None else _day(dated)
    said = text if dated is None or day is None else text[dated.end() :]
    named = _NAME.match(said)
    name = "" if named is None else (named[1] or named[2]).strip()
    if named is None or name.casefold() in _NOT_NAMES or len(name.split()) > _MOST_WORDS_OF_A_NAME:
        return Turn(said, day=day)
    return Turn(said[named.end() :], name, day)


def _day(found: re.Match[str]) -> date | None:
    year = found["year"] or found["year2"] or found["year3"]
    day = found["day"] or found["day2"] or found["day3"]
    month = found["month"] or found["month2"]
    number = int(found["number"]) if month is None else _number(month)
    try:
        return date(int(year), number, int(day))
    except ValueError:
        return None


def _number(month: str) -> int:
    return next(number for number, name in enumerate(MONTHS, 1) if name.startswith(month[:3].lower()))
