"""The content hash: same content, same hash; another meaning, another hash."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcp_memory.domain.identity import content_hash

DAY = datetime(2026, 5, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "same",
    [
        "Ann likes  tea",
        "ann likes tea.",
        " ANN LIKES TEA ",
        "Ann\nlikes\ttea!",
        "Ann likes tea。",
        "\uff21nn likes tea",
    ],
)
def test_case_spacing_form_and_closing_punctuation_do_not_count(same: str) -> None:
    """They do not change what a memory says."""
    assert content_hash(same, "semantic") == content_hash("Ann likes tea", "semantic")


def test_typographic_quotes_do_not_count() -> None:
    """Editors put them in by themselves."""
    assert content_hash("Ann\u2019s \u201cbig\u201d dog", "semantic") == content_hash('Ann\'s "big" dog', "semantic")


@pytest.mark.parametrize("other", ["Ann likes tea?", "Ann does not like tea", "Ann likes 2 teas", "Ann likes téa"])
def test_another_meaning_is_another_hash(other: str) -> None:
    """A question, a negation, a number or an accent may change the meaning."""
    assert content_hash(other, "semantic") != content_hash("Ann likes tea", "semantic")


def test_type_and_day_count() -> None:
    """The same words about another day are another memory."""
    one = content_hash("Went running", "episodic", DAY)
    assert one == content_hash("Went running.", "episodic", DAY)
    assert one != content_hash("Went running", "semantic", DAY)
    assert one != content_hash("Went running", "episodic")
