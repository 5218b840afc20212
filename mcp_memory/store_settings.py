"""The settings that say where memories are kept, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, field_validator
from pydantic_settings import BaseSettings

from mcp_memory.settings_text import shown
from mcp_memory.store_url import EPHEMERAL, SQLITE, StoreKind, check_redis, parsed, usual

Label = Annotated[str, StringConstraints(min_length=1, max_length=512)]


def upper(word: Any) -> Any:
    """Return a word in upper case, and what is no word as it is."""
    return word.upper() if isinstance(word, str) else word


def lower(word: Any) -> Any:
    """Return a word in lower case, and what is no word as it is."""
    return word.lower() if isinstance(word, str) else word


class StoreSettings(BaseSettings):
    """A part of the settings; see ``config``."""

    memory_store_url: str | None = Field(
        None,
        description="Where memories are kept: sqlite:///PATH (an absolute path begins with a fourth slash), "
        "redis://HOST:PORT, or ephemeral:// to keep nothing. If not set: the server of REDIS_URL, else "
        "memory.sqlite3 in your user data folder.",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="Redis server with the Query Engine that many machines may share: redis://HOST:PORT/DATABASE, "
        "rediss:// for TLS, redis+cluster:// or ?cluster=true for a cluster. Needs `mcp-memory[redis]`. "
        "MEMORY_STORE_URL goes first.",
    )
    redisvl_index_name: Label = Field(
        "memory_records", description="Tells the indexes of one store in Redis from those of another."
    )
    redisvl_index_prefix: Label = Field(
        "memory_idx",
        description="Tells the keys of one store in Redis from those of another. They begin with mcp-memory: whatever "
        "it says, so those of agent-memory-server are left alone.",
    )
    redisvl_indexing_algorithm: Annotated[Literal["HNSW", "FLAT"], BeforeValidator(upper)] = Field(
        "HNSW",
        description="How Redis finds the nearest vectors. HNSW: fast among very many; FLAT: compares all, exact, and "
        "quicker to write. It takes effect when the index is made.",
    )
    redisvl_distance_metric: Annotated[Literal["COSINE", "IP", "L2"], BeforeValidator(upper)] = Field(
        "COSINE", description="How Redis compares vectors; theirs have unit length, so that all three rank alike."
    )
    redisvl_vector_datatype: Annotated[Literal["FLOAT32", "FLOAT16"], BeforeValidator(upper)] = Field(
        "FLOAT32", description="How Redis keeps vectors; FLOAT16 takes half the memory."
    )
    memory_durability: Annotated[Literal["normal", "full"], BeforeValidator(lower)] = Field(
        "normal",
        description="What an answered write survives. normal: a crash of this program; full: also a power cut, "
        "at the price of slower writes. In Redis, normal is what its appendfsync says, and full waits for its disk.",
    )
    memory_allow_shared_folder: bool = Field(
        default=False,
        description="Allow the store on a network drive or in a folder that a cloud service synchronises, "
        "where SQLite files get damaged.",
    )

    @field_validator("memory_store_url")
    @classmethod
    def _known_store(cls, url: str | None) -> str | None:
        if url is not None:
            parsed(url)
        return url

    @field_validator("redis_url")
    @classmethod
    def _known_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_redis(url.get_secret_value())
        return url

    def store_location(self) -> tuple[StoreKind, Path | None]:
        """Return the kind of store and its file, absolute; only an SQLite store has one."""
        if self.memory_store_url is not None:
            return parsed(self.memory_store_url)
        return ("sqlite", usual()) if self.redis_url is None else ("redis", None)

    def store_url(self) -> str:
        """Return where memories are kept, as MEMORY_STORE_URL would say it; it may hold a password."""
        kind, path = self.store_location()
        if kind == "redis":
            return self.memory_store_url or (self.redis_url.get_secret_value() if self.redis_url else "")
        return EPHEMERAL if path is None else SQLITE + path.as_posix()

    def store_shown(self) -> str:
        """Return the same without a password."""
        return shown(self.store_url())
