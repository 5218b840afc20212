"""What is compared of a memory is read once, as long as there is room for it."""

from __future__ import annotations

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.services.statements import Statements
from tests.standing_clock import NOON


def record(text: str) -> MemoryRecord:
    return MemoryRecord(id="1", text=text, created_at=NOON, updated_at=NOON, last_accessed=NOON)


def test_a_memory_is_read_once_at_each_version() -> None:
    statements = Statements()
    first = statements.of((1, 1), record("Ann likes tea"))
    assert statements.of((1, 1), record("Ann likes tea")) is first
    assert statements.of((1, 2), record("Ann likes milk")).reading.text == "Ann likes milk"


def test_those_met_longest_ago_make_room_for_new_ones() -> None:
    statements = Statements(most=30)
    first, second = (statements.of((handle, 1), record("Ann likes tea")) for handle in (1, 2))
    assert statements.of((1, 1), record("Ann likes tea")) is first
    statements.of((3, 1), record("Ann likes tea"))
    assert statements.of((1, 1), record("Ann likes tea")) is first
    assert statements.of((2, 1), record("Ann likes tea")) is not second


def test_a_text_that_is_too_long_to_be_remembered_is_read_all_the_same() -> None:
    statements = Statements(most=5)
    assert statements.of((1, 1), record("Ann likes tea")).reading.text == "Ann likes tea"
    assert statements.of((2, 1), record("Tea")).reading.text == "Tea"
