"""Authentication by our own tokens: who is let in, at what cost, and until when."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mcp_memory.auth.attempts import ALLOWED, MOST_PEERS, SECONDS_EACH, Attempts
from mcp_memory.auth.secrets import BcryptSecrets
from mcp_memory.auth.tokens import MOST_REMEMBERED, REMEMBERED, TokenAuthenticator
from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.tokens import Token, lookup_of
from mcp_memory.errors import (
    AmbiguousToken,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    TokenNotFound,
    TooManyAttempts,
)
from mcp_memory.machine import new_ids
from mcp_memory.ports.store import Store
from mcp_memory.services.tokens import AddToken, Tokens
from mcp_memory.stores.ephemeral.store import EphemeralStore
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio

HOME, ELSEWHERE = "192.0.2.1", "192.0.2.2"
UNKNOWN = "x" * 43


@dataclass
class Counting:
    """The real secrets, with few rounds, that count what they do."""

    real: BcryptSecrets = field(default_factory=lambda: BcryptSecrets(rounds=4))
    checked: int = 0

    def new(self) -> str:
        return self.real.new()

    async def hashed(self, secret: str) -> str:
        return await self.real.hashed(secret)

    async def matches(self, secret: str, token_hash: str) -> bool:
        self.checked += 1
        return await self.real.matches(secret, token_hash)


@dataclass
class Plain:
    """Secrets that are their own hashes, to have many at once."""

    checked: int = 0

    def new(self) -> str:
        return "made"

    async def hashed(self, secret: str) -> str:
        return secret

    async def matches(self, secret: str, token_hash: str) -> bool:
        self.checked += 1
        return secret == token_hash


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def secrets() -> Counting:
    return Counting()


@pytest.fixture
async def store(tmp_path: Path, clock: StandingClock) -> AsyncIterator[Store]:
    made = SqliteStore(tmp_path / "memory.sqlite3", clock=clock)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def tokens(store: Store, secrets: Counting, clock: StandingClock) -> Tokens:
    return Tokens(store, lambda: secrets, clock, new_ids())


def authenticator(store: Store, secrets: Counting, clock: StandingClock) -> TokenAuthenticator:
    return TokenAuthenticator(store, secrets, clock, Attempts(clock))


@pytest.fixture
def door(store: Store, secrets: Counting, clock: StandingClock) -> TokenAuthenticator:
    return authenticator(store, secrets, clock)


async def issue(tokens: Tokens, **fields: object) -> str:
    return (await tokens.add(AddToken.model_validate({"description": "laptop"} | fields))).secret


async def test_a_token_says_who_its_bearer_is_and_where_they_stay(tokens: Tokens, door: TokenAuthenticator) -> None:
    made = await tokens.add(AddToken(description="laptop", access=Access.READ, namespace="work", user_id="ann"))
    caller = await door.identify(made.secret, HOME)
    assert (caller.access, caller.bound) == (Access.READ, Scope("work", "ann"))
    assert caller.name == f"laptop ({made.token.id[-6:]})"
    assert (await door.identify(await issue(tokens), HOME)).access is Access.WRITE


async def test_only_hashes_are_kept(tokens: Tokens, store: Store, tmp_path: Path) -> None:
    secret = await issue(tokens)
    (kept,) = await store.tokens(Scope())
    assert kept.token_hash.startswith("$2b$")
    assert secret not in kept.model_dump_json()
    assert len(kept.lookup) == 16
    await store.close()
    written = [path.read_bytes() for path in tmp_path.iterdir()]  # noqa: ASYNC240 - nothing else waits
    assert not any(secret.encode() in content for content in written)


@pytest.mark.parametrize(
    "shown", [None, "", UNKNOWN, "short", "x" * 500, "é" * 40, "\ud800" * 40, "$2b$12$" + "x" * 53]
)
async def test_who_shows_nothing_or_something_else_is_not_let_in_and_costs_no_hash(
    shown: str | None, tokens: Tokens, door: TokenAuthenticator, secrets: Counting
) -> None:
    await issue(tokens)
    with pytest.raises(NotAuthenticated):
        await door.identify(shown, HOME)
    assert secrets.checked == 0


async def test_neither_the_hash_nor_how_a_secret_begins_lets_anybody_in(
    tokens: Tokens, store: Store, door: TokenAuthenticator
) -> None:
    secret = await issue(tokens)
    (kept,) = await store.tokens(Scope())
    for guess in (kept.token_hash, kept.lookup, secret[:-1], f"{secret}x", secret.swapcase()):
        with pytest.raises(NotAuthenticated):
            await door.identify(guess, HOME)


async def test_a_secret_is_checked_once_and_for_all_who_ask_at_once(
    tokens: Tokens, door: TokenAuthenticator, secrets: Counting, clock: StandingClock
) -> None:
    secret = await issue(tokens)
    callers = await asyncio.gather(*(door.identify(secret, HOME) for _ in range(50)))
    assert len(set(callers)) == 1
    await door.identify(secret, HOME)
    assert secrets.checked == 1
    clock.advance(seconds=REMEMBERED.total_seconds())
    await door.identify(secret, HOME)
    assert secrets.checked == 2


async def test_a_secret_in_use_is_not_checked_again(
    tokens: Tokens, door: TokenAuthenticator, secrets: Counting, clock: StandingClock
) -> None:
    """So that guessers behind the same address never keep its bearer out."""
    secret = await issue(tokens)
    await door.identify(secret, HOME)
    for _ in range(4):
        clock.advance(seconds=REMEMBERED.total_seconds() / 2)
        for _ in range(ALLOWED):
            with pytest.raises(NotAuthenticated):
                await door.identify(UNKNOWN, HOME)
        await door.identify(secret, HOME)
    assert secrets.checked == 1


async def test_of_many_secrets_those_unused_longest_are_checked_again(clock: StandingClock) -> None:
    store, plain = EphemeralStore(clock=clock), Plain()
    door = TokenAuthenticator(store, plain, clock, Attempts(clock))
    shown = [f"secret {number}" for number in range(MOST_REMEMBERED + 1)]
    for secret in shown:
        await store.add_token(
            Token(id=secret, description=secret, lookup=lookup_of(secret), token_hash=secret, created_at=clock())
        )
    for secret in shown[:-1]:
        await door.identify(secret, HOME)
    await door.identify(shown[0], HOME)
    await door.identify(shown[-1], HOME)
    assert plain.checked == len(shown)
    await door.identify(shown[0], HOME)
    assert plain.checked == len(shown)
    await door.identify(shown[1], HOME)
    assert plain.checked == len(shown) + 1


async def test_among_ten_thousand_tokens_at_most_one_hash_is_checked(
    tokens: Tokens, store: Store, door: TokenAuthenticator, secrets: Counting
) -> None:
    first = await tokens.add(AddToken(description="first"))
    for number in range(10_000):
        changed = {"id": f"t{number}", "lookup": lookup_of(f"{number}")}
        assert await store.add_token(first.token.model_copy(update=changed))
    last = await issue(tokens)
    for secret in (first.secret, last):
        await door.identify(secret, HOME)
    assert secrets.checked == 2
    with pytest.raises(NotAuthenticated):
        await door.identify(UNKNOWN, HOME)
    assert secrets.checked == 2


async def test_a_removed_token_stops_at_once_in_every_process(
    tokens: Tokens, store: Store, secrets: Counting, clock: StandingClock
) -> None:
    doors = [authenticator(store, secrets, clock) for _ in range(2)]
    secret = await issue(tokens)
    for door in doors:
        await door.identify(secret, HOME)
    (kept,) = await store.tokens(Scope())
    await tokens.remove(kept.id)
    for door in doors:
        with pytest.raises(NotAuthenticated):
            await door.identify(secret, HOME)


async def test_what_is_remembered_holds_for_one_hash_only(
    tokens: Tokens, store: Store, door: TokenAuthenticator, secrets: Counting
) -> None:
    secret = await issue(tokens)
    await door.identify(secret, HOME)
    (kept,) = await store.tokens(Scope())
    await store.replace_token(kept.model_copy(update={"token_hash": await secrets.hashed(UNKNOWN)}))
    with pytest.raises(NotAuthenticated):
        await door.identify(secret, HOME)
    assert secrets.checked == 2


async def test_a_token_expires(tokens: Tokens, door: TokenAuthenticator, clock: StandingClock) -> None:
    secret = await issue(tokens, expires_days=1)
    await door.identify(secret, HOME)
    clock.advance(days=1)
    with pytest.raises(NotAuthenticated, match="expired"):
        await door.identify(secret, HOME)


async def test_a_renewed_token_is_known_by_its_new_secret_only(tokens: Tokens, door: TokenAuthenticator) -> None:
    old = await tokens.add(AddToken(description="laptop", namespace="work", expires_days=3))
    await door.identify(old.secret, HOME)
    new = await tokens.rotate(old.token.token_hash[:20])
    assert (await door.identify(new.secret, HOME)).bound == Scope("work")
    assert (new.token.id, new.token.expires_at) == (old.token.id, old.token.expires_at)
    with pytest.raises(NotAuthenticated):
        await door.identify(old.secret, HOME)


async def test_whoever_guesses_too_often_waits_and_others_do_not(
    tokens: Tokens, door: TokenAuthenticator, clock: StandingClock
) -> None:
    secret, other = await issue(tokens), await issue(tokens)
    await door.identify(secret, HOME)
    for _ in range(ALLOWED):
        with pytest.raises(NotAuthenticated) as refused:
            await door.identify(UNKNOWN, HOME)
        assert not isinstance(refused.value, TooManyAttempts)
    for shown in (UNKNOWN, other):
        with pytest.raises(TooManyAttempts) as waits:
            await door.identify(shown, HOME)
        assert 0 < waits.value.seconds <= SECONDS_EACH
    await door.identify(secret, HOME)
    await door.identify(other, ELSEWHERE)
    clock.advance(seconds=SECONDS_EACH)
    await door.identify(other, HOME)


def test_one_owner_has_one_count_whatever_address_they_choose(clock: StandingClock) -> None:
    attempts = Attempts(clock)
    for number in range(ALLOWED):
        attempts.failed(f"2001:db8:1:2::{number:x}")
    with pytest.raises(TooManyAttempts):
        attempts.check("2001:db8:1:2:ffff::1")
    attempts.check("2001:db8:1:3::1")
    attempts.check("::ffff:192.0.2.9")


def test_a_flood_of_peers_is_forgotten(clock: StandingClock) -> None:
    attempts = Attempts(clock)
    for _ in range(ALLOWED):
        attempts.failed("first")
    for number in range(MOST_PEERS):
        attempts.failed(f"peer {number}")
    attempts.check("first")


async def test_a_bound_admin_administers_within_the_bound_only(tokens: Tokens) -> None:
    ann = Caller("ann", Access.ADMIN, bound=Scope("work"))
    theirs = await tokens.add(AddToken(description="theirs", namespace="home"))
    everybody = await tokens.add(AddToken(description="everybody's"))
    mine = await tokens.add(AddToken(description="mine"), caller=ann)
    assert (mine.token.namespace, mine.token.created_by) == ("work", "ann")
    assert [token.description for token in await tokens.list(caller=ann)] == ["mine"]
    for other in (theirs, everybody):
        for named in (other.token.id, other.token.token_hash):
            with pytest.raises(TokenNotFound):
                await tokens.remove(named, caller=ann)
            with pytest.raises(TokenNotFound):
                await tokens.rotate(named, caller=ann)
    with pytest.raises(NotAllowed):
        await tokens.add(AddToken(description="out", namespace="home"), caller=ann)


async def test_only_an_admin_administers(tokens: Tokens) -> None:
    ann = Caller("ann", Access.WRITE)
    made = await tokens.add(AddToken(description="x"))
    with pytest.raises(NotAllowed):
        await tokens.add(AddToken(description="more", access=Access.ADMIN), caller=ann)
    for act in (tokens.show, tokens.rotate, tokens.remove):
        with pytest.raises(NotAllowed):
            await act(made.token.id, caller=ann)
    with pytest.raises(NotAllowed):
        await tokens.list(caller=ann)


async def test_a_token_is_named_by_how_its_hash_begins_if_that_names_one(tokens: Tokens) -> None:
    first, second = [await tokens.add(AddToken(description=name)) for name in ("one", "two")]
    for named in (first.token.token_hash, first.token.id, first.token.token_hash[:24], first.token.token_hash[7:18]):
        assert (await tokens.show(named)).description == "one"
    with pytest.raises(AmbiguousToken) as several:
        await tokens.show("$2b$")
    assert several.value.matches == [first.token.masked, second.token.masked]
    for unknown in ("zz", ""):
        with pytest.raises(TokenNotFound):
            await tokens.show(unknown)


async def test_a_secret_made_elsewhere_must_be_long_and_plain(tokens: Tokens, door: TokenAuthenticator) -> None:
    given = "made-elsewhere-0123456789-abcdefghij"
    assert await issue(tokens, secret=given) == given
    assert (await door.identify(given, HOME)).access is Access.WRITE
    with pytest.raises(InvalidRequest, match="registered already"):
        await issue(tokens, secret=given)
    for bad in ("with a blank 0123456789 abcdefghijkl", "ünïcode-0123456789-abcdefghijklmnop"):
        with pytest.raises(InvalidRequest):
            await issue(tokens, secret=bad)
    for bad in ("short", "x" * 73):
        with pytest.raises(ValueError, match="characters"):
            AddToken(description="x", secret=bad)


async def test_the_audit_log_says_what_was_done_and_no_secret(
    tokens: Tokens, door: TokenAuthenticator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    issued = await tokens.add(AddToken(description="laptop\nmade up", namespace="work"), caller=Caller("ann\nand bob"))
    await door.identify(issued.secret, HOME)
    renewed = await tokens.rotate(issued.token.id)
    await tokens.remove(issued.token.id)
    said = [record.getMessage() for record in caplog.records if record.name == "mcp_memory.audit"]
    assert [line.partition(":")[0] for line in said] == ["token added", "token rotated", "token removed"]
    assert said[0] == (
        f"token added: {issued.token.masked} ('laptop\\nmade up'), access write; namespace 'work'; by 'ann\\nand bob'"
    )
    assert said[2].endswith("by this machine")
    for secret in (issued.secret, renewed.secret, issued.token.token_hash, lookup_of(issued.secret)):
        assert secret not in caplog.text
