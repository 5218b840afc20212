"""Both filter vocabularies mean one Where, and every condition counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.filters import DateFilter, TagFilter
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.requests import Search
from mcp_memory.domain.scope import Scope

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
TAG: TypeAdapter[TagFilter] = TypeAdapter(TagFilter)
DATE: TypeAdapter[DateFilter] = TypeAdapter(DateFilter)


def memory(**fields: Any) -> MemoryRecord:
    moments = {"created_at": NOW, "updated_at": NOW, "last_accessed": NOW}
    return MemoryRecord(**({"id": "1", "text": "x"} | moments | fields))


@pytest.mark.parametrize(
    ("written", "kept", "left_out"),
    [
        ("home", ["home"], ["work"]),
        (["home", "work"], ["work"], ["else"]),
        ({"eq": "home"}, ["home"], [None]),
        ({"ne": "home"}, [None], ["home"]),
        ({"not_eq": "home"}, ["work"], ["home"]),
        ({"in_": ["home", "work"]}, ["home"], ["else"]),
        ({"not_in": ["home", "work"]}, ["else"], ["work"]),
        ({"none": ["home"]}, ["work"], ["home"]),
        ({"startswith": "ho"}, ["home"], ["work"]),
        ({"any": ["home", "work"], "ne": "work"}, ["home"], ["work"]),
        ({"any": ["home", "work"], "in_": ["work", "else"]}, ["work"], ["home"]),
        ({"eq": "home", "any": None, "field": "user_id"}, ["home"], ["work"]),
    ],
)
def test_label_filters_of_both_vocabularies_restrict(
    written: object, kept: list[str | None], left_out: list[str | None]
) -> None:
    """The server's and the published clients' operators are accepted, alone and together."""
    condition = TAG.validate_python(written).condition("namespace")
    assert [condition.matches(memory(namespace=value)) for value in kept] == [True] * len(kept)
    assert [condition.matches(memory(namespace=value)) for value in left_out] == [False] * len(left_out)


def test_all_means_all() -> None:
    """Unlike its model, where ``all`` was ``any``."""
    condition = TAG.validate_python({"all": ["Music", "piano"]}).condition("topics")
    assert condition.matches(memory(topics=["piano", "music", "jazz"]))
    assert not condition.matches(memory(topics=["music"]))


def test_eq_on_a_list_of_labels_means_that_it_holds_the_label() -> None:
    """Two equalities on one list may be met by two labels."""
    condition = TAG.validate_python({"eq": "music", "any": ["jazz", "blues"]}).condition("topics")
    assert condition.matches(memory(topics=["Music", "jazz"]))
    assert not condition.matches(memory(topics=["music"]))


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ({"gte": "2026-05-01", "lte": "2026-05-08"}, "2026-05-08T23:59:59Z", "2026-05-09T00:00:00Z"),
        ({"gte": "2026-05-01", "lte": "2026-05-08"}, "2026-05-01T00:00:00Z", "2026-04-30T23:59:59Z"),
        ({"gt": "2026-05-01"}, "2026-05-02T00:00:00Z", "2026-05-01T23:00:00Z"),
        ({"lt": "2026-05-01T12:00:00Z"}, "2026-05-01T11:59:59Z", "2026-05-01T12:00:00Z"),
        ({"lte": "2026-05-01T12:00:00Z"}, "2026-05-01T12:00:00Z", "2026-05-01T12:00:01Z"),
        ({"eq": "2026-05-01T12:00:00Z"}, "2026-05-01T12:00:00.400Z", "2026-05-01T12:00:01Z"),
        ("2026-05-01", "2026-05-01T18:00:00Z", "2026-05-02T00:00:00Z"),
        ({"ne": "2026-05-01"}, "2026-05-02T00:00:00Z", "2026-05-01T18:00:00Z"),
        ({"between": ["2026-05-01", "2026-05-03"]}, "2026-05-03T23:00:00Z", "2026-05-04T00:00:00Z"),
        (
            {"between": ["2026-05-01", "2026-05-03"], "inclusive": "neither"},
            "2026-05-02T05:00:00Z",
            "2026-05-01T05:00:00Z",
        ),
        (1777593600, "2026-05-01T00:00:00Z", "2026-05-01T00:00:01Z"),
    ],
)
def test_date_filters_keep_both_ends(written: object, inside: str, outside: str) -> None:
    """A range has two ends; a bare day is the whole day."""
    condition = DATE.validate_python(written).condition("event_date")
    assert condition.matches(memory(event_date=inside))
    assert not condition.matches(memory(event_date=outside))


def test_a_memory_without_the_date_is_in_no_range() -> None:
    """It is only ever "not that date"."""
    assert not DATE.validate_python({"lt": "2026-01-01"}).condition("event_date").matches(memory())
    assert DATE.validate_python({"ne": "2026-01-01"}).condition("event_date").matches(memory())


@pytest.mark.parametrize(
    ("adapter", "written", "said"),
    [
        (TAG, {"like": "x"}, "unknown operator like"),
        (TAG, {}, "needs an operator"),
        (TAG, {"eq": None}, "needs an operator"),
        (TAG, {"any": []}, "at least 1 item"),
        (TAG, {"startswith": ""}, "at least 1 character"),
        (TAG, 7, "valid dictionary"),
        (DATE, "someday", "is no date"),
        (DATE, "2026-02-31", "is no date"),
        (DATE, {"between": ["2026-01-01"]}, "at least 2 items"),
        (DATE, {"inclusive": "both"}, "needs an operator"),
    ],
)
def test_what_is_no_filter_is_refused(adapter: TypeAdapter[Any], written: object, said: str) -> None:
    """An operator that is not understood is never "no condition"."""
    with pytest.raises(ValidationError, match=said):
        adapter.validate_python(written)


def test_all_conditions_of_a_search_are_anded_with_the_scope() -> None:
    """A default scope fills what is open, and only that."""
    search = Search.model_validate({"text": "x", "user_id": "ann", "topics": {"any": ["a"]}})
    where = search.where(caller=Caller(default=Scope(namespace="home", user_id="bob")), now=NOW)
    assert where.matches(memory(namespace="home", user_id="ann", topics=["a"]))
    assert not where.matches(memory(namespace="work", user_id="ann", topics=["a"]))
    assert not where.matches(memory(namespace="home", user_id="bob", topics=["a"]))
    assert not where.matches(memory(namespace="home", user_id="ann", topics=["b"]))


def test_as_of_finds_what_held_then_and_the_present_leaves_out_what_ended() -> None:
    """Valid time: from ``valid_from`` (else event or creation) up to, not including, ``valid_to``."""
    lyon = memory(valid_from="2020-01-01T00:00:00Z", valid_to="2024-01-01T00:00:00Z")
    assert not Search(text="home").where(caller=LOCAL, now=NOW).matches(lyon)
    for moment, held in (("2019-12-31", False), ("2020-01-01", True), ("2023-12-31", True), ("2024-01-01", False)):
        where = Search.model_validate({"as_of": f"{moment}T00:00:00Z"}).where(caller=LOCAL, now=NOW)
        assert where.matches(lyon) is held


def test_memory_types_that_do_not_exist_are_refused_in_filters() -> None:
    """The values are named, so that the caller can choose."""
    with pytest.raises(ValidationError, match=r"'preference' is unknown; use semantic, episodic, message"):
        Search.model_validate({"memory_type": {"eq": "preference"}})


@pytest.mark.parametrize("written", ["home", {"eq": "home"}, {"any": ["home"]}, {"in_": ["home"]}, ["home"]])
def test_a_single_namespace_is_a_scope(written: object) -> None:
    """Whatever operator says it: stores know scopes by heart."""
    where = Search.model_validate({"namespace": written}).where(caller=Caller(default=Scope("work", "ann")), now=NOW)
    assert (where.scope, where.tags) == (Scope("home", "ann"), ())


@pytest.mark.parametrize("written", [{"any": ["home", "work"]}, {"ne": "home"}, {"eq": "home", "startswith": "h"}])
def test_anything_else_asked_of_a_namespace_is_a_condition(written: object) -> None:
    """And the default does not come on top of it."""
    where = Search.model_validate({"namespace": written}).where(caller=Caller(default=Scope("else")), now=NOW)
    assert (where.scope, len(where.tags)) == (Scope(), 1)
