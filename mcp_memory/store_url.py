"""Where memories are kept, as MEMORY_STORE_URL says it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import platformdirs

StoreKind: TypeAlias = Literal["sqlite", "ephemeral"]

SQLITE = "sqlite:///"
EPHEMERAL = "ephemeral://"


def usual() -> Path:
    """Return the file that is used where nobody chose one."""
    return Path(platformdirs.user_data_dir("mcp-memory", appauthor=False)) / "memory.sqlite3"


def parsed(url: str) -> tuple[StoreKind, Path | None]:
    """Return the kind of store and its file.

    Raises:
        ValueError: with what is wrong, to follow the value.
    """
    if url.rstrip("/").lower() == "ephemeral:":
        return "ephemeral", None
    scheme, _, rest = url.partition("://")
    if scheme.lower() in {"redis", "rediss", "redis+cluster", "rediss+cluster"}:
        raise ValueError("is a Redis server, which this version does not use yet; use sqlite:///PATH or ephemeral://")
    if scheme.lower() != "sqlite":
        raise ValueError("is not a store; use sqlite:///PATH or ephemeral://")
    if not rest.startswith("/"):
        raise ValueError("has no path; write sqlite:///PATH, or sqlite:////PATH for an absolute one")
    path = rest.removeprefix("/")
    if path in {"", ":memory:"}:
        raise ValueError("names no file; write sqlite:///PATH, or ephemeral:// to keep nothing")
    if "?" in path:
        raise ValueError("has options after '?', which this store does not know; leave them out")
    try:
        return "sqlite", Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError("begins with a home folder that is not known; write the whole path") from error
