"""What the lexical index keeps of a text: the same words must come out of a memory and of the question about it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcp_memory.domain.english import stem
from mcp_memory.retrieval.words import (
    MAX_QUERY_TERMS,
    MAX_WORD,
    fold,
    index_terms,
    kind_terms,
    query_terms,
    terms,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Caroline's DOG, didn't bark!", ["caroline", "dog", "didnt", "bark"]),
        ("l’école d'été", ["l", "ecole", "d", "ete"]),
        ("Straße ﬁn \uff12\uff10\uff12\uff13", ["strasse", "fin", "2023"]),
        ("snake_case v2.3.1 a@b.io", ["snake", "case", "v2", "3", "1", "a", "b", "io"]),
        ("Ёлка, который", ["елка", "которыи"]),
        ("she bought what they took", ["she", "buy", "what", "they", "take"]),
        ("", []),
        ("…!?", []),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert terms(text) == words


@pytest.mark.parametrize(
    ("question", "memory", "shared"),
    [
        ("猫の名前", "うちの猫の名前はタマです", "猫の"),
        ("弟", "弟", "弟"),
        ("간호사", "저는 간호사로 일합니다", "호사"),
        ("서울은", "서울에서 살아요", "서울"),
        ("แมว", "ฉันมีแมวหนึ่งตัว", "แม"),
        ("ガラス", "ガラスの靴", "ガラ"),
    ],
)
def test_scripts_without_blanks_are_found_by_pairs(question: str, memory: str, shared: str) -> None:
    assert shared in set(query_terms(question)) & set(terms(memory))


def test_voiced_kana_stay_other_letters() -> None:
    """ "ガ" and "カ" are two sounds; only accents and vowel signs are taken away."""
    assert terms("ガラス") != terms("カラス")


def test_vowel_signs_do_not_part_a_word() -> None:
    """Tokenizers that know letters alone would make four words of it."""
    assert len(terms("नमस्ते")) == 1


@pytest.mark.parametrize("text", ["don't", "DON’T", "don`t"])
def test_every_apostrophe_is_one(text: str) -> None:
    assert terms(text) == ["dont"]


def test_every_word_is_letters_and_digits_alone() -> None:
    """Any tokenizer that the terms are handed to leaves them whole."""
    text = "it's O'Brien's rock'n'roll -- a/b/c «été» 100% naïve_test\u200b\ufeffx\x1f"
    assert all(word.isalnum() for word in terms(text))


def test_folding_is_stable() -> None:
    for text in ("İstanbul", "ΣΊΣΥΦΟΣ", "Ǆ", "ﷺ", "한국어", "ギター"):
        assert fold(fold(text)) == fold(text)


def test_long_words_keep_their_beginning() -> None:
    assert terms("x" * 10_000) == ["x" * MAX_WORD]


def test_the_index_knows_the_day_by_its_names() -> None:
    held = index_terms("Went running.", datetime(2023, 5, 8, tzinfo=UTC)).split()
    assert {"2023", "may", "8", "monday"} <= set(held)
    assert index_terms("Went there.") == "go there"


def test_the_index_knows_what_kind_a_thing_is() -> None:
    """ "Which pets do I have?" finds the beagle, "a beagle" does not find the cat."""
    asked = set(kind_terms(query_terms("Which pets do I have?")))
    assert asked & set(index_terms("We adopted a beagle.").split())
    assert not asked & set(index_terms("We bought a sofa.").split())
    assert not kind_terms(query_terms("the beagle"))


def test_a_long_text_has_no_kinds() -> None:
    long = "beagle " + "word " * 200
    assert "kindof" not in index_terms(long)


def test_question_words_are_left_out_unless_nothing_else_is_there() -> None:
    assert query_terms("What did she do with the violin?") == ("violin",)
    assert query_terms("Who are you?") == ("who", "are", "you")
    assert query_terms("?!") == ()


def test_question_words_are_distinct_and_in_order() -> None:
    assert query_terms("tea, Tea or coffee or TEA") == ("tea", "coffee")


def test_quoted_words_are_kept() -> None:
    assert "the" in query_terms('What is in "The Hobbit"?')


def test_a_pasted_page_is_cut_to_its_longest_words() -> None:
    page = " ".join(f"w{number}" for number in range(500)) + " extraordinarily"
    found = query_terms(page)
    assert len(found) == MAX_QUERY_TERMS
    assert "extraordinarily" in found


@pytest.mark.parametrize(
    "forms",
    [
        ("painting", "paintings", "painted", "paint"),
        ("run", "running", "runs", "runner"),
        ("hobby", "hobbies"),
        ("hike", "hiking", "hiked"),
        ("allergy", "allergies"),
        ("dress", "dresses"),
        ("quick", "quickly", "quicker", "quickest"),
    ],
)
def test_stems_bring_forms_together(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize("word", ["bus", "gas", "red", "2023", "ß", "猫", "v8s"])
def test_stems_leave_short_and_foreign_words_alone(word: str) -> None:
    assert stem(word) == word
