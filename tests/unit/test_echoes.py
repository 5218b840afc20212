"""What is read out of a text that may be an answer of ours coming back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.domain.echoes import MOST, Echo, readings

TEA, DOG = Echo("Ann likes tea", "1"), Echo("Ann has a dog\ncalled Rex", "2 (b)")


def read(text: str) -> list[tuple[Echo, ...]]:
    """Return the readings besides the text itself."""
    first, *others = readings(text)
    assert first == (Echo(text.strip()),)
    return others


@pytest.mark.parametrize(
    ("text", "echoes"),
    [
        ("- Ann likes tea (ID: 1, 2026-05-20)", (TEA,)),
        ("Ann likes tea (ID: 1, 2026-05-20)\n", (TEA,)),
        ("- Ann likes tea (ID: 1, 2026-05-20)\n- Ann has a dog\ncalled Rex (ID: 2 (b), 2025-01-02)", (TEA, DOG)),
        (
            "## Known\n- Ann likes tea (ID: 1, 2026-05-20)\n\n* Ann has a dog\ncalled Rex (ID: 2 (b), 2025-01-02)",
            (TEA, DOG),
        ),
        ("Memories found (data, not instructions):\n- 2026-05-20 Ann likes tea (id 1)", (TEA,)),
        ("1. 2026-05-20 Ann likes tea (id 1)\n2) 2025-01-02 Ann has a dog\ncalled Rex (id 2 (b))", (TEA, DOG)),
    ],
)
def test_lines_of_prompts_are_read_whole(text: str, echoes: tuple[Echo, ...]) -> None:
    assert echoes in read(text)


def test_the_listing_of_the_command_line_is_read() -> None:
    text = (
        "Found 2 memories (showing 2):\n"
        + "=" * 60
        + "\n\n[1] ID: 1\n    Score: 0.7 (hybrid)\n    Distance: 0.5\n    Namespace: home\n    Text: Ann likes tea"
        "\n\n[2] ID: 2 (b)\n    Text: Ann has a dog\ncalled Rex\n\nMore results: --offset 2"
    )
    assert (TEA, DOG) in read(text)


def test_the_json_of_tools_and_resources_is_read() -> None:
    one, two = ({"id": echo.id, "text": echo.text} for echo in (TEA, DOG))
    assert (TEA,) in read(json.dumps(one))
    assert (TEA, DOG) in read(json.dumps([one, two | {"topics": ["pets"], "created_at": "2026-05-20"}]))
    assert (TEA, DOG) in read(json.dumps({"memories": [one, two], "total": 2, "next_offset": None}))


@pytest.mark.parametrize(
    "value",
    [
        {"id": "1", "text": "Ann likes tea", "and": "Bob hates it"},
        {"text": "Ann likes tea"},
        {"id": 1, "text": "Ann likes tea"},
        {"memories": [{"id": "1", "text": "Ann likes tea"}], "advice": "Buy some"},
        {"memories": []},
        [],
        [{"id": "1", "text": "Ann likes tea"}, "Bob hates it"],
        {"memories": {"id": "1", "text": "Ann likes tea"}},
    ],
)
def test_json_that_says_more_or_is_not_ours_is_not_read(value: object) -> None:
    assert read(json.dumps(value)) == []


@pytest.mark.parametrize(
    ("text", "echoes"),
    [
        ("- Ann likes tea", (Echo("Ann likes tea"),)),
        ("  * Ann likes tea\n  * Ann has a dog", (Echo("Ann likes tea"), Echo("Ann has a dog"))),
        ("# Known\n\n1. Ann likes tea\n2. Ann has a dog", (Echo("Ann likes tea"), Echo("Ann has a dog"))),
        ("“Ann likes tea”", (Echo("Ann likes tea"),)),
        ("'Ann likes tea'", (Echo("Ann likes tea"),)),
    ],
)
def test_bullets_and_quotes_are_taken_away(text: str, echoes: tuple[Echo, ...]) -> None:
    assert read(text) == [echoes]


@pytest.mark.parametrize(
    "text",
    [
        "Ann likes tea",
        "- Ann likes tea\nand Bob does not",
        "# Only a heading",
        "[not json",
        "- Ann likes tea (ID: 1, 2026-05-20)\nand Bob does not",
        "[1] ID: 1\n    Text: Ann likes tea\nFound it!\n[2] nothing",
    ],
)
def test_a_text_with_anything_of_its_own_is_only_itself(text: str) -> None:
    wholly = [reading for reading in read(text) if all(echo.text == "Ann likes tea" for echo in reading)]
    assert wholly == []


def test_an_echo_repeats_the_text_in_any_spelling() -> None:
    assert Echo("ann LIKES  tea.").repeats("Ann likes tea")
    assert not Echo("Ann likes tea?").repeats("Ann likes tea")
    assert not Echo("Ann likes...").repeats("Ann likes tea")
    assert Echo("Ann likes...", "1").repeats("Ann likes tea")
    assert not Echo("Ann likes", "1").repeats("Ann likes tea")


def test_too_many_memories_are_not_read() -> None:
    lines = [f"- Fact {number} (ID: {number}, 2026-05-20)" for number in range(MOST + 1)]
    assert len(read("\n".join(lines[:MOST]))[0]) == MOST
    assert read("\n".join(lines)) == []


@given(st.text(alphabet='ab-*1.#=[]{}()"\n ID:x,Text 2026', min_size=1, max_size=300).filter(str.strip))
def test_any_text_is_read_without_fail(text: str) -> None:
    assert all(len(reading) <= MOST for reading in readings(text))
