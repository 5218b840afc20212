"""When two memories say the same thing to the letter: the content hash, written once."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime

from mcp_memory.domain.moments import microseconds

_QUOTES = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-"}
)


def normalised(text: str) -> str:
    """Return the text without what does not change its meaning: case, spacing, Unicode form, quotes, closing dots."""
    # Of letters of ASCII only the case changes; most texts have no others.
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold()
    return " ".join(folded.split()).rstrip(".!。！ ")


def content_hash(text: str, memory_type: str, event_date: datetime | None = None) -> str:
    """Return the sha256 (hex) under which identical content is found within a scope.

    The same words about another day are another memory ("Went running."), so the event's date counts.
    """
    when = "" if event_date is None else str(microseconds(event_date))
    return hashlib.sha256("\x1f".join((memory_type, when, normalised(text))).encode()).hexdigest()
