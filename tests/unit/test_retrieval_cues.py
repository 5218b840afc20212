"""What ranking is told of a memory: who speaks, how long, when, and what the text is like."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.retrieval.cues import Flag, cues

STORED = datetime(2024, 2, 1, 12, tzinfo=UTC)


def record(text: str, source: str | None = None, event_date: datetime | None = None) -> MemoryRecord:
    """Return a memory with this text."""
    return MemoryRecord(
        id="m",
        text=text,
        source=source,
        event_date=event_date,
        created_at=STORED,
        updated_at=STORED,
        last_accessed=STORED,
    )


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Caroline: I went to the lake", "caroline"),
        ("[Ben] back at noon", "ben"),
        ("Ömer: yes", "omer"),
        ("**Anna Maria**: yes", "anna maria"),
        ("user: what now?", "user"),
        ("Note: the key is under the mat", ""),
        ("https://example.com: down", ""),
        ("The meeting is at 10:30", ""),
        ("We decided the following thing last week: no more", ""),
        ("plain text", ""),
    ],
)
def test_the_speaker_is_the_name_before_the_text(text: str, who: str) -> None:
    assert cues(record(text)).speaker == who


def test_the_source_is_the_speaker() -> None:
    assert cues(record("Caroline: hello there", source=" Ben ")).speaker == "ben"


def test_the_name_of_the_speaker_is_no_word_of_the_text() -> None:
    assert cues(record("Caroline: I like tea")).words == 3


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("How was it?", Flag.QUESTION),
        ("「どこですか？」", Flag.QUESTION),
        ("It took 3 hours", Flag.NUMBER),
        ("It took three hours", Flag.NUMBER),
        ("We met yesterday", Flag.DATED),
        ("I've been there", Flag.FIRST_PERSON),
        ("user: hello", Flag.USER),
        ("assistant: hello", Flag.ASSISTANT),
    ],
)
def test_a_text_is_flagged_for_what_it_is_like(text: str, flag: Flag) -> None:
    assert cues(record(text)).flags & flag


def test_a_plain_statement_has_no_flag() -> None:
    assert cues(record("The shed is green.")).flags == 0


def test_the_day_is_the_event_s_before_the_creation_s() -> None:
    assert cues(record("x")).day == (date(2024, 2, 1) - date(1970, 1, 1)).days
    assert cues(record("x", event_date=datetime(1970, 1, 3, tzinfo=UTC))).day == 2
    assert cues(record("x", event_date=datetime(1969, 12, 31, 23, tzinfo=UTC))).day == -1


def test_a_long_text_counts_all_its_words() -> None:
    assert cues(record("word " * 5_000)).words == 5_000


def test_the_bits_are_kept_in_stores() -> None:
    """Renumbering them would change what stored memories mean."""
    assert [(flag.name, int(flag)) for flag in Flag] == [
        ("QUESTION", 1),
        ("NUMBER", 2),
        ("DATED", 4),
        ("FIRST_PERSON", 8),
        ("USER", 16),
        ("ASSISTANT", 32),
    ]
