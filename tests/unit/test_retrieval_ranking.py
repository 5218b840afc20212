"""In which order candidates answer, and whether they answer at all: each signal moves the order the right way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from mcp_memory.domain.recency import Recency
from mcp_memory.domain.records import SearchMode
from mcp_memory.ports.memories import Candidates
from mcp_memory.retrieval.cues import Flag
from mcp_memory.retrieval.questions import read
from mcp_memory.retrieval.ranking import Ranking, Wish, rank

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = 86_400.0
COLUMNS = {
    "distance": np.float32,
    "lexical": np.float32,
    "before": np.int32,
    "after": np.int32,
    "session": np.int32,
    "words": np.int32,
    "flags": np.int32,
    "day": np.int32,
    "created": np.float64,
    "accessed": np.float64,
}


def rows(count: int, **columns: Any) -> Candidates:
    """Return candidates that are alike but for the columns given."""
    alike: dict[str, Any] = {
        "distance": [0.5] * count,
        "lexical": [0.0] * count,
        "before": [-1] * count,
        "after": [-1] * count,
        "session": [-1] * count,
        "words": [20] * count,
        "flags": [0] * count,
        "day": [0] * count,
        "created": [0.0] * count,
        "accessed": [0.0] * count,
    } | columns
    speaker = alike.pop("speaker", [""] * count)
    handles = alike.pop("handles", list(range(1, count + 1)))
    typed: dict[str, Any] = {name: np.array(values, dtype=COLUMNS[name]) for name, values in alike.items()}
    return Candidates(handles=handles, speaker=speaker, **typed)


def ranked(text: str, found: Candidates, mode: SearchMode | None = None, recency: Recency | None = None) -> Ranking:
    """Rank the candidates for a question asked now."""
    return rank(read(text, NOW), found, Wish(mode, recency), now=NOW)


def first(text: str, found: Candidates, mode: SearchMode | None = None) -> int:
    """Return the row that is ranked best."""
    return int(ranked(text, found, mode).order[0])


TALK = [Flag.QUESTION, 0, 0, 0]
"""Flags of candidates among which some ask: turns of talk."""


def test_what_is_nearer_in_meaning_is_first() -> None:
    assert first("Where do I live?", rows(3, distance=[0.6, 0.3, 0.5])) == 1


def test_what_shares_words_is_first() -> None:
    assert first("violin lessons", rows(3, lexical=[0.0, 0.0, 9.0])) == 2


@pytest.mark.parametrize("text", ["INV-48213", "What happened to INV-48213?", "who paid order 99312 and why"])
def test_the_memory_with_the_code_passes_all_that_mean_nearly_the_same(text: str) -> None:
    """A model makes little of a number: of a thousand invoices, hundreds are nearer than the one that is asked for."""
    near = [0.2 + place / 100 for place in range(39)]
    found = rows(40, distance=[*near, 0.6], lexical=[1.5] * 39 + [9.0])
    assert first(text, found) == 39
    assert first("What was paid?", found) != 39


def test_two_words_in_one_memory_beat_one_in_each() -> None:
    found = ranked("violin lessons", rows(3, lexical=[4.0, 8.0, 4.0]))
    words = dict(zip(found.order.tolist(), found.parts["words"].tolist(), strict=True))
    assert words[1] > 2 * words[0]


def test_the_answer_to_a_matching_question_passes_what_stands_alone() -> None:
    """ "What do you play?" — "The violin." repeats no word of what was asked."""
    found = rows(4, flags=TALK, lexical=[9.0, 0.0, 0.0, 0.0], before=[-1, 0, -1, -1], after=[1, -1, -1, -1])
    assert ranked("What do I play?", found).order.tolist().index(1) < 2


def test_facts_lend_their_neighbours_nothing() -> None:
    """Facts stored together are not talk: the one after a match has nothing to do with it."""
    found = rows(4, lexical=[9.0, 0.0, 0.0, 0.0], before=[-1, 0, 1, 2], after=[1, 2, 3, -1])
    assert not ranked("What do I play?", found).parts["context"].any()


def test_turns_of_the_session_with_the_best_match_come_forward() -> None:
    found = rows(4, flags=TALK, distance=[0.9, 0.2, 0.5, 0.5], session=[0, 1, 1, 2])
    order = ranked("Where did we camp?", found).order.tolist()
    assert order.index(2) < order.index(3)


def test_the_named_speaker_comes_forward() -> None:
    found = rows(2, speaker=["ben", "caroline"])
    assert first("What did caroline adopt?", found) == 1
    assert first("What did Ben adopt?", found) == 0


def test_two_named_speakers_cancel_out() -> None:
    found = ranked("What do Ben and Caroline share?", rows(2, speaker=["ben", "caroline"]))
    assert not found.parts["speaker"].any()


@pytest.mark.parametrize(("text", "best"), [("What did I do last week?", 1), ("What did I do on 7 May 2023?", 2)])
def test_memories_of_the_days_asked_for_come_forward(text: str, best: int) -> None:
    since = date(1970, 1, 1)
    days = [(day - since).days for day in (date(2026, 9, 1), date(2026, 11, 18), date(2023, 5, 8))]
    assert first(text, rows(3, day=days)) == best


@pytest.mark.parametrize(
    ("text", "flag"), [("When did I move?", Flag.DATED), ("How many cats are there?", Flag.NUMBER)]
)
def test_the_kind_of_answer_asked_for_comes_forward(text: str, flag: Flag) -> None:
    assert first(text, rows(2, flags=[0, flag])) == 1


def test_in_talk_longer_turns_come_forward_and_questions_fall_back() -> None:
    assert first("the lake", rows(4, flags=TALK, words=[20, 5, 40, 5])) == 2
    assert ranked("the lake", rows(4, flags=TALK)).order[-1] == 0


def test_among_long_messages_the_longest_fall_back() -> None:
    assert first("the lake", rows(3, words=[900, 150, 600])) == 1


def test_the_user_s_words_pass_the_assistant_s_unless_those_are_asked_for() -> None:
    found = rows(2, words=[150, 150], flags=[Flag.ASSISTANT, Flag.USER])
    assert first("Which hotel did I book?", found) == 1
    assert first("Which hotel did you recommend?", found) == 0


def test_words_weigh_less_among_long_messages() -> None:
    """Nearly each long message shares some word with a question."""
    short = rows(3, lexical=[9.0, 0.0, 0.0], flags=[0, Flag.QUESTION, 0])
    long = replace(short, words=np.full(3, 200, np.int32))
    share = [
        found.parts["words"].max() / np.abs(found.parts["meaning"]).max()
        for found in (
            ranked("the violin", replace(each, distance=np.array([0.5, 0.4, 0.5], np.float32)))
            for each in (short, long)
        )
    ]
    assert share[0] > 2 * share[1]


def test_of_like_memories_the_newer_is_first_but_passes_no_better_one() -> None:
    created = [NOW.timestamp() - 300 * DAY, NOW.timestamp()]
    assert first("tea", rows(2, created=created)) == 1
    assert first("tea", rows(2, created=created, distance=[0.4, 0.5])) == 0


def test_semantic_order_is_the_distance_alone() -> None:
    found = rows(3, distance=[0.5, 0.4, np.nan], lexical=[9.0, 0.0, 9.0], flags=[0, Flag.QUESTION, 0])
    answer = ranked("violin", found, SearchMode.SEMANTIC)
    assert answer.order.tolist() == [1, 0]
    assert answer.score == pytest.approx([0.6, 0.5])


@pytest.mark.parametrize(("alpha", "best"), [(1.0, 0), (0.0, 1)])
def test_a_client_may_say_how_much_meaning_counts_against_words(alpha: float, best: int) -> None:
    found = rows(2, distance=[0.3, 0.7], lexical=[0.0, 9.0])
    answer = rank(read("violin lessons", NOW), found, Wish(SearchMode.HYBRID, alpha=alpha), now=NOW)
    assert answer.order[0] == best


def test_keyword_order_is_the_lexical_match_alone() -> None:
    found = rows(4, distance=[0.1, 0.9, 0.9, 0.1], lexical=[0.0, 2.0, 5.0, 1.0])
    answer = ranked("violin", found, SearchMode.KEYWORD)
    assert answer.order.tolist() == [2, 1, 3]
    assert answer.relevant


def test_hybrid_is_the_best_ranking() -> None:
    found = rows(5, distance=[0.3, 0.5, 0.4, 0.6, 0.2], lexical=[0.0, 8.0, 1.0, 0.0, 0.0])
    assert ranked("violin", found, SearchMode.HYBRID).order.tolist() == ranked("violin", found).order.tolist()


def test_memories_without_vectors_are_ranked_by_words_among_the_others() -> None:
    found = rows(5, distance=[0.5, np.nan, 0.6, 0.65, 0.6], lexical=[0.0, 9.0, 0.0, 0.0, 0.0])
    assert first("violin", found) == 1
    nothing_embedded = rows(3, distance=[np.nan] * 3, lexical=[0.0, 3.0, 5.0])
    assert first("violin", nothing_embedded) == 2


def test_what_the_world_knows_and_no_memory_does_is_refused() -> None:
    question = "What is the capital of Mongolia?"
    assert not ranked(question, rows(3, distance=[0.95, 0.9, 0.85])).relevant
    assert ranked(question, rows(3, distance=[0.95, 0.9, 0.5])).relevant
    assert not ranked(question, rows(3, distance=[np.nan] * 3)).relevant


@pytest.mark.parametrize("text", ["user preferences", "What do you know about me?", "What happened last week?"])
def test_questions_about_the_people_here_are_never_refused(text: str) -> None:
    """They resemble no single memory, and ask for all of them."""
    assert ranked(text, rows(3, distance=[0.95, 0.9, 0.99])).relevant


def test_a_rare_word_lifts_a_weak_resemblance_over_the_floor() -> None:
    question = "Who owns zephyrnet?"
    assert ranked(question, rows(2, distance=[0.85, 0.9], lexical=[9.0, 0.0])).relevant
    assert not ranked(question, rows(2, distance=[0.85, 0.9], lexical=[0.5, 0.0])).relevant


def test_nothing_found_is_nothing_relevant() -> None:
    for mode in (None, *SearchMode):
        answer = ranked("tea", rows(0), mode)
        assert not answer.relevant
        assert not len(answer.order)
        assert not len(answer.score)


@pytest.mark.parametrize("mode", [None, SearchMode.HYBRID, SearchMode.KEYWORD])
def test_the_parts_add_up_to_the_score_before_it_is_squashed(mode: SearchMode | None) -> None:
    found = rows(5, distance=[0.3, 0.5, 0.4, 0.6, 0.2], lexical=[1.0, 8.0, 1.0, 0.5, 4.0], flags=[1, 2, 4, 8, 16])
    answer = ranked("When did I buy the violin?", found, mode)
    total = np.sum(list(answer.parts.values()), axis=0)
    assert answer.score == pytest.approx(1 / (1 + np.exp(-total)))


@pytest.mark.parametrize("recency", [None, Recency(), Recency(semantic_weight=1, recency_weight=0)])
def test_scores_fall_within_0_and_1(recency: Recency | None) -> None:
    generator = np.random.default_rng(1)
    found = rows(50, distance=generator.uniform(0, 2, 50), lexical=generator.uniform(0, 20, 50))
    score = ranked("the violin", found, recency=recency).score
    assert (np.diff(score) <= 0).all()
    assert score.max() <= 1
    assert score.min() >= 0


def test_the_best_scores_as_its_own_evidence_does() -> None:
    """0.5 is the floor: what is far above it scores high, whatever else there is."""
    sure = ranked("Where do I live?", rows(3, distance=[0.2, 0.9, 0.9])).score
    weak = ranked("Where do I live?", rows(3, distance=[0.75, 0.9, 0.9])).score
    assert sure[0] > 0.9
    assert 0.5 <= weak[0] < 0.7


def test_recency_asked_for_is_the_known_formula() -> None:
    created = [NOW.timestamp() - 30 * DAY, NOW.timestamp()]
    found = rows(2, distance=[0.2, 0.3], created=created, accessed=created)
    plain, blended = ranked("tea", found), ranked("tea", found, recency=Recency())
    expected = 0.8 * plain.score[0] + 0.2 * (0.6 * 2 ** (-30 / 7) + 0.4 * 2**-1)
    assert blended.score[blended.order.tolist().index(0)] == pytest.approx(expected)
    assert ranked("tea", found, recency=Recency(semantic_weight=0, recency_weight=1)).order.tolist() == [1, 0]


def test_the_same_candidates_in_another_order_are_ranked_the_same() -> None:
    """Pages of one search must not overlap, and stores promise no order."""
    generator = np.random.default_rng(7)
    size = 60
    columns: dict[str, Any] = {
        "distance": generator.choice([0.3, 0.4, 0.5], size),
        "lexical": generator.choice([0.0, 3.0], size),
        "flags": generator.choice([0, 1, 2, 4], size),
        "words": generator.choice([5, 20, 50], size),
        "handles": list(range(size)),
        "speaker": [["ben", "ann"][at] for at in generator.integers(0, 2, size)],
    }
    shuffled = generator.permutation(size)
    mixed = {name: [values[at] for at in shuffled] for name, values in columns.items()}
    one, other = rows(size, **columns), rows(size, **mixed)
    text = "When did Ann play the violin?"
    expected = [one.handles[row] for row in ranked(text, one).order]
    assert [other.handles[row] for row in ranked(text, other).order] == expected


def test_handles_may_be_text() -> None:
    assert ranked("tea", rows(2, handles=["b", "a"])).order.tolist() == [1, 0]
