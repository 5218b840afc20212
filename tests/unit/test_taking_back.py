"""Which pieces a large operation is taken back in."""

from __future__ import annotations

import pytest

from mcp_memory.domain.requests import Undo
from mcp_memory.errors import CannotUndo, MemoryNotFound
from mcp_memory.ports.history import Touched
from mcp_memory.services.taking_back import asked_for, pieces


def touched(number: int, handle: int, unit: int, *, undone: bool = False, within: bool = True) -> Touched:
    return Touched(handle, unit, number, f"m{handle}", undone, within)


def parts(found: list[Touched], most: int = 2, only: list[str] | None = None) -> list[list[object]]:
    return [list(piece) for piece in pieces(asked_for(Undo(operation_id="x", only=only), found), most)]


CHAIN = [touched(1, 1, 1), touched(2, 2, 1), touched(3, 5, 5), touched(4, 3, 3), touched(5, 1, 3), touched(6, 6, 6)]
"""Memory 2 goes into 1, 5 changes, 1 goes into 3, 6 changes."""


def test_a_large_operation_is_parted_last_first() -> None:
    assert parts([touched(n, n, n) for n in range(1, 6)]) == [[5, 4], [3, 2], [1]]


def test_what_hangs_together_is_never_parted() -> None:
    """However many they are, and wherever in the operation."""
    assert parts(CHAIN) == [[6], [1, 3, 2], [5]]
    assert parts(CHAIN, 4) == [[6, 1, 3, 2], [5]]
    assert parts([touched(n, n, 1) for n in range(1, 9)]) == [[8, 7, 6, 5, 4, 3, 2, 1]]


def test_what_was_taken_back_is_passed_over() -> None:
    undone = [one._replace(undone=one.number > 3) for one in CHAIN]
    assert parts(undone, 9) == [[2, 1, 5]]
    with pytest.raises(CannotUndo, match="x was undone already"):
        parts([one._replace(undone=True) for one in CHAIN])


def test_one_memory_comes_with_all_that_hangs_together_with_it() -> None:
    assert parts(CHAIN, 9, ["m2"]) == [[1, 3, 2]]
    assert parts(CHAIN, 9, ["m5"]) == [[5]]
    with pytest.raises(MemoryNotFound):
        parts(CHAIN, 9, ["m5", "m7"])


def test_what_lies_wholly_out_of_reach_is_left_out() -> None:
    others = [one._replace(within=one.handle in {2, 6}) for one in CHAIN]
    assert parts(others, 9) == [[6, 1, 3, 2]]
    with pytest.raises(MemoryNotFound):
        parts(others, 9, ["m5"])
