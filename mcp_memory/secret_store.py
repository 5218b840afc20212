"""Where secrets may stand instead of in configuration files: the keyring of the system, or a file for this user alone.

The file says which secrets there are and where each is, so that nobody who keeps none loads the keyring. They are named
by their environment variables; what the environment or ``.env`` says wins.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import platformdirs

from mcp_memory.errors import ConfigurationError, SecretsUnavailable
from mcp_memory.loading import load

Place: TypeAlias = Literal["keyring", "file"]
Answer = TypeVar("Answer")

SERVICE = "mcp-memory"
"""Under this name the keyring keeps them."""
PATIENCE_SECONDS = 30.0
"""What a keyring may take: a locked one asks its owner for a password."""
FILE = "secrets.json"


class SecretStore:
    """The secrets of this user."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or Path(platformdirs.user_config_dir("mcp-memory", appauthor=False), FILE)

    def places(self) -> Mapping[str, Place]:
        """Return which secrets there are, and where.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        return {name: "keyring" if value is None else "file" for name, value in self._read().items()}

    def get(self, name: str) -> str | None:
        """Return a secret; None if there is none of this name.

        Raises:
            SecretsUnavailable: it is in a keyring that does not give it.
        """
        kept = self._read()
        if name not in kept:
            return None
        value = kept[name]
        if value is not None:
            return value
        found = _asked("get_password", SERVICE, name)
        if found is None:
            raise SecretsUnavailable(f"{name} is no longer in the keyring: agent-memory secrets set {name}")
        return str(found)

    def put(self, name: str, secret: str, place: Place) -> None:
        """Keep a secret there; what was kept under its name before is gone.

        Raises:
            SecretsUnavailable: there is no keyring, or it does not take it.
        """
        kept = self._read()
        if place == "keyring":
            _asked("set_password", SERVICE, name, secret)
            if _asked("get_password", SERVICE, name) != secret:
                raise SecretsUnavailable(f"{NO_KEYRING}, only one that keeps nothing. {INSTEAD}")
        self._write({**kept, name: None if place == "keyring" else secret})
        if place == "file" and kept.get(name, "") is None:
            self._forget(name)

    def remove(self, name: str) -> bool:
        """Remove a secret; say whether there was one.

        Raises:
            SecretsUnavailable: it is in a keyring that does not let it go.
        """
        kept = self._read()
        if name not in kept:
            return False
        if kept.pop(name) is None:
            self._forget(name)
        self._write(kept)
        return True

    def _forget(self, name: str) -> None:
        try:
            _asked("delete_password", SERVICE, name)
        except SecretsUnavailable:
            # It refuses as well what somebody took away already.
            if _asked("get_password", SERVICE, name) is not None:
                raise

    def _read(self) -> dict[str, str | None]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{self._path} cannot be read: {error}; mend it, or delete it") from error
        if not isinstance(kept, dict) or not all(isinstance(value, str | None) for value in kept.values()):
            raise ConfigurationError(f"{self._path} does not hold secrets as agent-memory secrets writes them")
        return kept

    def _write(self, kept: Mapping[str, str | None]) -> None:
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                part.unlink()
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(kept, file)
            part.replace(self._path)
        except OSError as error:
            raise SecretsUnavailable(f"{self._path} cannot be written: {error.strerror}") from error


NO_KEYRING = "There is no keyring here"
INSTEAD = "--file keeps it in a file that only you can read"


def _asked(act: str, *arguments: str) -> Any:
    """Return what the keyring answers; in a thread, since a locked one may wait for its owner for ever."""
    with _translated():
        return _within(lambda: load(f"keyring:{act}")(*arguments))


def _within(act: Callable[[], Answer]) -> Answer:
    answers: queue.Queue[Answer | BaseException] = queue.Queue()

    def run() -> None:
        try:
            answers.put(act())
        except BaseException as error:  # noqa: BLE001 -- it is raised again where it is waited for
            answers.put(error)

    threading.Thread(target=run, name="keyring", daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE_SECONDS)
    except queue.Empty:
        raise SecretsUnavailable(f"The keyring did not answer within {PATIENCE_SECONDS:.0f} seconds") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "keyring":
            raise
        raise SecretsUnavailable(f'The keyring needs: pip install "mcp-memory[keyring]". {INSTEAD}') from error
    except SecretsUnavailable:
        raise
    # What keyring raises is loaded by whoever gets so far.
    except load("keyring.errors:NoKeyringError") as error:
        raise SecretsUnavailable(f"{NO_KEYRING}. {INSTEAD}") from error
    except load("keyring.errors:KeyringError") as error:
        raise SecretsUnavailable(f"The keyring refused: {error or type(error).__name__}. {INSTEAD}") from error
