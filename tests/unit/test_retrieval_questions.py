"""What a question asks for, read by rule: days, names, and the kind of answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from mcp_memory.retrieval.calendar import EPOCH, windows
from mcp_memory.retrieval.questions import Asks, read

TODAY = date(2026, 11, 25)
"""A Wednesday."""
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def days(text: str, today: date = TODAY) -> list[tuple[str, str]]:
    """Return the windows of a text as ISO dates."""
    return [
        ((EPOCH + timedelta(days=found.first)).isoformat(), (EPOCH + timedelta(days=found.last)).isoformat())
        for found in windows(text, today)
    ]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("What did I do today?", "2026-11-25", "2026-11-25"),
        ("yesterday", "2026-11-24", "2026-11-24"),
        ("the day before yesterday", "2026-11-23", "2026-11-23"),
        ("Where did we eat last week?", "2026-11-16", "2026-11-22"),
        ("plans for this week", "2026-11-23", "2026-11-29"),
        ("last weekend", "2026-11-21", "2026-11-22"),
        ("next month", "2026-12-01", "2026-12-31"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("3 days ago", "2026-11-22", "2026-11-22"),
        ("two weeks ago", "2026-11-07", "2026-11-15"),
        ("in the past 10 days", "2026-11-15", "2026-11-25"),
        ("on 7 May 2023", "2023-05-07", "2023-05-07"),
        ("on the 3rd of June 2024", "2024-06-03", "2024-06-03"),
        ("May 7th, 2023", "2023-05-07", "2023-05-07"),
        ("since 2023-05-07", "2023-05-07", "2200-01-01"),
        ("in March 2023", "2023-03-01", "2023-03-31"),
        ("February of 2024", "2024-02-01", "2024-02-29"),
        ("in 2022", "2022-01-01", "2022-12-31"),
        ("before 2020", "1900-01-01", "2020-01-01"),
        ("after March 2024", "2024-03-31", "2200-01-01"),
        ("last summer", "2026-06-01", "2026-08-31"),
        ("summer of 2021", "2021-06-01", "2021-08-31"),
        ("last Saturday", "2026-11-21", "2026-11-21"),
        ("last Wednesday", "2026-11-18", "2026-11-18"),
        ("this Wednesday", "2026-11-25", "2026-11-25"),
        ("next Friday", "2026-11-27", "2026-11-27"),
    ],
)
def test_an_expression_of_time_names_its_days(text: str, first: str, last: str) -> None:
    assert days(text) == [(first, last)]


@pytest.mark.parametrize(
    "text",
    [
        "May I ask who will march on?",
        "Did the cat fall off the shelf?",
        "31 February 2023",
        "2023-13-45",
        "version 3.11.7",
        "99999999999 days ago",
        "Who sprung the trap?",
        "",
    ],
)
def test_other_words_name_no_day(text: str) -> None:
    assert days(text) == []


def test_a_month_without_a_year_means_the_last_one_first() -> None:
    found = windows("What happened in March?", TODAY)
    assert EPOCH + timedelta(days=found[0].first) == date(2026, 3, 1)
    assert EPOCH + timedelta(days=found[1].first) == date(2025, 3, 1)
    assert found[0].weight > found[1].weight


def test_a_leap_day_is_found_in_leap_years_alone() -> None:
    assert days("on 29 February") == [("2024-02-29", "2024-02-29")]


def test_in_summer_last_summer_is_the_one_before() -> None:
    assert days("last summer", date(2026, 7, 10)) == [("2025-06-01", "2025-08-31")]


def test_a_longer_expression_is_not_read_again_in_part() -> None:
    assert len(days("between 7 May 2023 and 9 May 2023")) == 2


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("When did I move?", Asks.WHEN),
        ("What year was that?", Asks.WHEN),
        ("How many cats do I have?", Asks.HOW_MANY),
        ("What did you recommend for the trip?", Asks.ASSISTANT),
        ("Remind me of your suggestions", Asks.ASSISTANT),
        ("What do you know about my dog?", Asks.NOTHING),
        ("Where do I live?", Asks.NOTHING),
    ],
)
def test_the_kind_of_answer_is_read(text: str, asked: Asks) -> None:
    assert read(text, NOW).asks == asked


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("What happened to INV-48213?", {"48213"}),
        ("status of ticket b4471x", {"b4471x"}),
        ("which route does bus 117 take", {"117"}),
        ("What did I do in 2024 on the 3rd at 7pm?", set()),
        ("the 12 best of 50", set()),
    ],
)
def test_codes_are_words_that_name_one_thing_by_a_number(text: str, codes: set[str]) -> None:
    """No years, ordinals, hours or small numbers."""
    assert read(text, NOW).codes == codes


def test_names_are_capitalised_words_that_no_sentence_needs() -> None:
    question = read("What did Priya's brother tell Ömer in March?", NOW)
    assert question.names == {"priya", "omer"}


@pytest.mark.parametrize(
    ("text", "of_the_world"),
    [
        ("What is the capital of Mongolia?", True),
        ("Who painted the Mona Lisa?", True),
        ("What is my blood type?", False),
        ("What do you know about Nina?", False),
        ("quantum chromodynamics lattice", True),
        ("user preferences", False),
        ("project background and goals", False),
        ("coding conventions", False),
        ("Katze Hund Maus?", False),
        ("health", False),
        ("What happened last week?", False),
        ("Wo wohnt Hanna?", False),
    ],
)
def test_only_what_is_particular_and_of_nobody_here_may_be_answered_with_nothing(text: str, of_the_world: bool) -> None:
    assert read(text, NOW).of_the_world is of_the_world


def test_a_huge_question_is_read_by_its_beginning() -> None:
    question = read("yesterday " + "word " * 200_000 + "in 2020", NOW)
    assert len(question.windows) == 1
