"""Which kind of authentication the settings mean, whether what it needs is there, and which texts name a place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from mcp_memory.errors import ConfigurationError
from mcp_memory.settings_text import contradiction

AuthMode: TypeAlias = Literal["disabled", "token", "oauth2"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody said about authentication; None where they said nothing."""

    mode: AuthMode | None = None
    disable: bool | None = None
    tokens: bool | None = None
    issuer: str | None = None
    audience: tuple[str, ...] | None = None

    def contradiction(self) -> str | None:
        """Return a sentence that names the two settings that cannot both be meant; None if all can."""
        mode = f"AUTH_MODE={self.mode}"
        disable = f"DISABLE_AUTH={str(self.disable).lower()}"
        tokens = f"TOKEN_AUTH_ENABLED={str(self.tokens).lower()}"
        some_mode = self.mode not in {None, "disabled"}
        pairs = (
            (self.disable is True and some_mode, disable, mode),
            (self.disable is True and self.tokens is True, disable, tokens),
            (self.disable is False and self.mode == "disabled", disable, mode),
            (self.tokens is True and self.mode not in {None, "token"}, tokens, mode),
            (self.tokens is False and self.mode == "token", tokens, mode),
        )
        return next((contradiction(one, other) for both, one, other in pairs if both), None)

    def meant(self) -> AuthMode:
        """Return the one mode that is meant, with everything that it needs.

        Raises:
            ConfigurationError: none is, though somebody wanted one; or something is missing for it.
        """
        mode = self.mode or ("token" if self.tokens else self._unsaid())
        if mode == "oauth2":
            self._check_oauth2()
        return mode

    def _unsaid(self) -> AuthMode:
        """Return the mode where none is named: whoever seems to want authentication is asked, not let down."""
        which = "set AUTH_MODE=oauth2 or AUTH_MODE=token"
        if self.disable is False:
            raise ConfigurationError(f"DISABLE_AUTH=false asks for authentication, but not for which: {which}")
        if self.disable is None and self.issuer is not None:
            raise ConfigurationError(
                f"OAUTH2_ISSUER_URL is set, but AUTH_MODE is not: {which}, or DISABLE_AUTH=true to let everybody in"
            )
        return "disabled"

    def _check_oauth2(self) -> None:
        missing = []
        if self.issuer is None:
            missing.append("AUTH_MODE=oauth2 needs OAUTH2_ISSUER_URL: whose tokens are accepted (their `iss`)")
        if not self.audience:
            missing.append(
                "AUTH_MODE=oauth2 needs OAUTH2_AUDIENCE: what the issuer writes as `aud` into tokens for this server. "
                "Without it, a token that somebody got for any other service would be accepted"
            )
        if missing:
            raise ConfigurationError("\n".join(missing))


def web_address(url: str) -> str:
    """Return a URL of the web that names a place and nothing else.

    Raises:
        ValueError: it is none, or carries a password, a query or a fragment.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError("cannot be read as a URL; write https://HOST/PATH") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or url != url.strip():
        raise ValueError("is not a URL; write https://HOST/PATH")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("carries more than a place; write https://HOST/PATH, without a password, a ? or a #")
    return url


def listed(value: Any) -> Any:
    """Return the texts of a list written in JSON, or with commas.

    Raises:
        ValueError: it begins like JSON and is none.
    """
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError("is not a list in JSON") from error
    return [part.strip() for part in value.split(",") if part.strip()]
