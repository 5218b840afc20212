"""Pairs of near memories: what is read of the file for it, and the search among it, which reads nothing."""

from __future__ import annotations

from datetime import datetime

import apsw
import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.filters import Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.ports.models import Generation
from mcp_memory.retrieval.nearness import Rows
from mcp_memory.retrieval.shared_words import RARE
from mcp_memory.stores import vectors
from mcp_memory.stores.near_field import Field
from mcp_memory.stores.sqlite import filters, lexical
from mcp_memory.stores.sqlite.index import Index, View, rows_of
from mcp_memory.stores.sqlite.search import allowed_rows, generation_number
from mcp_memory.stores.sqlite.statements import sql

_CHUNK = 16_384
"""Vectors read at a time."""


def field(
    connection: apsw.Connection, index: Index, where: Where, generation: Generation, since: datetime | None
) -> Field | None:
    """Return what is to be compared, from the connection's snapshot; None where there is nothing."""
    number = generation_number(connection, generation)
    numbers = filters.numbers_of(connection, where.scope)
    if not number or numbers is None:
        return None
    view = index.view(connection, number, generation.dimensions)
    rows = allowed_rows(connection, view, where, numbers)
    rows = rows[view.columns.generation[rows] == number]
    fresh = _fresh(connection, view.columns.handle[rows], since)
    owners = _owners(view, rows)
    # Where nothing is new, nothing is read.
    busy = np.isin(owners, np.unique(owners[fresh]))
    rows, fresh, owners = rows[busy], fresh[busy], owners[busy]
    if len(rows) < 2:  # noqa: PLR2004 -- a pair takes two
        return None
    handles = view.columns.handle[rows].copy()
    there, parts, scale = _vectors(connection, handles, number, generation.dimensions)
    handles = handles[there]
    rare = [rows_of(handles, held) for held in lexical.rare(connection, RARE)]
    return Field(handles, owners[there], fresh[there], parts, scale, [rows for rows in rare if len(rows) > 1])


def _fresh(connection: apsw.Connection, handles: Rows, since: datetime | None) -> NDArray[np.bool_]:
    if since is None:
        return np.ones(len(handles), np.bool_)
    found = connection.execute(sql("handles", sql("changed_after")), (microseconds(since),)).fetchall()
    return np.isin(handles, np.fromiter((handle for (handle,) in found), np.int64, len(found)))


def _owners(view: View, rows: Rows) -> Rows:
    """Return one number for each namespace, user and session."""
    columns = view.columns
    whose = np.stack([columns.namespace[rows], columns.user[rows], columns.session[rows]], axis=1)
    _, owners = np.unique(whose, axis=0, return_inverse=True)
    return owners.reshape(-1).astype(np.int64)


def _vectors(
    connection: apsw.Connection, handles: Rows, generation: int, dimensions: int
) -> tuple[NDArray[np.bool_], NDArray[np.int8], NDArray[np.float32]]:
    """Return which of the handles have a vector in the snapshot, and these vectors in their order."""
    parts = np.empty((len(handles), dimensions), np.int8)
    scale = np.empty(len(handles), np.float32)
    there = np.zeros(len(handles), np.bool_)
    for start in range(0, len(handles), _CHUNK):
        bound = (apsw.carray(handles[start : start + _CHUNK]), generation)
        found = connection.execute(sql("vectors"), bound).fetchall()
        if not found:
            continue
        held, stored = zip(*found, strict=True)
        rows = np.searchsorted(handles, np.array(held, np.int64))
        parts[rows], scale[rows] = vectors.unpacked(stored, dimensions)
        there[rows] = True
    return (there, parts, scale) if there.all() else (there, parts[there], scale[there])
