"""Files of every released schema are read; what was done to a file is recorded in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from mcp_memory.domain.scope import Scope
from mcp_memory.errors import StoreError
from mcp_memory.stores.sqlite import migrations
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import ANN, EVERYWHERE, candidates, entry, operation, texts, vector
from tests.migrations.steps import next_step
from tests.standing_clock import NOON, StandingClock

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).parent
VERSIONS = [step.version for step in migrations.MIGRATIONS]


@pytest.fixture(params=migrations.RELEASED)
def old(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file of each schema that was released."""
    return Path(shutil.copy(FOLDER / f"v{request.param}.sqlite3", tmp_path / "memory.sqlite3"))


def query(path: Path, statement: str) -> list[tuple[apsw.SQLiteValue, ...]]:
    connection = apsw.Connection(str(path))
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def copies(path: Path) -> list[str]:
    return sorted(part.name for part in path.parent.iterdir() if ".before-" in part.name)


async def test_a_file_of_a_released_version_is_read_whole(old: Path) -> None:
    store = SqliteStore(old, clock=StandingClock())
    await store.open()
    assert sorted(texts(await store.page(EVERYWHERE, limit=9))) == [
        "Ann drinks tea",
        "Ann lives in Lyon",
        "Ann lives in Oslo",
    ]
    (((_, tea),), ((_, lyon),)) = await store.named(["tea again"], ANN), await store.named(["lyon"], ANN)
    assert (tea.id, tea.topics, tea.metadata, tea.session_id, tea.version) == ("tea", ["Drinks"], {"cups": 3}, "s", 2)
    assert (lyon.valid_to, lyon.version) == (NOON, 2)
    found = await candidates(store, vector(1), ("oslo",), nearest=1, lexical=1)
    assert {record.id for record in await store.records(found.handles) if record} == {"tea", "oslo"}
    session = await store.session("monday", Scope(), NOON)
    assert session is not None
    assert (session.context, [message.content for message in session.messages]) == ("greetings", ["Hello"])
    await store.add([entry("Ann drinks coffee", vector(1))], operation())
    assert await store.count(EVERYWHERE, ["drinks"]) == 2
    await store.close()


def test_every_released_version_has_a_file() -> None:
    """At a release: ``make_file.py`` before the version goes into RELEASED."""
    there = {int(path.stem.removeprefix("v")) for path in FOLDER.glob("v*.sqlite3")}
    assert there == {*migrations.RELEASED} <= {*VERSIONS}


def test_versions_are_in_order() -> None:
    assert sorted({*VERSIONS}) == VERSIONS
    assert sorted({*migrations.RELEASED}) == [*migrations.RELEASED]


def test_a_new_file_needs_every_step_and_records_them(tmp_path: Path) -> None:
    """And no copy: there is nothing to keep."""
    path = tmp_path / "memory.sqlite3"
    assert migrations.pending(path) == list(migrations.MIGRATIONS)
    assert not path.exists()
    assert migrations.apply(path, StandingClock()) == migrations.Applied(migrations.MIGRATIONS)
    assert migrations.apply(path, StandingClock()) == migrations.Applied()
    assert migrations.pending(path) == []
    recorded = query(path, "SELECT version, name, applied_at FROM migrations")
    assert recorded == [(step.version, step.name, int(NOON.timestamp() * 1e6)) for step in migrations.MIGRATIONS]
    assert copies(path) == []


def test_an_older_file_is_copied_before_its_first_step(old: Path) -> None:
    """One copy, however many steps there are; it is as the file was."""
    steps, awaited = next_step("CREATE TABLE later (x)"), migrations.pending(old)
    version = query(old, "PRAGMA user_version")
    done = migrations.apply(old, StandingClock(), steps)
    assert done.steps == (*awaited, steps[-1])
    assert query(old, "SELECT count(*) FROM later") == [(0,)]
    assert done.copy == old.with_name(f"{old.name}.before-{done.steps[0].version}")
    assert migrations.pending(done.copy) == awaited
    assert query(done.copy, "PRAGMA user_version") == version
    assert query(done.copy, "SELECT count(*) FROM memories") == [(3,)]


def test_no_copy_is_written_over_another(old: Path) -> None:
    steps = next_step("CREATE TABLE later (x)")
    first = migrations.apply(old, StandingClock(), steps).copy
    assert first is not None
    content = first.read_bytes()
    old.write_bytes(content)
    query(old, "DELETE FROM memories WHERE handle = 1")
    second = migrations.apply(old, StandingClock(), steps).copy
    assert second is not None
    assert second.name == f"{first.name}-2"
    assert first.read_bytes() == content
    assert query(second, "SELECT count(*) FROM memories") == [(2,)]


def test_a_step_that_fails_again_and_again_leaves_the_file_as_it_was_and_one_copy(old: Path) -> None:
    """One transaction for each step; copies that hold the same are not gathered."""
    migrations.apply(old, StandingClock())
    version = query(old, "PRAGMA user_version")
    faulty = next_step("CREATE TABLE later (x); DROP TABLE memories; CREATE nonsense")
    for _ in range(3):
        with pytest.raises(StoreError):
            migrations.apply(old, StandingClock(), faulty)
    assert query(old, "SELECT count(*) FROM memories") == [(3,)]
    assert query(old, "PRAGMA user_version") == version
    assert query(old, "SELECT name FROM sqlite_schema WHERE name = 'later'") == []
    assert [name for name in copies(old) if f".before-{faulty[-1].version}" in name] == [
        f"{old.name}.before-{faulty[-1].version}"
    ]


async def test_a_file_without_a_log_is_given_one_when_it_is_opened(old: Path) -> None:
    """A backup that was copied by hand: several programs must be able to use it at once."""
    assert query(old, "PRAGMA journal_mode = delete") == [("delete",)]
    store = SqliteStore(old, clock=StandingClock())
    await store.open()
    await store.close()
    assert query(old, "PRAGMA journal_mode") == [("wal",)]
