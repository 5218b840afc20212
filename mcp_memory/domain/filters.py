"""Filters: what clients write, in either vocabulary, and the one ``Where`` that every store understands.

A filter never widens a scope: all conditions are ANDed, an unknown operator is an error and not "no condition".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

from mcp_memory.domain.moments import after, in_utc, start_of
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.storable import storable_text

TagField = Literal[
    "namespace", "user_id", "session_id", "memory_type", "extraction_strategy", "source", "topics", "entities"
]
DateField = Literal["created_at", "last_accessed", "event_date"]

CASELESS: frozenset[TagField] = frozenset({"topics", "entities", "source"})
"""Labels that people type; the others are identifiers and compare to the letter."""


@dataclass(frozen=True, slots=True)
class Tags:
    """A condition on a label or list of labels; parts that are None do not restrict."""

    field: TagField
    any: frozenset[str] | None = None
    all: frozenset[str] | None = None
    none: frozenset[str] | None = None
    startswith: str | None = None

    def matches(self, record: MemoryRecord) -> bool:
        """Say whether the record meets every part of the condition."""
        held = {self.folded(value) for value in _values(record, self.field)}
        return (
            (self.any is None or not held.isdisjoint(self.any))
            and (self.all is None or held >= self.all)
            and (self.none is None or held.isdisjoint(self.none))
            and (self.startswith is None or any(value.startswith(self.startswith) for value in held))
        )

    @property
    def only(self) -> str | None:
        """The single value that the label must have, where nothing else is asked of it."""
        besides = (self.any, self.none, self.startswith)
        if self.all is None or len(self.all) != 1 or any(part is not None for part in besides):
            return None
        return next(iter(self.all))

    def folded(self, value: str) -> str:
        """Return the value as this field compares it."""
        return value.casefold() if self.field in CASELESS else value


@dataclass(frozen=True, slots=True)
class Dates:
    """A condition on a moment: ``start <= moment < end``, and outside every span of ``outside``."""

    field: DateField
    start: datetime | None = None
    end: datetime | None = None
    outside: tuple[tuple[datetime, datetime], ...] = ()

    def matches(self, record: MemoryRecord) -> bool:
        """Say whether the record's moment lies within; a record without one is only ever "outside"."""
        moment: datetime | None = getattr(record, self.field)
        if moment is None:
            return self.start is None and self.end is None
        return (
            (self.start is None or self.start <= moment)
            and (self.end is None or moment < self.end)
            and not any(first <= moment < last for first, last in self.outside)
        )


@dataclass(frozen=True, slots=True)
class Where:
    """Which memories a request is about: every condition holds."""

    scope: Scope = Scope()
    tags: tuple[Tags, ...] = ()
    dates: tuple[Dates, ...] = ()
    current_at: datetime | None = None
    """Leave out memories that had ended by this moment (superseded or expired facts)."""
    as_of: datetime | None = None
    """Only memories that held at this moment."""

    def matches(self, record: MemoryRecord) -> bool:
        """Say whether the record meets every condition; the meaning that stores translate."""
        return (
            self.scope.namespace in (None, record.namespace)
            and self.scope.user_id in (None, record.user_id)
            and self.scope.session_id in (None, record.session_id)
            and all(condition.matches(record) for condition in self.tags)
            and all(condition.matches(record) for condition in self.dates)
            and (self.current_at is None or not record.ended_by(self.current_at))
            and (self.as_of is None or record.holds_at(self.as_of))
        )


def _values(record: MemoryRecord, field: TagField) -> list[str]:
    value = getattr(record, field)
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [str(value)]


class _Filter(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _known_operators(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        # Published clients send every operator with null, and "field" or "enum_class" as an echo of the schema.
        given = {k: v for k, v in value.items() if v is not None and k not in {"field", "enum_class"}}
        known = {field.alias or name for name, field in cls.model_fields.items()}
        if unknown := sorted(set(given) - known):
            raise ValueError(f"unknown operator {', '.join(unknown)}; use {', '.join(sorted(known))}")
        if not set(given) - {"inclusive"}:
            raise ValueError(f"a filter needs an operator: {', '.join(sorted(known))}; or leave the filter out")
        return given


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Value = Annotated[str, BeforeValidator(storable_text)]
_Values = Annotated[list[_Value], Field(min_length=1), BeforeValidator(_one_or_many)]


class TagFilter(_Filter):
    """What a client writes to restrict a label: a plain string, a list (any of), or operators."""

    eq: _Value | None = None
    ne: _Value | None = None
    not_eq: _Value | None = None
    any: _Values | None = None
    in_: _Values | None = None
    all: _Values | None = None
    none: _Values | None = None
    not_in: _Values | None = None
    startswith: Annotated[str, Field(min_length=1), BeforeValidator(storable_text)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_values(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"eq": value}
        return {"any": value} if isinstance(value, list) else value

    def condition(self, field: TagField) -> Tags:
        """Return the one condition that all given operators together mean."""
        fold = Tags(field).folded

        def folded(values: list[str] | None) -> frozenset[str] | None:
            return None if values is None else frozenset(map(fold, values))

        wanted = [part for part in (folded(self.any), folded(self.in_)) if part is not None]
        if self.eq is not None:
            wanted.append(frozenset({fold(self.eq)}))
        unwanted = [*(self.none or ()), *(self.not_in or ())]
        unwanted += [value for value in (self.ne, self.not_eq) if value is not None]
        # eq, any and in_ are separate conditions: a list of labels may meet each with another label.
        required = folded(self.all) or frozenset()
        alternatives = None
        for part in wanted:
            if len(part) == 1:
                required |= part
            else:
                alternatives = part if alternatives is None else alternatives & part
        return Tags(
            field,
            any=alternatives,
            all=required or None,
            none=frozenset(map(fold, unwanted)) or None,
            startswith=None if self.startswith is None else fold(self.startswith),
        )


_MOMENT: TypeAdapter[datetime] = TypeAdapter(datetime, config=ConfigDict(defer_build=True))
_Span = tuple[datetime, datetime]


def _span(value: Any) -> _Span:
    """Return the half-open span that a written date means: a whole day, or one second."""
    if isinstance(value, str) and len(value) == len("2026-01-31"):
        try:
            first = start_of(date.fromisoformat(value))
        except ValueError as error:
            raise ValueError(f"{value!r} is no date; write 2026-01-31 or 2026-01-31T12:00:00Z") from error
        return first, after(first, timedelta(days=1))
    try:
        moment = in_utc(_MOMENT.validate_python(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is no date; write 2026-01-31 or 2026-01-31T12:00:00Z") from error
    return moment, after(moment, timedelta(microseconds=1))


_Date = Annotated[_Span, BeforeValidator(_span, json_schema_input_type=datetime | date | float)]


def _second(span: _Span) -> _Span:
    """Widen a single moment to its whole second, the precision to which dates are compared for equality."""
    first, last = span
    if last - first > timedelta(seconds=1):
        return span
    whole = first.replace(microsecond=0)
    return whole, after(whole, timedelta(seconds=1))


class DateFilter(_Filter):
    """What a client writes to restrict a date: a plain date, or operators; both ends of a range count."""

    eq: _Date | None = None
    ne: _Date | None = None
    gt: _Date | None = None
    gte: _Date | None = None
    lt: _Date | None = None
    lte: _Date | None = None
    between: Annotated[list[_Date], Field(min_length=2, max_length=2)] | None = None
    inclusive: Literal["both", "neither", "left", "right"] = "both"

    @model_validator(mode="before")
    @classmethod
    def _plain_values(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"eq": value}

    def condition(self, field: DateField) -> Dates:
        """Return the one condition that all given operators together mean."""
        starts: list[datetime] = []
        ends: list[datetime] = []
        if self.eq is not None:
            first, last = _second(self.eq)
            starts.append(first)
            ends.append(last)
        if self.between is not None:
            low, high = self.between
            starts.append(low[0] if self.inclusive in {"both", "left"} else low[1])
            ends.append(high[1] if self.inclusive in {"both", "right"} else high[0])
        starts += [span[0] for span in (self.gte,) if span] + [span[1] for span in (self.gt,) if span]
        ends += [span[1] for span in (self.lte,) if span] + [span[0] for span in (self.lt,) if span]
        return Dates(
            field,
            start=max(starts, default=None),
            end=min(ends, default=None),
            outside=() if self.ne is None else (_second(self.ne),),
        )
