"""Vectors in small: what eight bits and one bit keep, and that both kernels count alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mcp_memory.stores import vectors


def unit(rows: int, dimensions: int, seed: int = 1) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


@pytest.mark.parametrize("dimensions", [1, 8, 63, 64, 65, 384, 1536])
@pytest.mark.parametrize("rows", [1, 2, 1_000])
def test_both_kernels_count_the_same_bits(rows: int, dimensions: int) -> None:
    codes = vectors.code_of(unit(rows, dimensions))
    code = vectors.code_of(unit(1, dimensions, seed=2)[0])
    assert codes.shape == (rows, vectors.code_bytes(dimensions))
    by_numpy = vectors.hamming_numpy(codes, code)
    assert (vectors.hamming(codes, code) == by_numpy).all()
    bits = np.unpackbits(codes, axis=1) != np.unpackbits(code)
    assert (by_numpy == bits.sum(axis=1)).all()


@pytest.mark.parametrize("dimensions", [3, 384])
def test_eight_bits_keep_the_cosine(dimensions: int) -> None:
    made = unit(200, dimensions)
    stored = vectors.packed(list(made))
    assert {len(one) for one in stored} == {4 + dimensions}
    assert vectors.distances(stored, made[0]) == pytest.approx(1 - made @ made[0], abs=0.01)


def test_a_vector_of_nothing_is_a_right_angle_away() -> None:
    stored = vectors.packed([np.zeros(8, np.float32)])
    assert vectors.distances(stored, unit(1, 8)[0]).tolist() == [1.0]


@pytest.mark.parametrize("rows", [0, 1, 100, 5_000, 70_000, 140_000])
@pytest.mark.parametrize("count", [1, 200])
def test_the_nearest_codes_are_the_nearest(rows: int, count: int) -> None:
    """Also where the nearest come last, and where only some are allowed."""
    random = np.random.default_rng(3)
    codes = random.integers(0, 256, (rows, 8), dtype=np.uint8)
    code = random.integers(0, 256, 8, dtype=np.uint8)
    codes[rows * 9 // 10 :: 3] = code
    distance = vectors.hamming_numpy(codes, code)
    for allowed in (None, random.random(rows) < 0.01):
        far = distance if allowed is None else np.where(allowed, distance, np.inf)
        found = vectors.nearest_codes(codes, code, count, allowed)
        wanted = np.sort(far[np.isfinite(far)])[:count]
        assert len(set(found.tolist())) == len(wanted)
        assert (np.sort(distance[found]) == wanted).all()
