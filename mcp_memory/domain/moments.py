"""Moments: aware datetimes in UTC, and how people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC, at most the first or last that there is; one without a zone is taken as UTC."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == FIRST.year else LAST


def after(moment: datetime, length: timedelta) -> datetime:
    """Return the moment that lies so much later, at most the last that there is."""
    return LAST if length > LAST - moment else moment + length


def start_of(day: date) -> datetime:
    """Return midnight UTC at which the day begins."""
    return datetime.combine(day, time(), UTC)


def microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970 in UTC, exact where a float would round."""
    delta = (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Moment = Annotated[datetime, AfterValidator(in_utc)]
"""A datetime field: ISO 8601 text or Unix seconds in, aware UTC inside, ISO 8601 with ``Z`` out."""
