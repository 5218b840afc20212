"""Who may do what, where: nothing is reached beyond a bound."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from mcp_memory.domain.access import LOCAL, Access, Caller
from mcp_memory.domain.requests import Search
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import NotAllowed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Caller("ann", Access.WRITE, bound=Scope("work", "ann"))


def test_each_access_includes_those_before_it() -> None:
    allowed = [(mine, other) for mine, other in product(Access, Access) if mine.includes(other)]
    read, write, admin = Access
    assert allowed == [(read, read), (write, read), (write, write), (admin, read), (admin, write), (admin, admin)]


def test_too_little_access_is_refused_with_what_would_be_enough() -> None:
    ANN.require(Access.READ)
    with pytest.raises(NotAllowed, match="Required scope: admin") as refused:
        ANN.require(Access.ADMIN)
    assert refused.value.needs == "admin"


def test_a_bound_fills_what_is_left_open_and_refuses_what_lies_outside() -> None:
    assert ANN.scope(Scope(session_id="s")) == Scope("work", "ann", "s")
    for outside in (Scope("home"), Scope(user_id="bob"), Scope("", "ann")):
        with pytest.raises(NotAllowed, match="outside of what you may reach"):
            ANN.scope(outside)


def test_a_default_gives_way_to_what_is_named_and_to_the_bound() -> None:
    caller = Caller(default=Scope("home", "bob"))
    assert caller.scope() == Scope("home", "bob")
    assert caller.scope(Scope("work")) == Scope("work", "bob")
    assert ANN.defaulting_to(Scope("home", "bob", "s")).scope() == Scope("work", "ann", "s")


def test_a_bound_is_narrowed_and_never_widened() -> None:
    assert LOCAL.bound_to(Scope("work")).bound_to(Scope("work", "ann")).bound == Scope("work", "ann")
    with pytest.raises(NotAllowed):
        ANN.bound_to(Scope("home"))


@pytest.mark.parametrize(
    "written",
    [
        {"namespace": {"any": ["home", "work"]}},
        {"namespace": {"startswith": "h"}},
        {"namespace": {"ne": "work"}},
        {"namespace": {"none": ["x"]}, "user_id": {"in_": ["bob", "ann"]}},
        {"user_id": {"not_eq": "ann"}},
        {},
    ],
)
def test_no_filter_leads_out_of_a_bound(written: dict[str, object]) -> None:
    """All conditions hold together, and the bound is one of them."""
    assert Search.model_validate(written).where(caller=ANN, now=NOW).scope == Scope("work", "ann")


@pytest.mark.parametrize("operator", ["eq", "any", "all", "in_"])
def test_a_filter_that_names_what_lies_outside_is_refused(operator: str) -> None:
    for field in ("namespace", "user_id"):
        with pytest.raises(NotAllowed):
            Search.model_validate({field: {operator: "home"}}).where(caller=ANN, now=NOW)
