"""BM25 over the lexical index. FTS5 keeps the words; its own ranking takes ten times as long and knows no filter.

How rare a word is, is counted among the memories that the search may show: what others store changes no score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apsw
import numpy as np
from numpy.typing import NDArray

from mcp_memory.ports.memories import Probe
from mcp_memory.stores.sqlite.columns import Columns
from mcp_memory.stores.sqlite.index import Allowed, places_of
from mcp_memory.stores.sqlite.statements import sql
from mcp_memory.stores.sqlite.threads import Rows
from mcp_memory.stores.tokens import tokens

_SPARSE = 32
"""Where fewer than one row in so many is touched, sorting these is quicker than walking over all."""
_SATURATION, _LENGTH = 1.2, 0.75
"""The customary k1 and b of BM25."""


def best(
    connection: apsw.Connection, columns: Columns, probe: Probe, allowed: Allowed
) -> tuple[Rows, NDArray[np.float32]]:
    """Return the allowed rows with the best BM25 in order of rows, and it."""
    scores = np.zeros(len(columns.handle) if probe.lexical else 0, np.float32)
    count = allowed.count
    if not count or not probe.lexical or not probe.terms:
        return np.empty(0, np.int64), scores[:0]
    usual = max(1.0, float(columns.length[allowed.mask if allowed.few is None else allowed.few].mean()))
    touched: list[Rows] = []
    for handles in postings(connection, probe.terms):
        first = np.flatnonzero(np.diff(handles, prepend=-1))
        times = np.diff(first, append=len(handles))
        rows, shown = places_of(columns.handle, handles[first])
        shown &= allowed.mask[rows]
        rows, times = rows[shown], times[shown].astype(np.float32)
        rarity = np.log1p((count - len(rows) + 0.5) / (len(rows) + 0.5))
        spread = _SATURATION * (1 - _LENGTH + _LENGTH * columns.length[rows] / usual)
        touched.append(rows)
        scores[rows] += rarity * times * (_SATURATION + 1) / (times + spread)
    rows = _distinct(touched, len(scores))
    if len(rows) > probe.lexical:
        rows = np.sort(rows[np.argpartition(-scores[rows], probe.lexical - 1)[: probe.lexical]])
    return rows, scores[rows]


def _distinct(touched: Sequence[Rows], among: int) -> Rows:
    """Return the numbers of the rows touched, sorted, each once."""
    if sum(map(len, touched)) * _SPARSE < among:
        return np.unique(np.concatenate([*touched, np.empty(0, np.int64)]))
    marked = np.zeros(among, np.bool_)
    for rows in touched:
        marked[rows] = True
    return np.flatnonzero(marked)


def postings(connection: apsw.Connection, terms: Sequence[str]) -> Iterator[Rows]:
    """Return for each distinct word the handles that hold it, each as often, one after the other, as it does."""
    distinct = words(connection, terms)
    fresh = _fresh(connection, distinct)
    for word in distinct:
        found = connection.execute(sql("postings"), (word,)).get
        indexed = np.empty(0, np.int64) if found is None else np.fromstring(found, np.int64, sep=",")
        handles = np.concatenate([indexed, np.array(fresh[word], np.int64)]) if fresh[word] else indexed
        if len(handles):
            yield handles


def rare(connection: apsw.Connection, most: int) -> Iterator[Rows]:
    """Return for each word that a few memories hold, at least two and at the most so many, their handles, sorted."""
    fresh = _fresh_words(connection)
    indexed = [str(word) for (word,) in connection.execute(sql("rare_words"), (most,)).fetchall()]
    for word in dict.fromkeys([*indexed, *fresh]):
        found = connection.execute(sql("postings"), (word,)).get
        handles = np.empty(0, np.int64) if found is None else np.fromstring(found, np.int64, sep=",")
        handles = np.unique(np.append(handles, fresh.get(word, ())).astype(np.int64))
        if 1 < len(handles) <= most:
            yield handles


def _fresh(connection: apsw.Connection, distinct: Sequence[str]) -> dict[str, list[int]]:
    """Return for each of the words the memories that hold it and wait to be indexed."""
    found = _fresh_words(connection)
    return {word: found.get(word, []) for word in distinct}


def _fresh_words(connection: apsw.Connection) -> dict[str, list[int]]:
    """Return the words that wait to be indexed, each with the memories that hold it, as often as they do."""
    found: dict[str, list[int]] = {}
    for handle, terms in connection.execute(sql("fresh")):
        for word in tokens(connection, str(terms)):
            found.setdefault(word, []).append(int(str(handle)))
    return found


def words(connection: apsw.Connection, terms: Sequence[str]) -> list[str]:
    """Return the words under which the index keeps the terms."""
    return list(dict.fromkeys(tokens(connection, " ".join(terms))))
