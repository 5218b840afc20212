"""Windows cut on reading: the newest messages that fit, never fewer than one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcp_memory.domain.records import Message
from mcp_memory.domain.windows import DEFAULT_WINDOW, count_tokens, last_that_fit, message_tokens, window_of

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


def messages(*texts: str) -> list[Message]:
    return [Message(id=str(n), role="user", content=text, created_at=NOW) for n, text in enumerate(texts)]


def test_the_newest_messages_that_fit_are_kept_in_order() -> None:
    """A budget for two keeps the last two."""
    said = messages("one " * 40, "two " * 40, "six " * 40)
    budget = message_tokens(said[1]) + message_tokens(said[2])
    assert last_that_fit(said, budget) == said[1:]
    assert last_that_fit(said, budget - 1) == said[2:]
    assert last_that_fit(said, 10_000) == said


def test_the_last_message_is_always_kept() -> None:
    """A message longer than the window is better than no message."""
    assert last_that_fit(messages("short", "long " * 1000), 5) == messages("short", "long " * 1000)[1:]
    assert last_that_fit([], 5) == []


@pytest.mark.parametrize(
    ("model", "given", "window"),
    [
        (None, None, DEFAULT_WINDOW),
        (None, 50, 50),
        ("gpt-5", None, 128_000),
        ("gpt-5-mini", None, 400_000),
        ("openai/gpt-4o-mini", None, 128_000),
        ("claude-sonnet-4-5", None, 200_000),
        ("gpt-4", 99, 99),
        ("a-model-of-tomorrow", None, DEFAULT_WINDOW),
    ],
)
def test_the_window_is_the_one_named_else_the_models(model: str | None, given: int | None, window: int) -> None:
    """Unknown models are no error: they get the default window."""
    assert window_of(model, given) == window


def test_characters_of_wide_scripts_count_whole() -> None:
    """A quarter of the characters is far too few for Chinese."""
    assert count_tokens("记忆服务器") == 5
    assert count_tokens("abcdefgh") == 2
    assert count_tokens("") == 1
