"""Figures: a text as tokens in which every number, date, time, amount and identifier is written one way.

English and the international forms. What can be read in two ways ("1.000", "03/04/2026") keeps its own writing, so that
it is equal to itself alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from sys import intern
from typing import NamedTuple

from mcp_memory.domain.meanings import UNITS
from mcp_memory.domain.talk import MONTHS

NUMBER, DATE, UNIT, CODE = "#", "@", "~", "`"
"""What a token begins with that is no word."""
FIGURE = (NUMBER, DATE, UNIT, CODE)


class Token(NamedTuple):
    """A piece of a text: what it is compared by, and how it was written."""

    key: str
    shown: str


def tokens(text: str) -> list[Token]:
    """Return the words, figures and stops of the text, in order.

    Example:
        "Paid 1,200 EUR on March 14th, 2026." is ``paid #1200 ~eur on @2026-03-14 .``
    """
    plain = unicodedata.normalize("NFKC", text.translate(_NARROW)).translate(_TYPOGRAPHY)
    read = list(_pieces(plain))
    keys = {token.key for token in read}
    # Most texts have none of these, and need not be gone through for them.
    if not _HALVES.isdisjoint(keys):
        read = list(_clock(read))
    if not _COUNTING.isdisjoint(keys):
        read = list(_counted(read))
    return list(_measured(read)) if any(token.key[0] == NUMBER for token in read) else read


_NARROW = {0xA0: "\x1f", 0x202F: "\x1f", 0x2009: "\x1f"}
"""Blanks that part the thousands of a number, before they become like any other."""
_TYPOGRAPHY = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "\u02bc": "'", "\u00b4": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
     "–": "-", "—": " - ", "\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2044": "/", "\u00ad": "", "\u200b": ""}
)  # fmt: skip

_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS).replace("sep(?:tember)?", "sept?(?:ember)?")
_HALF = r"(?:\s?[ap]\.?\s?m\b\.?)"
_SIZES = (
    "km/h kmh km cm mm mg kg kb mb gb tb kwh kw mph fps ghz mhz khz hz ml cl dl lbs lb oz ft hrs hr mins min secs sec"
    " ms px kcal m g h l s w"
)
_BEGINNINGS = "|".join(name[:3] for name in MONTHS)
_PATTERN = re.compile(
    # Most of a text is plain, and need not be tried for all that follows; no other token begins like these.
    r"(?P<blank> (?!-))|(?P<comma>[,、，()\[\]])"
    rf"|(?P<plain>(?<![^\s(])(?!(?i:{_BEGINNINGS}|noon|midnight))[A-Za-z]+(?=[ ,;)]|$))(?: (?!-))?"
    rf"|(?P<digits>(?<![^\s(])\d+(?=[ ;)]|,(?!\d)|$)(?!\s+(?i:of\b|{_BEGINNINGS}|[ap]\.?\s?m\b|o'clock)))"
    r"|(?P<code>`[^`\n]+`|(?:https?://|www\.)[^\s\"<>]*[^\s\"<>.,;:!?)\]']|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w/])[~.]{0,2}(?:[/\\][\w.+-]*\w){2,}/?|(?<![\w/])[A-Za-z]:\\[\w.\\+-]*\w|(?<![\w/])(?:\.{1,2}|~)?/\w[\w.-]*"
    r"|[\w.-]+(?:/[\w.-]+)*/?\w*\.(?:py|js|ts|md|txt|json|ya?ml|toml|sql|sh|go|rs|c|cpp|h|java|html|css|csv|pdf)\b"
    r"|\w*[^\W\d]\w*(?:::\w+)+|[^\W\d]\w*\(\)|\w*[^\W_]_\w+|(?<!\w)--\w[\w-]*|(?<!\w)\#\d+\b|\bv\d+(?:\.\w+)*\b"
    r"|\b(?!\d{1,2}\.\d{1,2}\.\d{4}\b)\d+(?:\.\d+){2,}\b(?!\.\d)|(?i:\b(?:c\+\+|c\#|f\#)(?!\w)|\.net\b)|@\w+)"
    r"|(?P<iso>\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:(?=T\d)|\b))"
    rf"|(?P<day>(?i:\b\d{{1,2}}(?:st|nd|rd|th)?\.?\s+(?:of\s+)?(?:{_MONTH})\b\.?(?:,?\s+\d{{4}}\b)?))"
    rf"|(?P<monthday>(?i:\b(?:{_MONTH})\b\.?\s+(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?\b(?!:)(?:,?\s+\d{{4}}\b)?))"
    rf"|(?P<month>(?i:\b(?:{_MONTH})\b\.?,?\s+(?:of\s+)?(?:19|20)\d\d\b))"
    r"|(?P<dotted>\b\d{1,2}(?P<mark>[./])\d{1,2}(?P=mark)(?:\d{4}|\d{2})\b)"
    rf"|(?P<time>(?i:(?:(?<=\d)T|\b)\d{{1,2}}(?::\d{{2}}){{1,2}}{_HALF}?(?:z\b)?|\b\d{{1,2}}(?:\.\d{{2}})?{_HALF}"
    r"|\b\d{1,2}\s?o'clock\b|\bnoon\b|\bmidnight\b))"
    r"|(?P<ordinal>(?i:\b\d+(?:st|nd|rd|th)\b))"
    r"|(?P<number>(?<![\w.,])[-+]?\d+(?:[.,'\x1f/]\d+)*(?:(?:[kKM]|bn|mn)\b)?(?!\w|[.,]\d)"
    r"|(?<=[$€£])\d+(?:[.,]\d+)*m\b"
    rf"|(?<![\w.,])[-+]?\d+(?:[.,]\d+)*(?!\d)(?=(?i:{_SIZES.replace(' ', '|')})\b))"
    r"|(?P<short>\b(?:[A-HJ-Z]|Dr|Mr|Mrs|Ms|St|Prof|Jr|Sr|approx|ca|vs|etc|e\.g|i\.e)\.(?=\s*\S))"
    r"|(?P<word>[^\W\d_][^\W_]*(?:'[^\W\d_]+)*'?|\w+)"
    r"|(?P<sign>[$€£¥₹₩₽%°&+=<>])"
    r"|(?P<stop>[.!?…。！？;:]+|\n+)|(?P<dash>\s-+\s)|(?P<other>[^\s\w\"'*\-])"
)  # fmt: skip


def _pieces(text: str) -> Iterator[Token]:
    for match in _PATTERN.finditer(text):
        kind = match.lastgroup
        if kind == "plain":
            # Of the words of very many texts each is held once.
            shown = intern(match[kind])
            yield Token(intern(shown.casefold()), shown)
            continue
        if kind == "blank":
            continue
        shown = match[0]
        if kind == "mark":
            kind = "dotted"
        if kind == "short":
            yield Token(shown[:-1].casefold(), shown[:-1])
        elif kind == "word":
            yield from _words(shown)
        elif kind in _READERS:
            yield Token(_READERS[kind](shown if kind == "code" else shown.casefold()), shown.strip())
        else:
            yield Token(_mark(kind, shown), shown)


OTHER = "_"
"""Begins a token that is neither word nor figure: an emoji, an arrow."""


def _mark(kind: str | None, shown: str) -> str:
    """Return "?" where something is asked, ":" where something follows, "." at an end; any other sign as it is."""
    if kind in {"comma", "dash"}:
        return ","
    if kind != "stop":
        return OTHER + shown if kind == "other" or shown in _SIGNS else shown
    return "?" if set(shown) & {"?", "？"} else ":" if shown == ":" else "."


def _words(shown: str) -> Iterator[Token]:
    """Yield a word, without the apostrophe that only closes a quotation."""
    word = shown.rstrip("'") if not shown.endswith("s'") else shown
    yield Token(word.casefold(), word)


def _code(shown: str) -> str:
    return CODE + shown.strip("`").rstrip("/")


def _iso(shown: str) -> str:
    year, month, day = re.split(r"[-/.]", shown)
    return f"{DATE}{year}-{int(month):02}-{int(day):02}"


def _month_number(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name[:3]))


def _day(shown: str) -> str:
    """Return "@2026-03-14" for "14 March 2026" and "March 14th, 2026", "@03-14" without the year."""
    numbers = re.findall(r"\d+", shown)
    name = next(word for word in re.findall(r"[a-z]{3,}", shown) if word != "the")
    day, year = numbers[0], numbers[1] + "-" if len(numbers) > 1 else ""
    return f"{DATE}{year}{_month_number(name):02}-{int(day):02}"


def _month(shown: str) -> str:
    return f"{DATE}{shown[-4:]}-{_month_number(shown):02}"


_MONTHS_A_YEAR = 12


def _dotted(shown: str) -> str:
    first, second, year = re.split(r"[./]", shown)
    known = len(year) == len("2026")
    if known and "." in shown and int(second) <= _MONTHS_A_YEAR:
        return f"{DATE}{year}-{int(second):02}-{int(first):02}"
    if known and int(first) > _MONTHS_A_YEAR >= int(second):
        return f"{DATE}{year}-{int(second):02}-{int(first):02}"
    if known and int(second) > _MONTHS_A_YEAR >= int(first):
        return f"{DATE}{year}-{int(first):02}-{int(second):02}"
    return DATE + shown


_NAMED_TIMES = {"noon": "12:00", "midnight": "24:00"}
_NOON = 12


def _time(shown: str) -> str:
    """Return "@15:30" for "3:30 p.m."; "@3:30?" for "3:30", which may be either half of the day."""
    if shown in _NAMED_TIMES:
        return DATE + _NAMED_TIMES[shown]
    numbers = re.findall(r"\d+", shown)
    hour, rest = int(numbers[0]), ":".join(numbers[1:] or ["00"])
    half = re.search(r"([ap])\.?\s?m", shown)
    if half and hour <= _NOON:
        return f"{DATE}{hour % _NOON + (_NOON if half[1] == 'p' else 0):02}:{rest}"
    unsure = hour <= _NOON and not shown.startswith(("t", "0"))
    return f"{DATE}{hour}:{rest}?" if unsure else f"{DATE}{hour:02}:{rest}"


def _ordinal(shown: str) -> str:
    return f"{NUMBER}o{int(shown[:-2])}"


_SUFFIXES = {"bn": 1_000_000_000, "mn": 1_000_000, "m": 1_000_000, "k": 1_000}
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+|[-+]?\d{1,3}(?:['\x1f]\d{3})+")


def _number(shown: str) -> str:
    suffix = next((suffix for suffix in _SUFFIXES if shown.endswith(suffix)), "")
    value = shown.removesuffix(suffix).removeprefix("+")
    if _THOUSANDS.fullmatch(value):
        value = re.sub(r"[,'\x1f]", "", value)
    value = value.replace("\x1f", " ")
    if suffix:
        value = _times(value, _SUFFIXES[suffix]) or value + suffix
    return NUMBER + value


def _times(value: str, factor: int) -> str | None:
    """Return "2500000" for "2.5" times a million, nothing where that is not a whole number of its digits."""
    whole, _, part = value.partition(".")
    zeros = len(str(factor)) - 1
    if not whole.isdecimal() or (part and not part.isdecimal()) or len(part) > zeros:
        return None
    return str(int(whole + part.ljust(zeros, "0")))


def _digits(shown: str) -> str:
    return NUMBER + shown


_READERS: dict[str | None, Callable[[str], str]] = {
    "iso": _iso, "day": _day, "monthday": _day, "month": _month, "dotted": _dotted, "time": _time,
    "ordinal": _ordinal, "number": _number, "digits": _digits, "code": _code,
}  # fmt: skip


def _numbered(text: str, first: int = 0, step: int = 1) -> dict[str, int]:
    return {name: first + step * at for at, name in enumerate(text.split())}


_SMALL = _numbered(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENS = _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
_FACTORS = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINALS = _numbered(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth",
    1,
)
_COUNTING = frozenset({*_SMALL, *_TENS, *_FACTORS, *_ORDINALS, "dozen"})
"""Without one of these there is no number in words."""


_QUARTERS = {("half", "past"): 30, ("quarter", "past"): 15, ("quarter", "after"): 15, ("quarter", "to"): -15}
_HALVES = frozenset({"half", "quarter"})
"""Without one of these there is no hour in words but a whole one."""
_HOURS = {**{name: hour for name, hour in _SMALL.items() if 0 < hour <= _NOON}, **{f"#{h}": h for h in range(1, 13)}}


def _clock(read: list[Token]) -> Iterator[Token]:
    """Yield the tokens with "half past nine" as "@9:30?", which may be either half of the day."""
    at = 0
    while at < len(read):
        minutes = _QUARTERS.get((read[at].key, read[at + 1].key)) if at + 2 < len(read) else None
        hour = _HOURS.get(read[at + 2].key) if minutes is not None else None
        if minutes is None or hour is None:
            yield read[at]
            at += 1
            continue
        whole, rest = divmod(hour * 60 + minutes, 60)
        yield Token(f"{DATE}{whole or _NOON}:{rest:02}?", f"{read[at].shown} {read[at + 2].shown}")
        at += 3


def _counted(read: list[Token]) -> Iterator[Token]:
    """Yield the tokens with numbers in words as numbers: "twenty-one", "two hundred and five", "5 million"."""
    at = 0
    while at < len(read):
        key = read[at].key
        if key in _SMALL or key in _TENS or (key in _FACTORS and at and read[at - 1].key in {"a", "an"}):
            value, at = _spelled(read, at)
            yield value
        elif key in _ORDINALS and not (key == "second" and read[at - 1 : at] and read[at - 1].key in {"a", "per"}):
            yield Token(f"{NUMBER}o{_ORDINALS[key]}", read[at].shown)
            at += 1
        elif key.startswith(NUMBER) and at + 1 < len(read) and read[at + 1].key in _FACTORS:
            product = _times(key[1:], _FACTORS[read[at + 1].key])
            yield Token(NUMBER + product, f"{read[at].shown} {read[at + 1].shown}") if product else read[at]
            at += 2 if product else 1
        else:
            yield Token(f"{NUMBER}12", read[at].shown) if key == "dozen" else read[at]
            at += 1


def _spelled(read: list[Token], at: int) -> tuple[Token, int]:
    """Return the number that begins here, and where the text goes on."""
    total = current = 0
    began, last = at, ""
    while at < len(read) and _continues(read, at, last):
        last = read[at].key
        if last in _FACTORS:
            current = max(current, 1) * _FACTORS[last]
            if _FACTORS[last] > _FACTORS["hundred"]:
                total, current = total + current, 0
        else:
            current += _SMALL.get(last, 0) or _TENS.get(last, 0)
        at += 1
    shown = " ".join(token.shown for token in read[began:at])
    return Token(f"{NUMBER}{total + current}", shown), at


def _continues(read: list[Token], at: int, last: str) -> bool:
    """Say whether the number in words goes on here: "two three" are two numbers, "twenty three" is one."""
    key = read[at].key
    if key == "and":
        return last in _FACTORS and at + 1 < len(read) and (read[at + 1].key in _SMALL or read[at + 1].key in _TENS)
    if key in _FACTORS:
        return last != "and"
    if key in _SMALL:
        return last in {"", "and", *_FACTORS} or (last in _TENS and 0 < _SMALL[key] < 10)  # noqa: PLR2004 -- the units
    return key in _TENS and last in {"", "and", *_FACTORS}


_MONEY = {"usd", "eur", "gbp", "jpy", "inr", "krw", "rub", "chf"}
_SCALES = {"c": "°c", "celsius": "°c", "f": "°f", "fahrenheit": "°f"}


def _measured(waiting: list[Token]) -> Iterator[Token]:
    """Yield the tokens with units behind their numbers: "$5", "5 dollars" and "USD 5" are one amount."""
    at = 0
    while at < len(waiting):
        token = waiting[at]
        unit = UNITS.get(token.key)
        if unit in _MONEY and (token.key in "$€£¥₹₩₽" or len(token.key) == len("usd")) and _is_number(waiting, at + 1):
            yield waiting[at + 1]
            yield Token(UNIT + unit, token.shown)
            at += 2
            continue
        if token.key.startswith(NUMBER) and not token.key.startswith(NUMBER + "o"):
            yield token
            taken, named = _unit(waiting, at + 1)
            if named is not None:
                yield named
            at += 1 + taken
            continue
        yield token
        at += 1


_SIGNS = frozenset("=<>+&")


def _is_number(read: list[Token], at: int) -> bool:
    return at < len(read) and read[at].key.startswith(NUMBER)


def _unit(read: list[Token], at: int) -> tuple[int, Token | None]:
    """Return how many tokens the unit of a number takes, and the unit."""
    keys = [token.key for token in read[at : at + 2]]
    if not keys:
        return 0, None
    if keys[0] in {"°", "degrees", "degree"}:
        scale = _SCALES.get(keys[1]) if len(keys) > 1 else None
        return (2, Token(f"{UNIT}{scale}", read[at + 1].shown)) if scale else (1, Token(f"{UNIT}°", read[at].shown))
    if keys == ["per", "cent"]:
        return 2, Token(f"{UNIT}%", "per cent")
    unit = UNITS.get(keys[0])
    return (1, Token(UNIT + unit, read[at].shown)) if unit else (0, None)
