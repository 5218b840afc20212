"""The conservation check: a merge that loses or invents anything does not happen, whoever wrote it."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.domain.conservation import Kind, Loss, missing

OSLO = "Ann lives in Oslo"


@pytest.mark.parametrize(
    ("sources", "merged"),
    [
        (["Ann likes tea", "Ann likes coffee"], "Ann likes tea and coffee."),
        ([OSLO, "Ann works at Equinor"], "Ann lives in Oslo and works at Equinor."),
        ([OSLO, "Ann works at Equinor"], "Ann lives in Oslo. She works at Equinor."),
        (
            ["Ann works at Siemens as an engineer", "Ann is an engineer at Siemens in Munich"],
            "Ann works as an engineer at Siemens in Munich",
        ),
        (["Bob is my manager"], "My manager is Bob."),
        (["Ann flew to Rome on 14 March 2026"], "On March 14th, 2026 Ann flew to Rome."),
        (["The call is on 2026-03-14"], "The call is on 14 March 2026."),
        (["The budget is 1,000 euros"], "The budget is €1000."),
        (["We meet at 3:30 pm"], "We meet at 15:30."),
        (["Ann has twenty-one hens"], "Ann has 21 hens."),
        (["Ann can't swim"], "Ann cannot swim."),
        (["Ann can’t swim"], "Ann can't swim"),
        (['Her song is "Blue Moon"'], "Her song is “Blue Moon”"),
        (["Ann does not eat meat", "Ann eats fish"], "Ann does not eat meat, but she eats fish."),
        (["Ann manages Bob", "Bob likes tea"], "Ann manages Bob. Bob likes tea."),
        (["東京に住んでいます", "猫が好きです"], "東京に住んでいます。猫が好きです。"),
        (["Ich wohne in Köln", "Ich esse kein Fleisch"], "Ich wohne in Köln. Ich esse kein Fleisch."),
    ],
)
def test_what_keeps_everything_may_be_merged(sources: list[str], merged: str) -> None:
    assert missing(sources, merged) == []


@pytest.mark.parametrize(
    ("source", "merged"),
    [
        (OSLO, "Ann lives in Lyon"),
        ("Ann manages Bob", "Bob manages Ann"),
        ("Ann's manager is Bob", "Bob's manager is Ann"),
        ("Ann moved from Lyon to Oslo", "Ann moved from Oslo to Lyon"),
        ("The dog chased the cat", "The cat chased the dog"),
        ("Ann has 2 cats and 3 dogs", "Ann has 3 cats and 2 dogs"),
        ("Ann has cats", "Ann has a cat"),
        ("It is 5 km", "It is 5 miles"),
        ("It costs $5", "It costs €5"),
        ("It is at least 5 km", "It is at most 5 km"),
        ("Meet at 3 pm", "Meet at 3 am"),
        ("Call before lunch", "Call after lunch"),
        ("Ann is allergic to nuts", "Ann is not allergic to nuts"),
        ("Ann is not allergic to nuts", "Ann is allergic to nuts"),
        ("Ann can't swim", "Ann can swim"),
        ("Ann likes tea", "Ann likes tea without sugar"),
        ("Ann likes coffee", "Ann likes tea, not coffee"),
        ("Ann eats meat", "Ann stopped eating meat"),
        ("Only Ann has a key", "Ann has a key"),
        ("Take A or B", "Take A and B"),
        ("Every day but Sunday", "Every day and Sunday"),
        ("Ann likes tea", "Ann likes tea?"),
        ("Ann likes sushi", "Ann likes making sushi"),
        ("Ann reads the book", "Ann read the book"),
        ("On Monday Ann told Bob that Carl died", "Ann told Bob that Carl died on Monday"),
        ("Ann has a key", "Only Ann has a key"),
        ("Ann was a nurse", "Ann is a nurse"),
        ("Ann will move to Oslo", "Ann moved to Oslo"),
        ("Nora has arthritis", "The doctor suspects that Nora has arthritis"),
        ("Ann owns Siemens shares", "Ann owns Siemens Energy shares"),
        ("The firm has 250 employees", "The firm grew from 250 to 400 employees"),
        ('The code is "abc def"', 'The code is "abc dfe"'),
        ("See https://a.example/b", "See https://a.example/c"),
        ("Write to ann@a.example", "Write to ann@b.example"),
        ("Run `make test`", "Run `make lint`"),
        ("Ann likes tea", "Ann likes tea and hates coffee"),
        ("猫が好きです", "犬が好きです"),
        ("Ich esse Fleisch", "Ich esse kein Fleisch"),
        ("Ich rauche", "Ich rauche nicht mehr"),
        ("Я не ем мясо", "Я ем мясо"),
        ("أعيش في القاهرة", "أعيش في دبي"),
        ("Ann: 👍", "Ann: 👎"),
    ],
)
def test_a_loss_is_seen(source: str, merged: str) -> None:
    assert missing([source], merged)


@pytest.mark.parametrize(
    ("sources", "merged"),
    [
        (["Ann likes tea", "Bob likes coffee"], "Ann likes coffee and Bob likes tea"),
        ([OSLO, "Bob lives in Rome"], "Ann lives in Rome and Bob lives in Oslo."),
        (["My sister lives in Rome", "My brother lives in Oslo"], "My sister lives in Oslo and my brother in Rome"),
        (["Ann does not eat meat", "Ann eats fish"], "Ann eats meat but does not eat fish"),
        (["Ann manages Bob", "Ann likes tea"], "Ann manages Bob. He likes tea."),
        (["Ann manages Bob", "Bob likes tea"], "Ann manages Bob and likes tea."),
        (["Ann likes tea", "Ann likes coffee"], "Ann likes tea"),
    ],
)
def test_what_was_said_of_one_is_not_said_of_the_other(sources: list[str], merged: str) -> None:
    """Every word of the sources is there, or nearly; the statements are not."""
    assert missing(sources, merged)


def test_a_loss_says_what_and_where() -> None:
    """The reason why a merge became a suggestion is shown to people."""
    assert missing([OSLO], "Ann lives in Lyon") == [Loss(Kind.NAME, "Oslo", 0), Loss(Kind.NAME, "Lyon", None)]
    lost = missing(["Ann paid 5 euros"], "Ann paid well")
    assert [str(loss) for loss in lost] == ["Memory 1 loses a number: 5", "The merged text adds a word: well"]
    assert Loss(Kind.DATE, "2026-03-14", None) in missing(["Ann paid"], "Ann paid on 2026-03-14")


@given(st.text(max_size=200))
def test_nothing_of_a_text_is_missing_in_itself(text: str) -> None:
    assert missing([text], text) == []


SAID = "Ann Bob Oslo tea not never 5 km likes lives in with the a sister only 14 March and , . 猫 не"
WORDS = st.sampled_from(SAID.split())


@given(st.lists(WORDS, min_size=1, max_size=12), st.sampled_from(["not", "7", "Zoe", "2031-01-09", '"xyz"']))
def test_what_is_added_or_taken_away_is_seen(words: list[str], extra: str) -> None:
    """Whatever the rest says."""
    text = " ".join(words)
    if extra not in words:
        assert missing([text], f"{text} {extra}")
        assert missing([f"{text} {extra}"], text)


def lines_run(words: int) -> int:
    """Return how many lines of the program run to check a text of so many words."""
    text, run = "word " * words, 0

    def count(_: FrameType, event: str, __: Any) -> Any:
        nonlocal run
        run += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        assert missing([text], f"{text} and more")
    finally:
        sys.settrace(before)
    return run


def test_twice_the_text_is_twice_the_work() -> None:
    """Two texts of the length of a book would otherwise hold up everybody for minutes."""
    assert lines_run(800) < 3 * lines_run(400)
