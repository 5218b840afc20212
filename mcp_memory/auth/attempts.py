"""Failed attempts to say who one is, counted by where they come from, so that nobody guesses without end."""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import datetime
from ipaddress import IPv6Address, ip_address

from mcp_memory.errors import TooManyAttempts
from mcp_memory.ports.given import Clock

ALLOWED = 20
"""Failures in a row that nobody minds."""
SECONDS_EACH = 3.0
"""After so long one failure is forgotten."""
MOST_PEERS = 10_000
"""Peers remembered; of more, those that failed longest ago are forgotten."""
_NETWORK_BITS = 64
"""Of an IPv6 address: the rest of it is its owner's to choose."""


class Attempts:
    """A leaky bucket for each peer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def check(self, peer: str) -> None:
        """Refuse a peer that failed too often.

        Raises:
            TooManyAttempts: with the seconds after which it may try again.
        """
        over = self._level(_origin(peer)) - ALLOWED + 1
        if over > 0:
            raise TooManyAttempts(max(1, math.ceil(over * SECONDS_EACH)))

    def failed(self, peer: str) -> None:
        """Count a failure."""
        origin = _origin(peer)
        self._failed[origin] = (self._level(origin) + 1, self._clock())
        self._failed.move_to_end(origin)
        if len(self._failed) > MOST_PEERS:
            self._failed.popitem(last=False)

    def succeeded(self, peer: str) -> None:
        """Forget the failures of a peer that is known now."""
        self._failed.pop(_origin(peer), None)

    def _level(self, origin: str) -> float:
        count, since = self._failed.get(origin, (0.0, None))
        if since is None:
            return 0
        return max(0.0, count - (self._clock() - since).total_seconds() / SECONDS_EACH)


def _origin(peer: str) -> str:
    """Return what addresses of one owner share."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if not isinstance(address, IPv6Address):
        return peer
    return str(address.ipv4_mapped or int(address) >> (128 - _NETWORK_BITS))
