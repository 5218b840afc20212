"""What stands before the words of a turn: the day, and who speaks."""

from __future__ import annotations

from datetime import date

import pytest

from mcp_memory.domain.talk import Turn, turn

MAY = date(2023, 5, 8)


@pytest.mark.parametrize(
    "before",
    [
        "[8 May 2023] ",
        "[8 May, 2023]: ",
        "(2023-05-08) ",
        "2023-05-08: ",
        "2023-05-08 - ",
        "2023-05-08T13:56:00Z | ",
        "[2023-05-08 13:56] ",
        "[1:56 pm on 8 May, 2023] ",
        "1:56 pm on 8 May, 2023 - ",
        "May 8th, 2023: ",
        "[May 8, 2023 at 1:56 pm] ",
        "**8 may 2023** ",
    ],
)
def test_the_date_before_a_turn_is_its_day(before: str) -> None:
    """However people and programs write it."""
    assert turn(f"{before}Ann: Hello there") == Turn("Hello there", "Ann", MAY)


@pytest.mark.parametrize(
    "text",
    [
        "8 May 2023 was a Monday",
        "2023-05-08",
        "[2023-02-31] Hello",
        "May I ask: how are you?",
        "In 2023 we moved",
        "8 people came: a crowd",
        "",
    ],
)
def test_a_text_that_merely_speaks_of_a_date_is_left_whole(text: str) -> None:
    """Or of one that does not exist."""
    assert turn(text).day is None


def test_a_date_alone_and_a_name_alone_are_taken_off() -> None:
    assert turn("2023-05-08: we met") == Turn("we met", day=MAY)
    assert turn("Ann: we met") == Turn("we met", "Ann")
    assert turn("we met") == Turn("we met")
