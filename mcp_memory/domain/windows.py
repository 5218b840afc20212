"""How much of a conversation fits into a model: token counts and windows. Windows cut on reading only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mcp_memory.domain.records import Message

DEFAULT_WINDOW = 16_000
"""Tokens when neither a window nor a known model is named."""
SUMMARIZE_AT = 0.7
"""Share of the window at which clients expect a summary to become due."""

_WINDOWS = (
    ("gpt-3.5-turbo-16k", 16_385),
    ("gpt-3.5", 4_096),
    ("gpt-4-32k", 32_768),
    ("gpt-4-turbo", 128_000),
    ("gpt-4o", 128_000),
    ("gpt-4.1", 128_000),
    ("gpt-4", 8_192),
    ("gpt-5-mini", 400_000),
    ("gpt-5-nano", 400_000),
    ("gpt-5", 128_000),
    ("o1", 200_000),
    ("o3", 200_000),
    ("o4", 200_000),
    ("claude", 200_000),
    ("gemini", 1_000_000),
)
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def count_tokens(text: str) -> int:
    """Estimate how many tokens a model sees: a quarter of the characters, one for each CJK character; at least 1."""
    wide = len(_WIDE.findall(text))
    return max(1, wide + -(-(len(text) - wide) // 4))


def message_tokens(message: Message) -> int:
    """Estimate the tokens of a message with its role."""
    return count_tokens(f"{message.role}: {message.content}")


def window_of(model_name: str | None, context_window_max: int | None) -> int:
    """Return the window in tokens: the one named, else the model's, else the default."""
    if context_window_max is not None:
        return context_window_max
    name = (model_name or "").rpartition("/")[2].lower()
    return next((tokens for prefix, tokens in _WINDOWS if name.startswith(prefix)), DEFAULT_WINDOW)


def last_that_fit(messages: Sequence[Message], window: int) -> list[Message]:
    """Return the newest messages that fit into the window together, in order; always at least the last."""
    used = 0
    for count, message in enumerate(reversed(messages)):
        used += message_tokens(message)
        if used > window and count > 0:
            return list(messages[len(messages) - count :])
    return list(messages)
