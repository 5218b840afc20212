"""Near pairs among very many: found nearly all, and never more than can be looked at."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mcp_memory.retrieval.nearness import EXHAUSTIVE, LEAF, Pairs, near_pairs

MANY = 10_000
assert MANY * MANY > EXHAUSTIVE
DIMENSIONS = 48


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    made: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return made


def some(size: int, seed: int = 3) -> NDArray[np.float32]:
    return unit(np.random.default_rng(seed).standard_normal((size, DIMENSIONS)).astype(np.float32))


def found(vectors: NDArray[np.float32], *, fresh: NDArray[np.bool_] | None = None, distance: float = 0.1) -> Pairs:
    groups = np.zeros(len(vectors), np.int64)
    new = np.ones(len(vectors), np.bool_) if fresh is None else fresh
    return near_pairs(lambda rows: vectors[rows], groups, new, distance, 8)


def test_nearly_all_near_pairs_of_very_many_are_found() -> None:
    vectors = some(MANY)
    near = unit(vectors[:2_000] + 0.04 * some(2_000, 4) * np.sqrt(DIMENSIONS))
    pairs = found(np.concatenate([vectors, near]))
    wanted = {(row, MANY + row) for row in range(2_000)}
    assert len(wanted & set(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True))) > 1_900


def test_pairs_stand_once_and_are_as_close_as_they_say() -> None:
    vectors = some(MANY // 2)
    pairs = found(np.concatenate([vectors, vectors]))
    keys = list(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True))
    assert len(keys) == len(set(keys))
    assert (pairs.one < pairs.other).all()
    assert pairs.closeness.min() >= 0.9


@pytest.mark.parametrize("size", [LEAF // 2, 3 * LEAF, MANY])
def test_of_many_that_are_alike_each_brings_in_a_few(size: int) -> None:
    """All the same vector: neither time nor pairs may explode."""
    pairs = found(np.repeat(some(1), size, axis=0))
    assert 0 < len(pairs.one) <= 16 * size


def test_new_rows_are_compared_with_all_and_old_ones_with_new_ones() -> None:
    vectors = np.concatenate([some(MANY), some(MANY)[:3]])
    fresh = np.zeros(len(vectors), np.bool_)
    fresh[-3:] = True
    pairs = found(vectors, fresh=fresh)
    assert set(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True)) == {(n, MANY + n) for n in range(3)}


def test_groups_are_apart() -> None:
    vectors = np.repeat(some(1), 4, axis=0)
    pairs = near_pairs(lambda rows: vectors[rows], np.array([0, 1, 0, 1]), np.ones(4, np.bool_), 0.1, 8)
    assert list(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True)) == [(0, 2), (1, 3)]


def test_of_nothing_there_are_no_pairs() -> None:
    assert len(found(some(0)).one) == len(found(some(1)).one) == 0
