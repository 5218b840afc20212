"""The order of what was done, where how a memory began has no number."""

from __future__ import annotations

from typing import NamedTuple

from mcp_memory.stores.chronology import Moment, in_time


class Done(NamedTuple):
    what: str
    operation: int
    handle: int

    @property
    def moment(self) -> Moment:
        return Moment(self.operation, self.handle)


def order(begun: list[Done], changed: list[Done]) -> list[str]:
    return [one.what for one in in_time(begun, changed, lambda one: one.moment)]


def test_a_memory_begins_before_what_later_operations_did() -> None:
    begun = [Done("begin 2", 5, 2), Done("begin 1", 1, 1), Done("begin 3", 5, 3)]
    changed = [Done("edit 1", 2, 1), Done("end 1", 5, 1), Done("edit 2", 6, 2)]
    assert order(begun, changed) == ["begin 1", "edit 1", "begin 2", "begin 3", "end 1", "edit 2"]


def test_a_memory_begins_before_an_operation_that_began_earlier_and_went_on_changes_it() -> None:
    begun = [Done("begin 2", 5, 2)]
    changed = [Done("merge 1", 3, 1), Done("merge 2", 3, 2), Done("edit 2", 6, 2)]
    assert order(begun, changed) == ["merge 1", "begin 2", "merge 2", "edit 2"]
    assert order(begun, []) == ["begin 2"]
