"""Stores that several processes use, of which some are killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import redis_server


@pytest.fixture(params=["sqlite", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the place of a new store, as the children of these tests read it."""
    if request.param == "sqlite":
        yield str(tmp_path / "memory.sqlite3")
        return
    place = redis_server.place(request.getfixturevalue("redis_url"))
    yield f"{place.url} {place.prefix}"
    redis_server.erase(place)
