"""Vectors that searches keep are those of their rows, or none."""

from __future__ import annotations

import numpy as np

from mcp_memory.stores.sqlite.vector_cache import VectorCache
from mcp_memory.stores.vectors import SCALE, Stored

SLOTS = 8


def rows(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(numbers, np.int64)


def stored(*numbers: int) -> Stored:
    """Return vectors of one dimension that tell whose they are."""
    return np.repeat(np.array(numbers, np.uint8)[:, None], SCALE + 1, axis=1)


def held(cache: VectorCache, *numbers: int) -> list[int | None]:
    """Return whose vector the cache gives for each row, None for none."""
    found, there = cache.get(rows(*numbers))
    return [int(vector[0]) if known else None for vector, known in zip(found, there, strict=True)]


def test_it_gives_what_was_put_and_nothing_else() -> None:
    cache = VectorCache(1, SLOTS)
    cache.put(rows(3, 7), stored(3, 7))

    assert held(cache, 0, 3, 7, 99) == [None, 3, 7, None]
    assert held(cache) == []


def test_what_was_put_first_makes_room() -> None:
    cache = VectorCache(1, SLOTS)
    for number in range(SLOTS + 2):
        cache.put(rows(number), stored(number))

    assert held(cache, *range(SLOTS + 2)) == [None, None, *range(2, SLOTS + 2)]


def test_of_more_than_it_holds_it_keeps_the_last() -> None:
    cache = VectorCache(1, SLOTS)
    cache.put(rows(*range(20)), stored(*range(20)))

    assert held(cache, *range(20)) == [*[None] * 12, *range(12, 20)]


def test_what_is_forgotten_is_put_anew() -> None:
    cache = VectorCache(1, SLOTS)
    cache.put(rows(1, 2), stored(1, 2))

    cache.forget(rows(2, 50))
    assert held(cache, 1, 2) == [1, None]

    cache.put(rows(2), stored(9))
    assert held(cache, 1, 2) == [1, 9]


def test_a_row_put_twice_is_never_given_as_another_one() -> None:
    """Two threads may have read the same at once."""
    cache = VectorCache(1, SLOTS)
    cache.put(rows(1), stored(1))
    cache.put(rows(1), stored(1))
    for number in range(10, 10 + SLOTS - 1):
        cache.put(rows(number), stored(number))

    assert held(cache, *range(10, 10 + SLOTS - 1)) == [*range(10, 10 + SLOTS - 1)]
    assert held(cache, 1)[0] in {1, None}
