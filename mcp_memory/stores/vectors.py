"""Vectors in small: one int8 for each dimension, and a code of one bit for each. Knows no store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

try:
    import simsimd
except ImportError:  # no wheel for this platform
    _native: Callable[..., Any] | None = None
else:
    _native = simsimd.hamming

Codes: TypeAlias = NDArray[np.uint8]
Stored: TypeAlias = NDArray[np.uint8]
"""Vectors as they are stored, one a row."""
Rows: TypeAlias = NDArray[np.int64]
Hamming: TypeAlias = Callable[[Codes, Codes], NDArray[np.float64]]

_FIRST, _BLOCK = 4_096, 65_536
"""Codes compared at a time: few at first, to learn how near is near; then as many as stay in the processor's cache."""
_AT_ONCE = 16_384
"""So few codes are compared without learning that, which takes longer."""
_WORD = 8
"""Codes are whole words of 64 bits."""
_PACKED = 128
"""Vectors packed at a time: what is made of them on the way then stays in the processor's cache."""
SCALE = 4
"""Bytes before the parts of a stored vector."""


def code_bytes(dimensions: int) -> int:
    """Return the length of a code."""
    return -(-dimensions // (8 * _WORD)) * _WORD


def packed(vectors: Sequence[NDArray[np.float32]]) -> list[bytes]:
    """Return vectors of one length as they are stored: scale (f32), then one int8 for each dimension."""
    if len(vectors) == 1:
        return [_packed_one(vectors[0])]
    starts = range(0, len(vectors), _PACKED)
    return [blob for start in starts for blob in _packed(vectors[start : start + _PACKED])]


def _packed_one(vector: NDArray[np.float32]) -> bytes:
    """Return the same of one vector: most additions are of one, and each call of numpy takes longer than its work."""
    parts = vector.astype("<f4", copy=False)
    scale = np.abs(parts).max() / np.float32(127) or np.float32(1)
    stored: bytes = scale.astype("<f4").tobytes() + np.rint(parts / scale).astype(np.int8).tobytes()
    return stored


def _packed(vectors: Sequence[NDArray[np.float32]]) -> list[bytes]:
    matrix = np.array(vectors, "<f4")
    size = matrix.shape[1]
    scale = np.maximum.reduce(np.abs(matrix), axis=1, keepdims=True)
    scale /= np.float32(127)
    scale[scale == 0] = 1
    matrix /= scale
    scales, parts = scale.tobytes(), np.rint(matrix, out=matrix).astype(np.int8).tobytes()
    places = range(len(matrix))
    return [scales[SCALE * n : SCALE * (n + 1)] + parts[size * n : size * (n + 1)] for n in places]


@cache
def _stored(dimensions: int) -> np.dtype[np.void]:
    return np.dtype([("scale", "<f4"), ("parts", "i1", (dimensions,))])


def unpacked(stored: Sequence[bytes], dimensions: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return the int8 parts of stored vectors, and what to multiply each with."""
    rows = np.frombuffer(b"".join(stored), _stored(dimensions))
    return rows["parts"], rows["scale"]


def matrix(stored: Sequence[bytes], dimensions: int) -> Stored:
    """Return stored vectors as the rows of a matrix."""
    return np.frombuffer(b"".join(stored), np.uint8).reshape(-1, SCALE + dimensions)


def distances(stored: Sequence[bytes] | Stored, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosine distance of each stored vector from the vector."""
    together = stored if isinstance(stored, np.ndarray) else b"".join(stored)
    rows = np.frombuffer(together, _stored(len(vector)))
    cosine: NDArray[np.float32] = rows["parts"].astype(np.float32) @ vector
    distance: NDArray[np.float32] = np.float32(1) - cosine * rows["scale"]
    return distance


def codes(stored: Sequence[bytes], dimensions: int) -> Codes:
    """Return the codes of stored vectors: one bit for each dimension, set where it is positive."""
    parts = np.frombuffer(b"".join(stored), _stored(dimensions))["parts"]
    return code_of(parts)


def code_of(vectors: NDArray[np.int8] | NDArray[np.float32]) -> Codes:
    """Return the code of each vector along the last axis."""
    bits = np.packbits(vectors > 0, axis=-1)
    code = np.zeros((*bits.shape[:-1], code_bytes(vectors.shape[-1])), np.uint8)
    code[..., : bits.shape[-1]] = bits
    return code


def hamming_numpy(codes: Codes, code: Codes) -> NDArray[np.float64]:
    """Return how many bits of each code differ, by numpy alone."""
    different = np.bitwise_count(codes.view(np.uint64) ^ code.view(np.uint64))
    count: NDArray[np.float64] = different.sum(axis=1, dtype=np.float64)
    return count


def hamming_simsimd(codes: Codes, code: Codes) -> NDArray[np.float64]:
    """Return how many bits of each code differ, by the processor's vector instructions."""
    if _native is None:
        return hamming_numpy(codes, code)
    # Of one code it returns a plain number.
    found: NDArray[np.float64] = np.asarray(_native(code, codes, "bin8"), np.float64).reshape(-1)
    return found


hamming: Hamming = hamming_numpy if _native is None else hamming_simsimd


def nearest_codes(codes: Codes, code: Codes, count: int, allowed: NDArray[np.bool_] | None = None) -> Rows:
    """Return the rows of the nearest codes, as many as asked for or as there are, in no order."""
    if 0 < len(codes) <= _AT_ONCE:
        distance = hamming(codes, code)
        if allowed is None:
            return _least(distance, count)[0]
        places = np.flatnonzero(allowed)
        return places[_least(distance[places], count)[0]]
    rows: list[Rows] = []
    found: list[NDArray[np.float64]] = []
    bound, held, start = np.inf, 0, 0
    while start < len(codes):
        end = start + (_BLOCK if start else _FIRST)
        distance = hamming(codes[start:end], code)
        near = distance < bound
        if allowed is not None:
            near &= allowed[start:end]
        places = np.flatnonzero(near)
        rows.append(places + start)
        found.append(distance[places])
        held += len(places)
        if held > 2 * count:
            kept, far = _least(np.concatenate(found), count)
            rows, found = [np.concatenate(rows)[kept]], [np.concatenate(found)[kept]]
            bound, held = far, count
        start = end
    if not rows:
        return np.empty(0, np.int64)
    kept, _ = _least(np.concatenate(found), count)
    return np.concatenate(rows)[kept]


def _least(values: NDArray[np.float64], count: int) -> tuple[Rows, float]:
    """Return the places of the least values and the greatest of these."""
    if len(values) <= count:
        return np.arange(len(values)), np.inf
    kept = np.argpartition(values, count - 1)[:count] if count else np.empty(0, np.int64)
    return kept, float(values[kept].max(initial=0.0))
