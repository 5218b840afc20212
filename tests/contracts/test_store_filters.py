"""Every store means by a ``Where`` what ``Where.matches`` says, for any filter over any memories."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_memory.domain.filters import DateField, DateFilter, Dates, TagField, TagFilter, Tags, Where
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Entry
from mcp_memory.ports.store import Store
from tests.contracts.conftest import KINDS, Stores
from tests.contracts.entries import candidates, entry, operation, vector
from tests.standing_clock import NOON

NAMES = ["", "a", "A", "ab", "ß", "SS", "ss", "'", '"', "%", "_", "a\0", "\U0010ffff", "\ud7ff", "\ue000", "é", "é"]
names = st.sampled_from(NAMES)
maybe = st.none() | names
writable = names.filter(lambda name: "\0" not in name)
"""What a client may write in a filter."""
moments = st.integers(-4, 4).map(lambda hours: NOON + timedelta(hours=hours))
instants = st.builds(lambda moment, extra: moment + timedelta(microseconds=extra), moments, st.integers(-1, 1))

fields = st.fixed_dictionaries(
    {
        "namespace": maybe,
        "user_id": maybe,
        "session_id": maybe,
        "source": maybe,
        "topics": st.lists(names, max_size=3),
        "entities": st.lists(names, max_size=2),
        "memory_type": st.sampled_from(["semantic", "episodic", "message"]),
        "extraction_strategy": names,
        "created_at": instants,
        "last_accessed": instants,
        "event_date": st.none() | instants,
        "valid_from": st.none() | instants,
        "valid_to": st.none() | instants,
    }
)


@st.composite
def tag_filters(draw: st.DrawFn) -> Tags:
    operators = st.sampled_from(["eq", "ne", "not_eq", "any", "in_", "all", "none", "not_in", "startswith"])
    values: dict[str, Any] = {}
    for operator in draw(st.lists(operators, min_size=1, max_size=3, unique=True)):
        many = operator in {"any", "in_", "all", "none", "not_in"}
        texts = writable.filter(bool) if operator == "startswith" else writable
        values[operator] = draw(st.lists(texts, min_size=1, max_size=3) if many else texts)
    return TagFilter(**values).condition(draw(st.sampled_from(get_args(TagField))))


@st.composite
def date_filters(draw: st.DrawFn) -> Dates:
    operators = st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte", "between"])
    days = st.sampled_from(["2026-05-19", "2026-05-20", "2026-05-21"])
    values: dict[str, Any] = {}
    for operator in draw(st.lists(operators, min_size=1, max_size=2, unique=True)):
        one = instants | days
        values[operator] = draw(st.lists(one, min_size=2, max_size=2) if operator == "between" else one)
    inclusive = draw(st.sampled_from(["both", "neither", "left", "right"]))
    return DateFilter(**values, inclusive=inclusive).condition(draw(st.sampled_from(get_args(DateField))))


wheres = st.builds(
    Where,
    scope=st.builds(Scope, maybe, maybe, maybe) | st.just(Scope()),
    tags=st.lists(tag_filters(), max_size=2).map(tuple),
    dates=st.lists(date_filters(), max_size=2).map(tuple),
    current_at=st.none() | instants,
    as_of=st.none() | instants,
)


async def _in_a_store(stores: Stores, kind: str, entries: Sequence[Entry], asked: Sequence[Where]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with stores.opened(kind, Path(folder)) as store:
            await store.add(entries, operation(), duplicates="keep_both")
            for where in asked:
                await _agree(store, [entry.record for entry in entries], where)


async def _agree(store: Store, records: Sequence[MemoryRecord], where: Where) -> None:
    wanted = {record.id for record in records if where.matches(record)}
    assert {record.id for record in await store.page(where, limit=99)} == wanted
    assert await store.count(where) == wanted.__len__()
    assert await store.count(where, ["tea"]) == len(wanted)
    for asked in ({"vector": vector(1)}, {"terms": ("tea",)}):
        found = await store.records((await candidates(store, **asked, where=where, neighbours=1)).handles)
        assert {record.id for record in found if record} == wanted


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=st.lists(fields, min_size=1, max_size=12), asked=st.lists(wheres, min_size=1, max_size=8))
def test_a_filter_means_the_same_everywhere(
    stores: Stores, kind: str, made: list[dict[str, Any]], asked: list[Where]
) -> None:
    """``Where.matches`` is the meaning that stores translate."""
    entries = [entry("tea", vector(1), id=str(number), **one) for number, one in enumerate(made)]
    # Scopes that a memory has are worth more tries than those that none has.
    near = [replace(where, scope=one.record.scope) for where, one in zip(asked, entries, strict=False)]
    asyncio.run(_in_a_store(stores, kind, entries, [*asked, *near]))


@pytest.mark.parametrize("empty", [frozenset[str]()])
@pytest.mark.parametrize("field", get_args(TagField))
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_set_means_nothing_or_everything(
    stores: Stores, kind: str, field: TagField, empty: frozenset[str]
) -> None:
    """Any of none is nothing; all of none and none of none is everything."""
    asked = [Where(tags=(Tags(field, any=empty),)), Where(tags=(Tags(field, all=empty, none=empty),))]
    asyncio.run(_in_a_store(stores, kind, [entry("tea", vector(1)), entry("tea", vector(1), topics=["x"])], asked))
