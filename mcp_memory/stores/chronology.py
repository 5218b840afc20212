"""The order of what was done to memories, for stores in which how a memory began has no number of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Moment(NamedTuple):
    """When something was done: by the number of which operation, to which memory."""

    operation: int
    handle: int


def in_time(beginnings: Sequence[T], changes: Sequence[T], moment: Callable[[T], Moment]) -> list[T]:
    """Return all in the order of time; the changes stand in it already.

    A memory began before all that was done to it, and before what later operations did to others.
    """
    found = [(moment(one), one) for one in changes]
    for one in sorted(beginnings, key=moment, reverse=True):
        mine = moment(one)
        later = (n for n, (other, _) in enumerate(found) if other.operation >= mine.operation or other[1] == mine[1])
        found.insert(next(later, len(found)), (mine, one))
    return [one for _, one in found]
