"""How long a test waits for what should come about soon."""

from __future__ import annotations

PATIENCE = 180
"""Seconds after which it has failed: on a busy machine what takes a second elsewhere may take half a minute."""
