"""What is said of settings: their names, their values with secrets masked, and why one cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import SecretStr, ValidationError

Origin: TypeAlias = Literal["default", "environment", ".env", "secrets", "command line"]

DOTENV = ".env"
MASK = "********"
_SHOWN = 80
"""Characters of a refused value that are shown again."""


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return field.upper()


def contradiction(one: str, other: str) -> str:
    """Return what is said of two values that cannot both be meant."""
    return f"{one} and {other} contradict each other: remove one of them"


_REFUSED: Mapping[str, str] = {
    "bool_parsing": "is neither true nor false",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "finite_number": "is not a finite number",
    "literal_error": "is unknown; use {expected}",
    "greater_than_equal": "is too small; use at least {ge}",
    "less_than_equal": "is too large; use at most {le}",
    "string_too_long": "is too long; use at most {max_length} characters",
    "value_error": "{error}",
}
"""What is said of a refused value, by Pydantic's name of the error."""


def refusals(error: ValidationError, origins: Mapping[str, Origin]) -> Iterator[str]:
    """Yield a line for each value that cannot be used, naming its environment variable and where it came from."""
    for fault in error.errors(include_url=False):
        words = _REFUSED.get(fault["type"], "cannot be used: {msg}")
        context = {name: _brief(part) for name, part in fault.get("ctx", {}).items()}
        said = words.format_map({"msg": fault["msg"], **context})
        if fault["loc"]:
            field = str(fault["loc"][0])
            said = f"{variable(field)}: {_quoted(fault['input'])} {said}{_where(origins.get(field))}"
        yield said


def _where(origin: Origin | None) -> str:
    """Return where to change a value, if it is not where one would look first."""
    # A client may start the server in a folder whose .env belongs to another program.
    place = {".env": str(Path(DOTENV).absolute()), "command line": "the command line"}.get(origin or "")
    return f" (from {place})" if place else ""


def _quoted(value: Any) -> str:
    text = _without_password(str(value))
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def shown(value: Any, *, address: bool = False) -> str:
    """Return a value as it is shown: a secret masked, of an address its password alone; empty if not set."""
    if isinstance(value, SecretStr):
        return _without_password(value.get_secret_value()) if address else MASK
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else _without_password(_brief(value))


def _brief(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _without_password(text: str) -> str:
    """Return a text in which the passwords of URLs are masked."""
    return re.sub(r"(?<=://)([^/\s:@]*):[^/\s]*@", rf"\1:{MASK}@", text)
