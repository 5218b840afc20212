"""The one exception tree of mcp-memory; doors turn it into their own error shapes, and nothing else does.

    MemoryServerError
    ├── ConfigurationError          a setting is unknown, contradictory or unusable
    │   └── SecretsUnavailable      what keeps secrets is not there, or does not give or take one
    ├── InvalidRequest              the caller's input cannot be used as it is
    │   ├── FeatureDisabled         the request needs something that a setting turned off
    │   └── UnusableMoment          a message does not say, or cannot have, when it was created
    ├── NotAuthenticated            nobody knows who asks
    │   └── TooManyAttempts         they guessed too often; a while must pass
    ├── NotAllowed                  whoever asks may not do this, or not there
    ├── IssuerUnavailable           who vouches for callers cannot be reached
    ├── NotFound
    │   ├── MemoryNotFound
    │   ├── SessionNotFound
    │   ├── OperationNotFound
    │   ├── SuggestionNotFound
    │   ├── JobNotFound
    │   ├── TaskNotFound
    │   ├── TokenNotFound
    │   └── ViewNotFound
    ├── Conflict
    │   ├── VersionConflict         somebody else changed it since it was read
    │   ├── AmbiguousId             one id names several records; a narrower scope is needed
    │   ├── AmbiguousToken          several tokens begin as what was named
    │   ├── IdTaken                 the scope already holds another memory of this id
    │   └── CannotUndo              what an operation changed cannot be brought back
    ├── StoreError                  the place where records live refused or failed
    │   ├── StoreUnavailable        it cannot be opened or reached
    │   ├── StoreReadOnly           it can be read, not written
    │   ├── StoreFull               there is no room left
    │   ├── StoreBusy               another process holds it for too long
    │   ├── StoreCorrupt            its content is damaged
    │   └── SchemaMismatch          it was written by another version of this program
    ├── QueueUnavailable            workers cannot be told of a job; they find it by themselves
    ├── EmbedderUnavailable         no vectors can be made
    └── LLMUnavailable              no text can be written by a model

Every class has a stable ``code`` that clients may compare; messages may be reworded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class MemoryServerError(Exception):
    """Something went wrong in mcp-memory."""

    code: ClassVar[str] = "internal_error"


class ConfigurationError(MemoryServerError):
    """A setting cannot be used; the message names its environment variable."""

    code = "configuration_error"


class SecretsUnavailable(ConfigurationError):
    """What keeps secrets is not there, or does not give or take one; the message says what else to do."""

    code = "secrets_unavailable"


class InvalidRequest(MemoryServerError):
    """The request cannot be used as it is; the message says what to change."""

    code = "invalid_request"


class FeatureDisabled(InvalidRequest):
    """The request needs something that a setting turned off."""

    code = "feature_disabled"


class UnusableMoment(InvalidRequest):
    """A message does not say when it was created, and must, or lies in the future."""

    code = "unusable_moment"


class NotAuthenticated(MemoryServerError):
    """Nobody knows who asks; the message says what is missing or wrong, and nothing of what would be right."""

    code = "not_authenticated"


class TooManyAttempts(NotAuthenticated):
    """They failed too often to say who they are; a while must pass."""

    code = "too_many_attempts"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed attempts; try again in {seconds} seconds")
        self.seconds = seconds


class NotAllowed(MemoryServerError):
    """Whoever asks may not do this, or not there; the message says what they would need."""

    code = "not_allowed"

    def __init__(self, message: str, *, needs: str | None = None) -> None:
        super().__init__(message)
        self.needs = needs
        """The access that would be enough, if that is what is missing."""


class IssuerUnavailable(MemoryServerError):
    """Who vouches for callers cannot be reached, so nobody can be let in."""

    code = "issuer_unavailable"


class NotFound(MemoryServerError):
    """What the request names does not exist in its scope."""

    code = "not_found"


class MemoryNotFound(NotFound):
    """No memory with this id in this scope."""

    code = "memory_not_found"

    def __init__(self, memory_id: str) -> None:
        super().__init__(f"Memory with ID {memory_id} not found")
        self.memory_id = memory_id


class SessionNotFound(NotFound):
    """No working memory for this session in this scope."""

    code = "session_not_found"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} not found")
        self.session_id = session_id


class OperationNotFound(NotFound):
    """No operation with this id changed anything in this scope."""

    code = "operation_not_found"

    def __init__(self, operation_id: str) -> None:
        super().__init__(f"Operation {operation_id} not found; its record may have been deleted (HISTORY_DAYS)")
        self.operation_id = operation_id


class SuggestionNotFound(NotFound):
    """No open suggestion with this id in this scope."""

    code = "suggestion_not_found"

    def __init__(self, suggestion_id: str) -> None:
        super().__init__(f"Suggestion {suggestion_id} not found: it was settled, or one of its memories changed since")
        self.suggestion_id = suggestion_id


class JobNotFound(NotFound):
    """No job with this id in this scope."""

    code = "job_not_found"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id} not found")
        self.job_id = job_id


class TaskNotFound(NotFound):
    """No run of a summary view with this id in this scope."""

    code = "task_not_found"

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {task_id} not found")
        self.task_id = task_id


class TokenNotFound(NotFound):
    """No token of this id or hash in this scope."""

    code = "token_not_found"
    _WHOLE: ClassVar[int] = 16
    """Shorter names are how a hash or an id begins, to scripts that read the message."""

    def __init__(self, named: str) -> None:
        begins = len(named) < self._WHOLE
        super().__init__(f"No token found matching '{named}'" if begins else f"Token not found: {named}")
        self.named = named


class ViewNotFound(NotFound):
    """No summary view of this id in this scope."""

    code = "view_not_found"

    def __init__(self, view_id: str) -> None:
        super().__init__(f"SummaryView {view_id} not found")
        self.view_id = view_id


class Conflict(MemoryServerError):
    """The request does not fit the state that it meets."""

    code = "conflict"


class VersionConflict(Conflict):
    """Somebody else changed the record since it was read; read it again and repeat the change."""

    code = "version_conflict"

    def __init__(self, what: str, expected: int, found: int) -> None:
        super().__init__(f"{what} is at version {found}, not {expected}: read it again and repeat your change")
        self.expected = expected
        self.found = found


class AmbiguousId(Conflict):
    """One id names several records; a narrower scope is needed."""

    code = "ambiguous_id"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} exists in several scopes: say which with namespace and user_id")


class AmbiguousToken(Conflict):
    """Several tokens begin as what was named; more of it is needed."""

    code = "ambiguous_token"

    def __init__(self, named: str, matches: Sequence[str]) -> None:
        super().__init__(f"Multiple tokens match '{named}'")
        self.matches = matches
        """Their hashes, masked."""


class IdTaken(Conflict):
    """The scope that a memory is moved to already holds another one of this id."""

    code = "id_taken"

    def __init__(self, memory_id: str) -> None:
        super().__init__(
            f"Memory {memory_id} cannot move there: that scope holds another memory of this id; delete one"
        )
        self.memory_id = memory_id


class CannotUndo(Conflict):
    """Nothing that the operation changed can be brought back; the message says why."""

    code = "cannot_undo"


class StoreError(MemoryServerError):
    """The store refused or failed."""

    code = "store_error"


class StoreUnavailable(StoreError):
    """The store cannot be opened or reached."""

    code = "store_unavailable"


class StoreReadOnly(StoreError):
    """The store can be read but not written."""

    code = "store_read_only"


class StoreFull(StoreError):
    """There is no room left where the store keeps its data."""

    code = "store_full"


class StoreBusy(StoreError):
    """Another process has held the store for too long."""

    code = "store_busy"


class StoreCorrupt(StoreError):
    """The store's content is damaged."""

    code = "store_corrupt"


class SchemaMismatch(StoreError):
    """The store was written by another version of this program."""

    code = "schema_mismatch"


class QueueUnavailable(MemoryServerError):
    """Workers cannot be told of a job at once; it is kept, and they find it by themselves."""

    code = "queue_unavailable"


class EmbedderUnavailable(MemoryServerError):
    """No vectors can be made; the message says what is missing."""

    code = "embedder_unavailable"


class LLMUnavailable(MemoryServerError):
    """No text can be written by a model; the message says what is missing."""

    code = "llm_unavailable"
