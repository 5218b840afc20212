"""Candidates for ranking: near by vector, good by words, and what was said just before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt

import apsw
import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.filters import Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.ports.memories import Candidates, Probe
from mcp_memory.ports.models import Generation
from mcp_memory.stores import vectors
from mcp_memory.stores.nothing import NOTHING
from mcp_memory.stores.sqlite import filters, lexical
from mcp_memory.stores.sqlite.index import Allowed, Index, View, rows_of
from mcp_memory.stores.sqlite.rows import CUES, Numbers
from mcp_memory.stores.sqlite.statements import sql
from mcp_memory.stores.sqlite.threads import Rows, Threads

EXACT = 512
"""Allowed memories up to which the vectors of all are compared instead of their codes."""
OVERSAMPLE, OVERSAMPLE_BY_ROOT = 256, 2
"""Codes are coarse: the nearest few by vector are among so many by code, or so many times the root of all there are."""
_GATHER = 4
"""Where less than one row in so many is allowed, their codes are gathered before they are compared."""


@dataclass(frozen=True, slots=True)
class _Search:
    connection: apsw.Connection
    index: Index
    probe: Probe
    view: View
    allowed: Allowed
    generation: int


def candidates(connection: apsw.Connection, index: Index, probe: Probe, where: Where) -> Candidates:
    """Return what the port promises, from the connection's snapshot."""
    numbers = filters.numbers_of(connection, where.scope)
    if numbers is None:
        return NOTHING
    generation = generation_number(connection, probe.generation)
    view = index.view(connection, generation, probe.generation.dimensions if probe.generation else 0)
    allowed = _allowed(connection, view, where, numbers)
    search = _Search(connection, index, probe, view, allowed, generation)
    near = _nearest(search)
    worded, scores = lexical.best(connection, view.columns, probe, allowed)
    found = np.union1d(near, worded)
    threads = Threads(view.columns, found, allowed.mask, allowed.few)
    rows = threads.around(found, probe.neighbours)
    words = np.zeros(len(rows), np.float32)
    words[np.searchsorted(rows, worded)] = scores
    return replace(_facets(search, rows, words, threads), without_vector=_without_vector(search))


def allowed_rows(connection: apsw.Connection, view: View, where: Where, numbers: Numbers) -> Rows:
    """Return the rows of the view that match, in order of storing."""
    allowed = _allowed(connection, view, where, numbers)
    return np.flatnonzero(allowed.mask) if allowed.few is None else allowed.few


def _allowed(connection: apsw.Connection, view: View, where: Where, numbers: Numbers) -> Allowed:
    return view.allowed(numbers, _end(where), _handles(connection, where, numbers))


def count(connection: apsw.Connection, index: Index, where: Where, terms: Sequence[str]) -> int:
    """Return how many memories lie within a plain condition, and hold one of the terms where some are given."""
    numbers = filters.numbers_of(connection, where.scope)
    if numbers is None:
        return 0
    columns = (view := index.view(connection)).columns
    allowed = view.allowed(numbers, _end(where), None)
    if not terms:
        return allowed.count
    holding = np.zeros(len(columns.handle), np.bool_)
    for handles in lexical.postings(connection, terms):
        holding[rows_of(columns.handle, handles)] = True
    return int(np.count_nonzero(allowed.mask & holding))


def generation_number(connection: apsw.Connection, generation: Generation | None) -> int:
    """Return the generation's number in this file, 0 if there is none."""
    if generation is None:
        return 0
    named = (generation.model, generation.dimensions, generation.digest)
    return int(connection.execute(sql("generation_number"), named).get or 0)


def _end(where: Where) -> int | None:
    return None if where.current_at is None else microseconds(where.current_at)


def _handles(connection: apsw.Connection, where: Where, numbers: Numbers) -> Rows | None:
    """Return the handles that match where more is asked than the columns in RAM know."""
    if filters.is_plain(where):
        return None
    condition = filters.condition(where, numbers)
    found = connection.execute(sql("handles", condition.text), condition.values).fetchall()
    return np.fromiter((handle for (handle,) in found), np.int64, len(found))


def _nearest(search: _Search) -> Rows:
    """Return the rows of the nearest vectors."""
    probe = search.probe
    # Another thread may have loaded the codes of another generation since; then there is nothing to compare.
    if probe.vector is None or not search.generation or search.generation != search.view.generation:
        return np.empty(0, np.int64)
    code = vectors.code_of(probe.vector)
    few, all_rows = search.allowed.few, len(search.allowed.mask)
    if few is not None and len(few) * _GATHER < all_rows:
        rows = _nearest_of_few(search, few, code)
    else:
        rows = _nearest_of_many(search, code)
    if len(rows) <= probe.nearest or not probe.nearest:
        return rows[: probe.nearest]
    return _nearest_of(search, np.sort(rows), probe.vector)


def _without_vector(search: _Search) -> int:
    """Return how many allowed rows have no vector that the probe's can be compared with."""
    if search.probe.vector is None:
        return 0
    if not search.generation:
        return search.allowed.count
    generation, few = search.view.columns.generation, search.allowed.few
    same = generation == search.generation if few is None else generation[few] == search.generation
    return search.allowed.count - int(np.count_nonzero(same & search.allowed.mask if few is None else same))


def _nearest_of_few(search: _Search, few: Rows, code: vectors.Codes) -> Rows:
    """Return the rows whose codes are nearest, or all where so few can be compared by their vectors."""
    columns = search.view.columns
    rows: Rows = few[columns.generation[few] == search.generation]
    if len(rows) > max(EXACT, search.probe.nearest):
        rows = rows[vectors.nearest_codes(columns.codes[rows], code, _wanted(search.probe, len(rows)))]
    return rows


def _nearest_of_many(search: _Search, code: vectors.Codes) -> Rows:
    """Return the same, without copying the codes."""
    columns = search.view.columns
    mask = search.allowed.mask & (columns.generation == search.generation)
    count = int(np.count_nonzero(mask))
    if count <= max(EXACT, search.probe.nearest):
        return np.flatnonzero(mask)
    every = None if count == len(mask) else mask
    return vectors.nearest_codes(columns.codes, code, _wanted(search.probe, count), every)


def _wanted(probe: Probe, count: int) -> int:
    return max(probe.nearest, OVERSAMPLE, OVERSAMPLE_BY_ROOT * isqrt(count))


def _nearest_of(search: _Search, rows: Rows, vector: NDArray[np.float32]) -> Rows:
    """Return of the rows those with the nearest vectors."""
    rows, stored = _vectors(search, rows, len(vector))
    return rows[np.argsort(vectors.distances(stored, vector), kind="stable")[: search.probe.nearest]]


def _vectors(search: _Search, rows: Rows, dimensions: int) -> tuple[Rows, vectors.Stored]:
    """Return those of some sorted rows that have a vector of the generation, and their vectors."""
    view = search.view
    if search.generation != view.generation:
        # Another thread has loaded another generation since.
        return _read_vectors(search, rows, dimensions)
    stored, there = view.cache.get(rows)
    missing = rows[~there]
    if len(missing):
        found, read = _read_vectors(search, missing, dimensions)
        places = np.searchsorted(rows, found)
        stored[places], there[places] = read, True
        search.index.keep(view, found, read)
    return (rows, stored) if there.all() else (rows[there], stored[there])


def _read_vectors(search: _Search, rows: Rows, dimensions: int) -> tuple[Rows, vectors.Stored]:
    """Return the same as the snapshot holds them."""
    handles = search.view.columns.handle[rows]
    found = search.connection.execute(sql("vectors"), (apsw.carray(handles), search.generation)).fetchall()
    known, stored = zip(*found, strict=True) if found else ((), ())
    return rows[np.searchsorted(handles, np.array(known, np.int64))], vectors.matrix(stored, dimensions)


def _facets(search: _Search, rows: Rows, words: NDArray[np.float32], threads: Threads) -> Candidates:
    """Return the columns of the rows that the snapshot holds."""
    handles = search.view.columns.handle[rows]
    if not len(handles):
        return NOTHING
    found = search.connection.execute(sql("facets"), (apsw.carray(handles),)).fetchall()
    if len(found) != len(rows):
        # The columns in RAM may be newer than the snapshot: what was added since is not there yet.
        known = search.connection.execute(sql("known_handles"), (apsw.carray(handles),)).fetchall()
        there = np.isin(handles, np.array(known, np.int64).reshape(-1))
        rows, handles, words = rows[there], handles[there], words[there]
    if not found:
        return NOTHING
    accessed, blobs, speaker = zip(*found, strict=True)
    cues = np.frombuffer(b"".join(blobs), CUES)
    before, after, session = threads.links(rows)
    return Candidates(
        handles=handles.tolist(),
        distance=_distances(search, rows),
        lexical=words,
        before=before,
        after=after,
        session=session,
        words=cues["words"].astype(np.int32),
        flags=cues["flags"].astype(np.int32),
        day=cues["day"].astype(np.int32),
        speaker=list(speaker),
        created=cues["created"].astype(np.float64),
        accessed=np.array(accessed, np.float64) / 1e6,
    )


def _distances(search: _Search, rows: Rows) -> NDArray[np.float32]:
    """Return the distances of the rows whose vectors are of the probe's generation, nan for the others."""
    distance = np.full(len(rows), np.nan, np.float32)
    vector = search.probe.vector
    if vector is not None and search.generation:
        there, stored = _vectors(search, rows, len(vector))
        distance[np.searchsorted(rows, there)] = vectors.distances(stored, vector)
    return distance
