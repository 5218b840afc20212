"""Words as every store's lexical index keeps them: what SQLite's FTS5 makes of a text, with the endings of Porter.

A store whose own index would stem in another way indexes these, so that all stores match the same memories.
"""

from __future__ import annotations

import apsw

TOKENIZER = ("porter", ["unicode61", "remove_diacritics", "2"])
"""As in the schema of the SQLite store."""


def tokens(connection: apsw.Connection, text: str) -> list[str]:
    """Return the words under which an index keeps the text, in order; the connection may be to nothing in RAM."""
    tokenize = connection.fts5_tokenizer(*TOKENIZER)
    found = tokenize(
        text.encode("utf-8", "replace"),
        apsw.FTS5_TOKENIZE_DOCUMENT,
        None,
        include_offsets=False,
        include_colocated=False,
    )
    return list(map(str, found))
