"""Calendar: the days that a question's words name, as windows of days since 1970. English and ISO dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from mcp_memory.domain.talk import MONTHS
from mcp_memory.retrieval.lexicon import COUNTED, WEEKDAYS

EPOCH = date(1970, 1, 1)
LONG_AGO, FAR_AHEAD = date(1900, 1, 1), date(2200, 1, 1)


class Window(NamedTuple):
    """Days that a question speaks of: the first, the last, and how surely (0 to 1)."""

    first: int
    last: int
    weight: float = 1.0


def windows(text: str, today: date) -> list[Window]:
    """Return the days named in the text, as meant today; an expression inside a longer one is not read again."""
    found: list[Window] = []
    rest = text.casefold()
    for pattern, read in _READERS:
        for match in pattern.finditer(rest):
            try:
                found += (_window(*span) for span in read(match, today))
            except (ValueError, OverflowError):
                continue
        rest = pattern.sub(lambda match: " " * len(match[0]), rest)
    return found


_Span = tuple[date, date, float]
_Reader = Callable[[re.Match[str], date], Iterator[_Span]]


def _window(first: date, last: date, weight: float) -> Window:
    return Window((first - EPOCH).days, (last - EPOCH).days, weight)


def _month(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name[:3]))


def _month_span(year: int, month: int) -> tuple[date, date]:
    first = date(year, month, 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


_OTHER_YEARS = 5
_OTHER_YEAR = 0.6
"""How surely "in March" means a March before the last one: memories are told of the latest more often, not always."""


def _years(today: date, begins: Callable[[int], date]) -> Iterator[tuple[int, float]]:
    """Yield the years that a date without a year may lie in, the latest past one first."""
    latest = today.year if begins(today.year) <= today else today.year - 1
    yield latest, 1.0
    for back in range(1, _OTHER_YEARS + 1):
        yield latest - back, _OTHER_YEAR


def _bounded(match: re.Match[str], span: tuple[date, date]) -> tuple[date, date]:
    """Return the span, or what lies before or after it where the text says so."""
    relation = match["relation"]
    if relation in {"before", "until", "till", "by", "prior to"}:
        return LONG_AGO, span[0]
    if relation in {"after", "since"}:
        return span[1] if relation == "after" else span[0], FAR_AHEAD
    return span


def _iso(match: re.Match[str], _: date) -> Iterator[_Span]:
    day = date(int(match["y"]), int(match["m"]), int(match["d"]))
    yield *_bounded(match, (day, day)), 1.0


def _month_day(match: re.Match[str], today: date) -> Iterator[_Span]:
    month, day = _month(match["month"]), int(match["day"])
    if match["year"]:
        exact = date(int(match["year"]), month, day)
        yield *_bounded(match, (exact, exact)), 1.0
        return
    for year, weight in _years(today, lambda year: date(year, month, min(day, 28))):
        if day <= _month_span(year, month)[1].day:
            exact = date(year, month, day)
            yield *_bounded(match, (exact, exact)), weight


def _month_year(match: re.Match[str], today: date) -> Iterator[_Span]:
    month = _month(match["month"])
    if match["year"]:
        yield *_bounded(match, _month_span(int(match["year"]), month)), 1.0
        return
    for year, weight in _years(today, lambda year: date(year, month, 1)):
        yield *_bounded(match, _month_span(year, month)), weight


def _year(match: re.Match[str], _: date) -> Iterator[_Span]:
    year = int(match["year"])
    yield *_bounded(match, (date(year, 1, 1), date(year, 12, 31))), 1.0


_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}


def _season(match: re.Match[str], today: date) -> Iterator[_Span]:
    begins = _SEASONS[match["season"]]
    years = [(int(match["year"]), 1.0)] if match["year"] else list(_years(today, lambda year: date(year, begins, 1)))
    if match["which"]:
        # In summer, "last summer" is not this one.
        years = years[1:2] if match["which"] == "last" and today <= _season_span(years[0][0], begins)[1] else years[:1]
    for year, weight in years:
        yield *_bounded(match, _season_span(year, begins)), 1.0 if match["which"] else weight


def _season_span(year: int, month: int) -> tuple[date, date]:
    first = date(year, month, 1)
    return first, (first + timedelta(days=93)).replace(day=1) - timedelta(days=1)


def _near_day(match: re.Match[str], today: date) -> Iterator[_Span]:
    back = {"today": 0, "tonight": 0, "this morning": 0, "yesterday": 1, "last night": 1, "tomorrow": -1}
    word = match["word"]
    day = today - timedelta(days=2 if word.startswith("the day before") else back[word])
    yield *_bounded(match, (day, day)), 1.0


_DAYS = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}


def _count(written: str) -> int:
    """Return 3 for "3", "three" and "a few"."""
    if written.isdecimal():
        return int(written)
    return max(COUNTED[word] for word in written.split() if word in COUNTED)


_MOST_SLACK = 45


def _ago(match: re.Match[str], today: date) -> Iterator[_Span]:
    count, length = _count(match["n"]), _DAYS[match["unit"]]
    day = today - timedelta(days=round(count * length))
    # People round: "three weeks ago" is right to within half a week.
    slack = timedelta(days=min(round(length / 2), _MOST_SLACK) if length > 1 else count // 4)
    yield *_bounded(match, (day - slack, day + slack)), 1.0


def _past(match: re.Match[str], today: date) -> Iterator[_Span]:
    yield today - timedelta(days=round(_count(match["n"]) * _DAYS[match["unit"]])), today, 1.0


def _relative(match: re.Match[str], today: date) -> Iterator[_Span]:
    step = {"last": -1, "previous": -1, "past": -1, "this": 0, "next": 1}[match["which"]]
    yield *_bounded(match, _unit_span(match["unit"], step, today)), 1.0


def _unit_span(unit: str, step: int, today: date) -> tuple[date, date]:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=step)
    if unit == "week":
        return monday, monday + timedelta(days=6)
    if unit == "weekend":
        # The weekend of the week; on its own Saturday or Sunday, "last weekend" is the one before.
        return monday + timedelta(days=5), monday + timedelta(days=6)
    if unit == "month":
        months = today.year * 12 + today.month - 1 + step
        return _month_span(months // 12, months % 12 + 1)
    return date(today.year + step, 1, 1), date(today.year + step, 12, 31)


def _weekday(match: re.Match[str], today: date) -> Iterator[_Span]:
    wanted = WEEKDAYS.index(match["day"])
    back = (today.weekday() - wanted - 1) % 7 + 1
    ahead = {"next": 7, "this": 7 if wanted >= today.weekday() else 0}.get(match["which"] or "", 0)
    day = today - timedelta(days=back - ahead)
    # "On Saturday" may be any Saturday of a story; "last Saturday" is the last.
    yield *_bounded(match, (day, day)), 1.0 if match["which"] else 0.6


_RELATIONS = r"(?:(?P<relation>before|until|till|by|after|since|prior to)\s+)"
_RELATION = rf"\b{_RELATIONS}?(?:(?:on|in|during|of|the)\s+)*"
_MONTHS = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
)
_MONTH = rf"(?P<month>{_MONTHS})\b\.?"
_SURE_MONTH = rf"(?P<month>{_MONTHS.replace('|may', '').replace('mar(?:ch)?|', '')})\b\.?"
"""Months that are no other word: "may" and "march" need a word like "in" before them."""
_NO_YEAR = "(?P<year>)"
_YEAR = r"(?P<year>(?:19|20)\d\d)\b"
_DAY = r"(?P<day>\d\d?)(?:st|nd|rd|th)?"
_UNIT = r"(?P<unit>day|week|month|year)s?\b"
_N = rf"(?P<n>\d{{1,3}}|a (?:couple|few)(?: of)?|{'|'.join(COUNTED)})"
_SEASON = rf"(?P<season>{'|'.join(_SEASONS)})\b"
_NEAR = r"(?P<word>the day before yesterday|today|tonight|this morning|yesterday|last night|tomorrow)\b"


def _dated(tail: str) -> re.Pattern[str]:
    return re.compile(_RELATION + tail)


_READERS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (_dated(r"(?P<y>(?:19|20)\d\d)[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?)\b"), _iso),
    (_dated(rf"{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?"), _month_day),
    (_dated(rf"{_MONTH}\s+{_DAY}\b(?:,?\s+{_YEAR})?"), _month_day),
    (_dated(rf"{_MONTH},?\s+(?:of\s+)?{_YEAR}"), _month_year),
    (_dated(rf"{_SEASON}\s+(?:of\s+)?{_YEAR}(?P<which>)"), _season),
    (re.compile(rf"\b{_RELATIONS}?(?:(?P<which>last|this)|in|during|since)\s+(?:the\s+)?{_SEASON}{_NO_YEAR}"), _season),
    (_dated(rf"{_N}\s+{_UNIT}\s+ago\b"), _ago),
    (_dated(rf"(?:last|past|previous)\s+{_N}\s+{_UNIT}"), _past),
    (_dated(_NEAR), _near_day),
    (_dated(r"(?P<which>last|previous|past|this|next)\s+(?P<unit>weekend|week|month|year)\b"), _relative),
    (_dated(rf"(?:(?P<which>last|this|next)\s+)?(?P<day>{'|'.join(WEEKDAYS)})\b"), _weekday),
    (re.compile(rf"\b(?:{_RELATIONS}|(?:last|this|in|during)\s+){_MONTH}{_NO_YEAR}"), _month_year),
    (_dated(_SURE_MONTH + _NO_YEAR), _month_year),
    (_dated(_YEAR), _year),
)
"""In this order, the longer expression before the shorter that it holds; what was read is not read again."""
