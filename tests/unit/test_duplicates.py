"""Whether two memories are the same: never merged on closeness, never merged when anything that counts differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.text.pairs import FIRST, LATER, Pair, memory, pairs
from mcp_memory.domain.conservation import missing
from mcp_memory.domain.duplicates import Finding, Statement, Verdict, clusters, judge, listed
from mcp_memory.domain.records import MemoryType

NEAR = 0.97


def verdict(earlier: str, later: str, closeness: float | None = NEAR, **fields: Any) -> Verdict:
    """Judge two texts, the second written later and with these fields."""
    one, other = memory("1", earlier, FIRST), memory("2", later, FIRST + LATER).model_copy(update=fields)
    return judge(Statement.of(one), Statement.of(other), closeness)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The user prefers dark mode.", "User prefers dark mode"),
        ("I don't like olives.", "I do not like olives."),
        ("Ann's favorite color is purple.", "Purple is Ann's favourite colour."),
        ("Ann flew to Rome on 14 March 2026.", "On March 14th, 2026 Ann flew to Rome."),
        ("The user likes tea and coffee.", "The user likes coffee and tea."),
        ("Ann pays 1,200 euros a month.", "Ann pays €1200 per month."),
        ("Ann works as an engineer at Siemens.", "Ann works at Siemens as an engineer."),
        ("Ich wohne in Köln.", "Ich wohne in Köln"),
    ],
)
def test_the_same_in_another_order_or_spelling_is_the_same(earlier: str, later: str) -> None:
    found = verdict(earlier, later)
    assert found.finding is Finding.SAME
    assert found.keep is not None


def test_the_text_that_says_more_is_kept() -> None:
    found = verdict("Ann lives in Oslo.", "Ann lives in Oslo. She works at Equinor.")
    assert (found.finding, found.keep) == (Finding.SAME, 1)


@pytest.mark.parametrize(
    "further", ["Or maybe in Bergen.", "She was joking.", "She moved out.", "Not any more.", "Why?"]
)
def test_a_further_sentence_may_take_it_back(further: str) -> None:
    assert verdict("Ann lives in Oslo.", f"Ann lives in Oslo. {further}").finding is not Finding.SAME


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The user's favourite colour is purple.", "The user's favourite colour is cyan."),
        ("The user likes black tea and coffee.", "The user likes black coffee and tea."),
        ("Ann manages Bob.", "Bob manages Ann."),
        (
            "Ann flew from the hotel at the beach to the airport.",
            "Ann flew from the hotel to the airport at the beach.",
        ),
        ("Remind Ann about the call on Monday.", "On Monday remind Ann about the call."),
        ("On Friday Ann plans to go to Rome.", "Ann plans to go to Rome on Friday."),
        ("In June Ann booked a flight.", "Ann booked a flight in June."),
        ("Mia and Tom are 5 and 7.", "Tom and Mia are 5 and 7."),
        ("Tea and coffee are hot and cold.", "Coffee and tea are cold and hot."),
        ("Ann read the book.", "Ann reads the book."),
        ("Ann put it here.", "Ann puts it here."),
        ("Ann lives in Oslo but works in Bergen.", "Ann works in Oslo but lives in Bergen."),
        ("Take A or B.", "Take A and B."),
        ("The user said that man left.", "The user said man left."),
        ("The dose is 1.5 mg.", "The dose is 15 mg."),
        ("Version 3.1 is out.", "Version 3.10 is out."),
        ("Ann likes a few people.", "Ann likes few people."),
        ("Ann lives in Oslo.", "Does Ann live in Oslo?"),
        ("Ann has a cat.", "Ann has cats."),
        ("a < b", "a > b"),
        ("Ann: 👍", "Ann: 👎"),
        ("[8 May 2023] Ann: we met", "[9 May 2023] Ann: we met"),
        ('The word is "no".', "The word is no."),
        ("Ich wohne in Köln.", "I live in Cologne."),
    ],
)
def test_what_only_looks_the_same_is_not(earlier: str, later: str) -> None:
    assert verdict(earlier, later, 1.0).finding not in {Finding.SAME, Finding.CHANGED}


@pytest.mark.parametrize(
    "fields",
    [
        {"memory_type": MemoryType.EPISODIC},
        {"event_date": FIRST},
        {"valid_to": FIRST + 2 * LATER},
        {"source": "Bob"},
    ],
)
def test_another_type_day_end_or_speaker_is_not_the_same(fields: dict[str, Any]) -> None:
    assert verdict("I like tea", "I like tea.", **fields).finding is not Finding.SAME


def test_messages_are_never_merged() -> None:
    """They are what was said, not what is known."""
    kind = {"memory_type": MemoryType.MESSAGE}
    one = memory("1", "I like tea", FIRST).model_copy(update=kind)
    other = memory("2", "I like tea.", FIRST).model_copy(update=kind)
    assert judge(Statement.of(one), Statement.of(other)).finding is Finding.DIFFERENT


def test_yesterday_is_another_day_on_another_day() -> None:
    assert verdict("Ann ran 5 km yesterday", "Ann ran 5 km yesterday.").finding is Finding.DIFFERENT


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("Ann lives in Lyon.", "Ann moved to Oslo."),
        ("Ann works at Siemens.", "Ann now works at Bosch."),
        ("The user's favourite colour is purple.", "The user's favourite colour is now cyan."),
        ("My phone number is 0151 234.", "My new phone number is 0170 987."),
        ("The project uses MySQL.", "The project was migrated from MySQL to PostgreSQL."),
        ("The standup is at 9:30.", "The standup was moved to 10:00."),
        ("Ann eats meat.", "Ann no longer eats meat."),
        ("Ann eats meat.", "Ann stopped eating meat."),
        ("Marco plays tennis.", "Marco used to play tennis."),
        ("Marco plays tennis.", "Marco stopped playing tennis."),
        ("Ann drinks green tea every morning.", "Ann no longer drinks tea."),
        ("Ann sings in the choir.", "Ann left the choir in May."),
        ("I work at Acme.", "I've left Acme for good."),
        ("The user's favourite food is pizza.", "The user's favourite food is now sushi."),
    ],
)
def test_a_later_text_that_says_so_changes_the_earlier(earlier: str, later: str) -> None:
    found = verdict(earlier, later)
    assert (found.finding, found.keep) == (Finding.CHANGED, 1)
    assert verdict(later, earlier).finding is not Finding.CHANGED


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The user's favourite colour is purple.", "The user's favourite colour is cyan."),
        ("Ann lives in Lyon.", "Bob moved to Oslo."),
        ("Ann lives in Lyon.", "Ann might have moved to Oslo."),
        ("Ann lived in Lyon.", "Ann moved to Oslo."),
        ("Ann eats meat.", "Ann no longer eats meat at lunch."),
        ("Ann's friend is Bob.", "Ann's new friend is Carl."),
        ("Ann plays the guitar.", "Ann now plays the piano."),
        ("Ann lives in Lyon.", "Ann's brother moved to Oslo."),
        ("Ann lives in Lyon.", "Ann moved to the window seat."),
        ("Ann lives in Lyon.", "Ann now lives in a flat."),
        ("Ann lives in France.", "Ann moved to Lyon."),
        ("Ann works at Siemens.", "Ann joined Instagram."),
        ("Ann works at Siemens.", "Ann started working at 8 am."),
        ("Ann's car is red.", "Ann's car is now in Oslo."),
        ("The user's doctor is Ahmed.", "The user's doctor is now Norwegian."),
        ("The deadline is 5 May.", "The deadline is now known."),
        ("The build takes 5 minutes.", "The build now takes 5 GB of memory."),
        ("Ann has two cats.", "Ann now has three dogs."),
        ("Ann takes aspirin.", "Ann is used to taking aspirin."),
        ("The team uses Slack and Zoom.", "The team replaced Zoom with Meet."),
        ("We use Redis for caching.", "We replaced Redis with Postgres for sessions."),
        ("The user takes 5 mg of cetirizine.", "The user's wife went from 5 mg to 10 mg of cetirizine."),
        ("Bob eats meat.", "Bob said that Carl no longer eats meat."),
        ("The party is on Saturday.", "The party was moved to the garden."),
        ("My phone number is 0151 234.", "My mother's phone number is now 0170 987."),
        ("Ann works at Acme.", "Ann left Acme for lunch."),
        ("Ann works at Acme.", "Ann almost quit Acme."),
        ("Ann works at Acme.", "Ann lost her job."),
        ("Ann works at Acme.", "Ann's husband moved and no longer works at Acme."),
        ("Ann works at Acme.", "Since May 2025 Ann no longer works at Acme in the mornings."),
        ("Ann works at Acme.", "As of 1 January 2030 Ann no longer works at Acme."),
        ("Ann works at Acme's competitor.", "Ann no longer works at Acme."),
        ("Ann has a cat.", "Ann no longer has a cat, she has two."),
        ("Ann drinks coffee.", "Ann no longer drinks coffee, but she does on Sundays."),
        ("Ann drinks tea.", "Ann no longer drinks tea and coffee in the evening."),
        ("The office Ann works in is cold.", "The office Ann works in may no longer be cold."),
        ("The user's favourite drink is lemonade.", "The user's favourite drink is now expensive."),
    ],
)
def test_nothing_is_ended_on_a_guess(earlier: str, later: str) -> None:
    assert verdict(earlier, later).finding in {Finding.SUGGEST, Finding.DIFFERENT}


def test_what_is_over_or_equally_old_ends_nothing() -> None:
    ended = memory("1", "Ann lives in Lyon.", FIRST).model_copy(update={"valid_to": FIRST + LATER})
    later = memory("2", "Ann moved to Oslo.", FIRST + LATER)
    assert judge(Statement.of(ended), Statement.of(later)).finding is not Finding.CHANGED
    together = memory("1", "Ann lives in Lyon.", FIRST + LATER)
    assert judge(Statement.of(together), Statement.of(later)).finding is Finding.SUGGEST


def test_without_vectors_the_words_decide() -> None:
    assert verdict("The user is allergic to peanuts.", "User has a peanut allergy.", None).finding is Finding.SUGGEST
    assert verdict("Ann lives in Oslo.", "The bike is red.", None).finding is Finding.DIFFERENT


def test_a_contradiction_is_shown_to_a_person() -> None:
    found = verdict("Ann is allergic to nuts.", "Ann is not allergic to nuts.")
    assert (found.finding, found.reason) == (Finding.SUGGEST, "One says it, the other denies it.")


@pytest.mark.parametrize("pair", list(pairs()), ids=lambda pair: pair.earlier[:30])
def test_no_labelled_pair_is_merged_or_superseded_wrongly(pair: Pair) -> None:
    """Whatever the vectors say; and what is merged keeps everything that either text says."""
    for closeness in (None, 0.5, 1.0):
        found = verdict(pair.earlier, pair.later, closeness)
        allowed = {"same": Finding.SAME, "changed": Finding.CHANGED, "different": Finding.DIFFERENT}[pair.label]
        assert found.finding in {allowed, Finding.SUGGEST, Finding.DIFFERENT}
        if found.finding is Finding.SAME and found.keep is not None:
            assert missing([pair.earlier, pair.later], (pair.earlier, pair.later)[found.keep]) == []


TEXTS = st.sampled_from([text for pair in pairs() for text in (pair.earlier, pair.later)])
DAYS = st.integers(0, 3).map(lambda days: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days))


@given(TEXTS, TEXTS, DAYS, DAYS, st.one_of(st.none(), st.floats(0, 1)))
def test_the_order_of_a_pair_does_not_count(
    one: str, other: str, day: datetime, next_day: datetime, closeness: float | None
) -> None:
    first, second = Statement.of(memory("1", one, day)), Statement.of(memory("2", other, next_day))
    there, back = judge(first, second, closeness), judge(second, first, closeness)
    assert (there.finding, there.reason) == (back.finding, back.reason)
    if there.keep is not None and one != other:
        assert back.keep == 1 - there.keep


@given(TEXTS, st.sampled_from([" not", " 7", " Zoe", ' "xyz"', " 2031-01-09", " never", " ~", " ☂"]))
def test_more_words_that_count_are_not_the_same(text: str, extra: str) -> None:
    assert verdict(text, text.rstrip(".!?。") + extra, 1.0).finding is not Finding.SAME


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_can_be_judged(one: str, other: str) -> None:
    assert verdict(one, other, 1.0).reason


def test_in_a_cluster_every_pair_is_the_same() -> None:
    same = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("e", "f")]
    assert clusters(same) == [["a", "b", "c"], ["e", "f"]]
    assert clusters([]) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30), st.randoms())
def test_clusters_do_not_depend_on_the_order_of_the_pairs(ties: list[tuple[int, int]], chance: Any) -> None:
    found = clusters(ties)
    turned = [(two, one) if chance.random() < 0.5 else (one, two) for one, two in ties]
    chance.shuffle(turned)
    assert clusters(turned) == found
    held = {frozenset(tie) for tie in ties}
    assert all(frozenset(pair) in held for group in found for pair in combinations(group, 2))
    assert len({member for group in found for member in group}) == sum(map(len, found))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The user likes the old phone.", "The user no longer likes the phone."),
        ("The user rides the new bike.", "The user no longer rides the bike."),
        ("The team uses Slack.", "The team switched from Slack to Zoom for calls."),
        ("The API timeout is 60 seconds.", "The API timeout is now 1 minute."),
        ("Emma's boss is Rob.", "Emma's boss is now Robert."),
        ("She plays violin.", "She no longer plays violin."),
        ("I live in Austin, Texas.", "I moved to Denver, Colorado last month."),
        ("deploys: Fridays", "deploys: Tuesdays"),
        ("The API listens on port 8080.", "The API listens on port 9090."),
        ("The user's daughter is four years old.", "The user's daughter is five years old."),
        ("The user is single.", "The user got married to Elif in June."),
        ("The user has a dog named Rufus.", "Rufus, the user's dog, died last week."),
        ("The paper is under review.", "The paper was accepted."),
        ("The user rented a flat in Lyon.", "The user gave up the flat in Lyon."),
        ("Ann sings in the choir. She is an alto.", "Ann is tired. She left the choir in May."),
        ("The price of oil at Lidl is 6.24 euros.", "The price of oil at Lidl is 4.85 euros."),
    ],
)
def test_what_may_have_changed_is_shown_to_a_person(earlier: str, later: str) -> None:
    assert verdict(earlier, later, 0.7).finding is Finding.SUGGEST


def test_the_land_behind_a_town_does_not_hide_a_move() -> None:
    assert verdict("I live in Oakland.", "I just moved to Portland, Oregon.").finding is Finding.CHANGED


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The token expires after 24 hours.", "The token expires after a day."),
        ("The budget is 1.5 million dollars.", "They have a budget of $1.5M."),
        ("The train leaves Lyon at 07:45.", "The Lyon train departs at quarter to eight."),
        ("Piano lesson is Thursdays at 5pm.", "User has piano lessons on Thursday at 17:00."),
        ("We use Postgres 15 for the billing service.", "The billing service runs on PostgreSQL 15."),
        ("All timestamps are stored in UTC.", "All timestamps are saved in UTC."),
        ("User dislikes small talk before meetings.", "User doesn't like chit-chat before meetings begin."),
        ("The essay has to be handed in by 14 November.", "Essay deadline: Nov 14."),
        ("The user flew to Rome last year.", "Last year the user took a flight to Rome."),
    ],
)
def test_the_same_in_other_words_is_shown_to_a_person(earlier: str, later: str) -> None:
    assert verdict(earlier, later, 0.8).finding is Finding.SUGGEST


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The user loves spicy Thai food.", "The user's wife loves spicy Thai food."),
        ("User's mother was a teacher.", "User's mother-in-law was a teacher."),
        ("The user owes Martin 50 dollars.", "Martin owes Sofia 50 dollars."),
        ("The front door key is blue.", "The back door key is blue."),
        ("The refund is for order 88213.", "The refund is for order 88231."),
        ("Module A depends on module B.", "Module B depends on module A."),
        ("The dose is 1.5mg.", "The dose was 15mg."),
        ("Build 8768 took 13 minutes.", "Build 1651 took 13 minutes."),
        ("Reviewed pull request #123 by Ann.", "Reviewed pull request #231 by Ann."),
        ("Met Elena at the office.", "Met Elena at Blue Door."),
        ("Noor painted a lamp in Porto.", "Noor bought a lamp in Porto."),
        ("Noor bought a lamp in Porto for 50 euros.", "Noor lost a jacket in Porto for 40 euros."),
        ("Hey Ann! How was the choir this week?", "The choir was great. I lost my keys."),
    ],
)
def test_other_people_and_things_are_left_alone(earlier: str, later: str) -> None:
    assert verdict(earlier, later, 0.9).finding is Finding.DIFFERENT


def test_many_values_in_one_frame_are_a_log_and_two_a_correction() -> None:
    log = [("a", "b", "Weight: 82 kg", "Weight: 83 kg"), ("b", "c", "Weight: 83 kg", "Weight: 81 kg")]
    correction = [("d", "e", "API port: 8080", "API port: 9090"), ("e", "f", "API port: 9090", "the API port: 8080")]
    found = [((one, other), verdict(said, said_).values) for one, other, said, said_ in (*log, *correction)]
    assert listed((pair, values) for pair, values in found if values is not None) == {("a", "b"), ("b", "c")}
