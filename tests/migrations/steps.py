"""Steps of a schema that there is not yet, for tests of how steps are done."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_memory.stores.sqlite import migrations


@dataclass(frozen=True, slots=True)
class Step(migrations.Migration):
    """A step with statements of its own."""

    statements: str = ""

    @property
    def sql(self) -> str:
        return self.statements


def next_step(statements: str, name: str = "next") -> tuple[migrations.Migration, ...]:
    """Return the steps that there are, and one more."""
    return (*migrations.MIGRATIONS, Step(migrations.SCHEMA_VERSION + 1, name, statements))


LONG = """
CREATE TABLE later (x);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
INSERT INTO later SELECT hex(randomblob(20)) FROM n
"""
ROWS = 300_000
"""That the long step writes: some megabytes, which takes longer than to end a process."""


def steps_with_a_long_one() -> tuple[migrations.Migration, ...]:
    """Return the steps that there are, and one that takes its time."""
    return next_step(LONG)
