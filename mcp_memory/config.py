"""Settings: what can be set, where each value came from, and refusals that name the environment variable.

Read from the environment and from ``.env`` in the working folder; the environment wins. The descriptions here are the
documentation: ``.env.example`` and ``docs/reference/settings.md`` are made of them.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from mcp_memory.auth.trust import ALGORITHMS
from mcp_memory.auth_mode import Asked, AuthMode, listed, web_address
from mcp_memory.errors import ConfigurationError
from mcp_memory.settings_sources import KeptSecrets, origins, secret_fields
from mcp_memory.settings_text import DOTENV, Origin, refusals, variable
from mcp_memory.store_settings import Label, StoreSettings, lower, upper

logger = logging.getLogger(__name__)

BUNDLED_MODEL = "all-MiniLM-L6-v2"
AVAILABLE_MODELS = frozenset({BUNDLED_MODEL, "hashing"})
HOSTED_MODELS = (
    "amazon.titan-embed", "azure/", "bedrock/", "cohere", "gemini/", "mistral/", "ollama/", "openai/",
    "text-embedding-", "vertex_ai/", "voyage",
)  # fmt: skip
"""How the names of models begin that existing configurations carry; the bundled model stands in for them."""


def _accepted(what: str) -> Any:
    """Return a setting that existing configurations carry and that does nothing yet."""
    return Field(
        None,
        description=f"{what} Accepted for compatibility; no effect in this version.",
        json_schema_extra={"effect": "none"},
    )


def _backend(word: Any) -> Any:
    """Return the name of a task backend for the one that agent-memory-server calls it by."""
    return {"asyncio": "embedded", "docket": "worker"}.get(lower(word), lower(word))


Minutes = Annotated[int, Field(ge=0, le=5_256_000)]
Days = Annotated[float, Field(ge=0, le=36_500, allow_inf_nan=False)]
Labels = Annotated[tuple[Label, ...], NoDecode, BeforeValidator(listed)]
WebAddress = Annotated[str, AfterValidator(web_address)]


class Settings(StoreSettings):
    """Every setting; a field's name in upper case is its environment variable."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_file=DOTENV, env_file_encoding="utf-8-sig", env_ignore_empty=True
    )

    embedding_model: str = Field(
        BUNDLED_MODEL,
        description=f"What turns texts into vectors. {BUNDLED_MODEL}: comes with the program, works offline; "
        "hashing: no model, finds only shared words. The names of hosted models are accepted for compatibility; "
        f"{BUNDLED_MODEL} is used in their place.",
    )
    embedder_threads: Annotated[int, Field(ge=1, le=256)] = Field(
        1, description="Processor cores that one run of the model may use."
    )
    embedder_idle_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        900, description="Unload the model after this many seconds without use; 0: never."
    )
    default_mcp_namespace: Label | None = Field(
        None, description="Namespace of every MCP call that names none; the command line does not use it."
    )
    default_mcp_user_id: Label | None = Field(
        None, description="User of every MCP call that names none; the command line does not use it."
    )
    long_term_memory: bool = Field(
        default=True, description="false: refuse requests about long-term memory; sessions still work."
    )
    history_days: Days = Field(
        90, description="How long a change of memories can be looked at and undone; 0: for ever."
    )
    forgetting_enabled: bool = Field(
        default=False,
        description="Forget by themselves the memories beyond the limits below; they can be brought back.",
    )
    forgetting_every_minutes: Minutes = Field(
        60, description="How often memories are forgotten by themselves; 0: never."
    )
    forgetting_max_age_days: Days | None = Field(
        None, description="Forget older memories; if FORGETTING_MAX_INACTIVE_DAYS is set, only those unused as well."
    )
    forgetting_max_inactive_days: Days | None = Field(
        None, description="Forget memories that were not used for longer."
    )
    forgetting_budget_keep_top_n: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Keep at most so many memories of each namespace and user, the most recent ones."
    )
    require_message_timestamps: bool = Field(
        default=False, description="Refuse messages that do not say when they were created."
    )
    max_future_timestamp_seconds: Annotated[int, Field(ge=0, le=3_153_600_000)] = Field(
        300, description="How far in the future a message may claim to be created."
    )
    task_backend: Annotated[Literal["embedded", "worker"], BeforeValidator(_backend)] = Field(
        "embedded",
        description="Who does background jobs. embedded: each server, when it has nothing else to do; worker: only "
        "`agent-memory task-worker`. The older names asyncio and docket mean the same. If not set, USE_DOCKET decides.",
    )
    use_docket: bool | None = Field(
        None, description="The older way to say it: true is TASK_BACKEND=worker, false is TASK_BACKEND=embedded."
    )
    embedded_worker_delay_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        5, description="A server begins background jobs when it has been idle for so long after its first use."
    )
    redelivery_timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        60, description="A job whose worker has not been heard of for so long is done by another."
    )
    job_retention_days: Annotated[float, Field(ge=0, allow_inf_nan=False, le=36_500)] = Field(
        7, description="How long finished jobs can be looked at with `agent-memory jobs`."
    )
    compaction_every_minutes: Minutes = Field(
        10, description="How often duplicates are made one by themselves; 0: never."
    )
    summary_view_refresh_every_minutes: Minutes = Field(
        60, description="How often continuous summary views are summed up by themselves; 0: never."
    )
    expiry_every_minutes: Minutes = Field(
        60, description="How often expired sessions, old jobs and the history of old changes go; 0: never."
    )
    optimise_every_minutes: Minutes = Field(
        1440, description="How often the store is put in good order for speed and space; 0: never."
    )
    auth_mode: Annotated[AuthMode, BeforeValidator(lower)] | None = Field(
        None,
        description="How callers over the network prove who they are. token: by a token of `agent-memory token add`; "
        "oauth2: by a token of OAUTH2_ISSUER_URL; disabled: not at all, which is also meant if nothing is set. "
        "`agent-memory mcp` over stdio never asks.",
    )
    disable_auth: bool | None = Field(
        None, description="The older way to say it: true is AUTH_MODE=disabled; false asks for one of the others."
    )
    token_auth_enabled: bool | None = Field(None, description="The older way to say it: true is AUTH_MODE=token.")
    oauth2_issuer_url: WebAddress | None = Field(
        None, description="Who makes the tokens; to the letter what stands in them as `iss`."
    )
    oauth2_audience: Labels | None = Field(
        None, description="What the issuer writes as `aud` into tokens for this server; of several, one is enough."
    )
    oauth2_jwks_url: WebAddress | None = Field(
        None,
        description="Where the keys of the issuer are. If not set, its metadata says it "
        "(/.well-known/openid-configuration or oauth-authorization-server); if it has none: /.well-known/jwks.json.",
    )
    oauth2_algorithms: Labels = Field(("RS256",), description=f"How tokens may be signed: {', '.join(ALGORITHMS)}.")
    oauth2_user_claim: Label | None = Field(
        None,
        description="The claim that names the user whom a token is bound to: it reaches no other user's memories. "
        "A token without it is refused.",
    )
    oauth2_namespace_claim: Label | None = Field(
        None, description="The claim that names the namespace that a token is bound to, in the same way."
    )
    public_url: WebAddress | None = Field(
        None,
        description="Address under which callers reach this server, such as https://memory.example.com. It stands in "
        "what MCP clients are told about where to get tokens.",
    )
    api_host: Label = Field("127.0.0.1", description="Address at which `agent-memory api` serves.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        8000, description="Port at which it does; 0: any that is free, which the log then names."
    )
    max_request_bytes: Annotated[int, Field(ge=1_024, le=1_073_741_824)] = Field(
        16_777_216, description="How long a request over HTTP may be, REST or MCP; longer ones are refused."
    )
    allow_unauthenticated: bool = Field(
        default=False,
        description="Serve other machines although AUTH_MODE asks nobody who they are: whoever reaches the server "
        "may read, change and delete everything.",
    )
    mcp_host: Label = Field("127.0.0.1", description="Address at which `agent-memory mcp` serves over the network.")
    mcp_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        9000, description="Port at which it does; 0: any that is free, which the log then names."
    )
    mcp_allowed_hosts: Labels = Field(
        (),
        description="Names under which clients reach a server over the network, such as memory.example.com; beside "
        "localhost, addresses, and that of PUBLIC_URL. Under other names it does not answer.",
    )
    allowed_origins: Labels = Field(
        (),
        description="Web pages that may call a server over the network, such as https://app.example.com; beside "
        "those of this machine.",
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(upper)] = Field(
        "INFO",
        description="What is logged, always to stderr. Commands other than mcp log from WARNING if this is not set.",
    )

    redisvl_vector_dimensions: str | None = _accepted("Length of vectors; the embedding model decides it.")
    openai_api_key: SecretStr | None = _accepted("Key for OpenAI.")
    openai_api_base: str | None = _accepted("Address of an OpenAI-compatible service.")
    anthropic_api_key: SecretStr | None = _accepted("Key for Anthropic.")
    generation_model: str | None = _accepted("Model that extracts and summarises.")
    fast_model: str | None = _accepted("Model for small tasks.")
    slow_model: str | None = _accepted("Model for large tasks.")
    enable_discrete_memory_extraction: bool | None = _accepted("Extract memories from conversations.")
    index_all_messages_in_long_term_memory: bool | None = _accepted("Keep every message as a memory.")
    enable_topic_extraction: bool | None = _accepted("Find the topics of memories.")
    enable_ner: bool | None = _accepted("Find the names in memories.")
    enable_working_memory_summarization: bool | None = _accepted("Summarise long conversations.")

    _origins: dict[str, Origin] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- part of the signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let what is kept by ``agent-memory secrets`` stand where nothing else is said."""
        return init_settings, env_settings, dotenv_settings, KeptSecrets(settings_cls)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._origins.update(origins(type(self), given))

    @field_validator("embedding_model")
    @classmethod
    def _known_model(cls, model: str) -> str:
        if model in AVAILABLE_MODELS or model.startswith(HOSTED_MODELS):
            return model
        raise ValueError(
            f"is not available: this version embeds with {BUNDLED_MODEL}, which comes with it, or hashing; "
            "leave the variable out"
        )

    @field_validator("oauth2_algorithms")
    @classmethod
    def _known_algorithms(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or set(names) - set(ALGORITHMS):
            raise ValueError(
                f"holds what is not accepted; use {', '.join(ALGORITHMS)}. Tokens are signed with a key pair: "
                "never none, nor HS256 with a shared secret"
            )
        return names

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, url: str | None) -> str | None:
        return None if url is None else url.rstrip("/")

    @model_validator(mode="after")
    def _auth_without_contradiction(self) -> Settings:
        if said := self._asked().contradiction():
            raise ValueError(said)
        return self

    def auth(self) -> AuthMode:
        """Return how callers over the network prove who they are.

        Raises:
            ConfigurationError: what is set asks for authentication, but cannot be done as it is.
        """
        return self._asked().meant()

    def _asked(self) -> Asked:
        return Asked(
            self.auth_mode, self.disable_auth, self.token_auth_enabled, self.oauth2_issuer_url, self.oauth2_audience
        )

    def embedder(self) -> str:
        """Return the model that is used: the bundled one in place of a hosted one."""
        return self.embedding_model if self.embedding_model in AVAILABLE_MODELS else BUNDLED_MODEL

    def works_itself(self) -> bool:
        """Say whether a server does background jobs itself."""
        if self.origin("task_backend") == "default" and self.use_docket is not None:
            return not self.use_docket
        return self.task_backend == "embedded"

    def wants_worker(self) -> bool:
        """Say whether a worker may be started; only USE_DOCKET=false by itself says no."""
        return self.use_docket is not False or self.origin("task_backend") != "default"

    def origin(self, field: str) -> Origin:
        """Return where the value of a field came from."""
        return self._origins.get(field, "default")


def secret_names() -> list[str]:
    """Return the environment variables of the settings that are secret."""
    return [variable(name) for name in secret_fields(Settings)]


def read_settings(**overrides: Any) -> Settings:
    """Return the settings of this process; what is not None in ``overrides`` comes from the command line and wins.

    Raises:
        ConfigurationError: with one line for each value that cannot be used, naming its environment variable.
    """
    given = {field: value for field, value in overrides.items() if value is not None}
    if unknown := sorted(set(given) - set(Settings.model_fields)):
        raise ConfigurationError(f"{variable(unknown[0])}: there is no such setting")
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise ConfigurationError("\n".join(refusals(error, origins(Settings, given)))) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{DOTENV}: is not UTF-8 text: save it again as UTF-8") from error
    except OSError as error:
        raise ConfigurationError(f"{DOTENV}: cannot be read: {error.strerror}") from error
    limits = (settings.forgetting_max_age_days, settings.forgetting_max_inactive_days)
    if settings.forgetting_enabled and (*limits, settings.forgetting_budget_keep_top_n) == (None, None, None):
        logger.warning(
            "FORGETTING_ENABLED forgets nothing without FORGETTING_MAX_AGE_DAYS, FORGETTING_MAX_INACTIVE_DAYS "
            "or FORGETTING_BUDGET_KEEP_TOP_N"
        )
    if settings.embedder() != settings.embedding_model:
        logger.warning(
            "EMBEDDING_MODEL=%s is not used by this version: memories are embedded with %s, which comes with it",
            settings.embedding_model,
            settings.embedder(),
        )
    return settings
