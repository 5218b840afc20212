"""Where the values of settings come from: beside the environment and ``.env``, the secrets that somebody keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
)

from mcp_memory.secret_store import SecretStore
from mcp_memory.settings_text import Origin, variable

_SECRET = (SecretStr, SecretStr | None)


class KeptSecrets(PydanticBaseSettingsSource):
    """The secrets that ``agent-memory secrets`` keeps; one of which another source knows is not read."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of one field."""
        kept = SecretStore().get(variable(field_name)) if field.annotation in _SECRET else None
        return kept, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the values of all fields that have one."""
        store = SecretStore()
        fields = secret_fields(self.settings_cls)
        wanted = {variable(name): name for name in fields if name not in self.current_state}
        return {wanted[name]: store.get(name) for name in store.places() if name in wanted}


def secret_fields(model: type[BaseSettings]) -> list[str]:
    """Return the settings that are secret."""
    return [name for name, field in model.model_fields.items() if field.annotation in _SECRET]


def origins(model: type[BaseSettings], given: Mapping[str, Any]) -> dict[str, Origin]:
    """Return where the value of each setting comes from that is not a default; ``given`` is the command line."""
    found: dict[str, Origin] = dict.fromkeys(map(str.lower, SecretStore().places()), "secrets")
    found |= dict.fromkeys(DotEnvSettingsSource(model)(), ".env")
    found |= dict.fromkeys(EnvSettingsSource(model)(), "environment")
    found |= dict.fromkeys(given, "command line")
    return found
