"""Measures: whether two figures that are written differently may be one: "24 hours" and "a day", "4" and "4 pm"."""

from __future__ import annotations

import re
from math import isclose

from mcp_memory.domain.figures import DATE, NUMBER, UNIT

_DIMENSIONS: dict[str, dict[str, float]] = {
    "time": {"ms": 0.001, "s": 1, "min": 60, "h": 3_600, "day": 86_400, "week": 604_800},
    "span": {"month": 1, "year": 12},
    "length": {"mm": 0.001, "cm": 0.01, "m": 1, "km": 1_000, "inch": 0.0254, "ft": 0.3048, "mile": 1_609.344},
    "mass": {"mg": 0.001, "g": 1, "kg": 1_000, "oz": 28.3495, "lb": 453.592, "pound": 453.592},
    "volume": {"ml": 0.001, "l": 1},
    "data": {"kb": 1, "mb": 1_000, "gb": 1_000_000, "tb": 1_000_000_000},
    "speed": {"km/h": 1, "mph": 1.609344},
}
_MEASURES = {unit: (name, factor) for name, units in _DIMENSIONS.items() for unit, factor in units.items()}
"""What a unit measures, and how many of the smallest or usual unit it is."""
_ROUNDED = 0.03
"""By how much two amounts in different units may differ, for people round what they convert."""
_CLOCK = re.compile(r"@(\d{1,2}):(\d\d)(\?)?$")
_HALF_DAY = 12


def may_equal(one: str, other: str) -> bool:
    """Say whether a figure may be the other: a day without its year, an hour without its half, an amount converted."""
    if one[0] == other[0] == NUMBER:
        return _amounts(one, other)
    if one[0] == other[0] == DATE:
        return _times(one, other)
    number, time = (one, other) if one[0] == NUMBER else (other, one)
    return number[0] == NUMBER and time[0] == DATE and number[1:].isdecimal() and _times(f"@{number[1:]}:00?", time)


def _amounts(one: str, other: str) -> bool:
    (bare, unit), (bare_, unit_) = one[1:].partition(UNIT)[::2], other[1:].partition(UNIT)[::2]
    if not unit or not unit_ or {unit, unit_} == {"pound", "gbp"}:
        # "He turned seventy" on his 70th birthday.
        return bare.removeprefix("o") == bare_.removeprefix("o")
    measure, measure_ = _MEASURES.get(unit), _MEASURES.get(unit_)
    if unit == unit_ or measure is None or measure_ is None or measure[0] != measure_[0]:
        return False
    try:
        return isclose(float(bare) * measure[1], float(bare_) * measure_[1], rel_tol=_ROUNDED)
    except ValueError:
        return False


def _times(one: str, other: str) -> bool:
    clock, clock_ = _CLOCK.match(one), _CLOCK.match(other)
    if clock and clock_:
        hours, hours_ = int(clock[1]), int(clock_[1])
        unsure = bool(clock[3] or clock_[3])
        return clock[2] == clock_[2] and (hours == hours_ or (unsure and hours % _HALF_DAY == hours_ % _HALF_DAY))
    short, long = sorted((one, other), key=len)
    return long.endswith(short[1:]) or long.startswith(short)
