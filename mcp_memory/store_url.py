"""Where memories are kept, as MEMORY_STORE_URL says it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import platformdirs

StoreKind: TypeAlias = Literal["sqlite", "ephemeral", "redis"]

SQLITE = "sqlite:///"
EPHEMERAL = "ephemeral://"
REDIS = frozenset({"redis", "rediss", "redis+cluster", "rediss+cluster", "unix"})


def usual() -> Path:
    """Return the file that is used where nobody chose one."""
    return Path(platformdirs.user_data_dir("mcp-memory", appauthor=False)) / "memory.sqlite3"


def parsed(url: str) -> tuple[StoreKind, Path | None]:
    """Return the kind of store and its file, if it is one.

    Raises:
        ValueError: with what is wrong, to follow the value.
    """
    if url.rstrip("/").lower() == "ephemeral:":
        return "ephemeral", None
    scheme, _, rest = url.partition("://")
    if scheme.lower() in REDIS:
        check_redis(url)
        return "redis", None
    if scheme.lower() != "sqlite":
        raise ValueError("is not a store; use sqlite:///PATH, redis://HOST:PORT or ephemeral://")
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


def check_redis(url: str) -> None:
    """Accept the address of a Redis server.

    Raises:
        ValueError: it is none, with why, to follow the value.
    """
    parts = urlsplit(url)
    if parts.scheme not in REDIS:
        raise ValueError("is not the address of a Redis server; write redis://HOST:PORT, or rediss:// for TLS")
    if parts.scheme == "unix":
        return
    hosts = parts.netloc.rpartition("@")[2].split(",")
    for host in hosts:
        name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "0")
        if not name or int(port) > _LAST_PORT:
            raise ValueError("names no host, or a port that cannot be; write redis://HOST:PORT")


_LAST_PORT = 65_535
