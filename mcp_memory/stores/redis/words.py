"""Words as Redis is given them: those that SQLite's index would keep, written so that no tokenizer changes them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import apsw

from mcp_memory.stores.redis.keys import digest
from mcp_memory.stores.tokens import tokens

_LONGEST = 96
"""Characters of a word that are written out; a digest stands for a longer one."""
_REMEMBERED = 8_192
"""Words that a process remembers as they are written."""


class Words:
    """Makes words; holds a connection to no file, as the tokenizer belongs to one."""

    def __init__(self) -> None:
        self._connection = apsw.Connection("")

    def of_text(self, terms: str) -> str:
        """Return the words of folded text as they are indexed, in order, parted by blanks."""
        return " ".join(map(_written, tokens(self._connection, terms)))

    def of_terms(self, terms: Sequence[str]) -> list[str]:
        """Return the distinct words of a question."""
        return list(dict.fromkeys(map(_written, tokens(self._connection, " ".join(terms)))))


@lru_cache(_REMEMBERED)
def _written(word: str) -> str:
    # The letter before it keeps "inf" and "2023" from being read as numbers.
    if len(word) > _LONGEST:
        return f"d{digest(word)}"
    if word.isascii() and word.isalnum():
        return f"w{word.lower()}"
    return f"x{word.encode('utf-8', 'surrogatepass').hex()}"
