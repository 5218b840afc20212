"""What a store offers for ranking where it has nothing."""

from __future__ import annotations

import numpy as np

from mcp_memory.ports.memories import Candidates

_NONE = np.empty(0, np.int32)
NOTHING = Candidates(
    handles=[],
    distance=np.empty(0, np.float32),
    lexical=np.empty(0, np.float32),
    before=_NONE,
    after=_NONE,
    session=_NONE,
    words=_NONE,
    flags=_NONE,
    day=_NONE,
    speaker=[],
    created=np.empty(0, np.float64),
    accessed=np.empty(0, np.float64),
)
