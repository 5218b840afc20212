"""The few memories that tell most: new, pinned, used and different ones, and never more than fit."""

from __future__ import annotations

from datetime import timedelta

from mcp_memory.domain.records import MemoryRecord, MemoryType
from mcp_memory.retrieval.selection import CHARACTERS, LINES, Selection, line_of
from tests.contracts.entries import record
from tests.standing_clock import NOON

PLACES = ["river", "bakery", "harbour", "library", "castle", "museum", "garden", "market", "theatre", "bridge"]
DAY = timedelta(days=1)


def facts(count: int, first: int = 0) -> list[MemoryRecord]:
    """Return facts about different things, a day apart, newest first."""
    numbers = range(first, first + count)
    return [record(f"{PLACES[n % 10]} number{n} opened", created_at=NOON - n * DAY) for n in numbers]


def selection(*records: MemoryRecord) -> Selection:
    made = Selection(NOON)
    for one in sorted(records, key=lambda record: record.created_at, reverse=True):
        made.offer(one)
    return made


def chosen(*records: MemoryRecord) -> list[str]:
    return [one.text for one in selection(*records).chosen()]


def test_what_fits_is_told_whole_newest_first() -> None:
    tea = record("Ann  drinks\ntea", event_date=NOON - 3 * DAY)
    milk = record("Bob drinks milk", created_at=NOON - DAY, pinned=True)
    assert selection(tea, milk).told() == (
        "2 memories, newest first:\n- 2026-05-19 (pinned): Bob drinks milk\n- 2026-05-17: Ann drinks tea"
    )
    assert selection(tea).told() == "1 memory:\n- 2026-05-17: Ann drinks tea"


def test_the_first_line_says_that_it_is_a_selection() -> None:
    lines = selection(*facts(300)).told().splitlines()
    assert lines[0] == f"300 memories; the {LINES} most telling, newest first:"
    assert len(lines) == 1 + LINES


def test_texts_are_cut_where_they_are_too_long() -> None:
    line = line_of(record("word " * 200))
    assert line.endswith("word…")
    assert len(line) <= len("- 2026-05-20: …") + CHARACTERS


def test_what_was_told_twice_is_told_once_and_by_its_newest() -> None:
    again = [record(f"{start} Ann drinks green tea", created_at=NOON - n * DAY) for n, start in enumerate(("", "So"))]
    again += [record("ann drinks green tea.", created_at=NOON - 3 * DAY), record("Green tea is drunk by Ann")]
    told = chosen(*again, record("Ann drinks red wine"), *facts(3))
    assert len([text for text in told if "reen tea" in text]) == 1
    assert "Ann drinks red wine" in told
    assert len(told) == 5
    assert selection(*again[:1], *again[2:3]).told().startswith("2 memories; the most telling one:\n- 2026-05-20:")


def test_a_pinned_memory_is_told_however_old() -> None:
    old = [record(f"Ann is allergic to {what}", created_at=NOON - 900 * DAY, pinned=True) for what in ("nuts", "eggs")]
    told = chosen(*facts(400), *old)
    assert {one.text for one in old} <= set(told)


def test_what_is_used_often_is_told_however_old() -> None:
    used = record("Her passport expires in June", created_at=NOON - 900 * DAY, access_count=50)
    for others in range(400, 404):
        assert used.text in chosen(*facts(others), used)


def test_one_subject_does_not_crowd_out_the_others() -> None:
    match = [record(f"The match report says goal {n} came late", created_at=NOON - n * DAY / 24) for n in range(40)]
    told = chosen(*match, *facts(6, first=30))
    assert len([text for text in told if "match report" in text]) <= LINES - 6


def test_facts_come_before_what_was_only_said() -> None:
    said = [record(one.text + " again", created_at=one.created_at, memory_type=MemoryType.MESSAGE) for one in facts(30)]
    told = chosen(*said, *facts(LINES, first=40))
    assert [text for text in told if text.endswith("again")] == []


def test_texts_without_blanks_are_told_apart() -> None:
    told = chosen(record("她喜欢喝绿茶"), record("她喜欢喝绿茶。"), record("他住在上海"))
    assert len(told) == 2


def test_however_many_are_offered_few_are_kept() -> None:
    made = Selection(NOON)
    for n in range(20_000):
        made.offer(record(f"Fact {n}", created_at=NOON - n * DAY / 100, pinned=n % 2 == 0, access_count=n % 5))
    assert (made.count, len(made.looked_at()) < 250, len(made.chosen())) == (20_000, True, LINES)


def test_memories_of_all_times_are_looked_at() -> None:
    made = Selection(NOON)
    for one in facts(5_000):
        made.offer(one)
    times = [(NOON - one.created_at).days // 1_000 for one in made.looked_at()]
    assert all(times.count(thousand) >= 8 for thousand in range(5))
