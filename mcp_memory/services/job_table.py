"""The jobs that there are: a row each. To add one, add its request, its act and its row."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from mcp_memory.domain.requests import Compact, Request
from mcp_memory.domain.views import RUN, RunView, RunViewLater
from mcp_memory.ports.given import Progress
from mcp_memory.services.jobs import JobKind, Period
from mcp_memory.services.memory import Memory


class CompactLater(Compact):
    """Compaction as scripts schedule it."""

    limit: Annotated[int, Field(ge=1)] = Field(1000, description="Accepted for older scripts: all are looked at")


class Whole(Request):
    """What is done to the whole store takes nothing."""


async def compact(memory: Memory, asked: CompactLater, progress: Progress) -> JsonValue:
    """Merge memories that say the same, and end what no longer holds."""
    done = await memory.long_term.compact(asked, progress=progress)
    told: JsonValue = done.model_dump(mode="json", exclude={"steps"})
    return told


async def expire(memory: Memory, _: Whole, progress: Progress) -> JsonValue:
    """Remove what has outlived its time: sessions past their TTL, old finished jobs, the record of old changes."""
    await progress(0, 3, "removing expired sessions")
    sessions = await memory.working.expire()
    await progress(1, 3, "removing old jobs")
    jobs = await memory.jobs.prune()
    await progress(2, 3, "removing the history of old changes")
    operations = await memory.operations.expire()
    await progress(3, 3, "done")
    return {"sessions": sessions, "jobs": jobs, "operations": operations}


async def forget(memory: Memory, _: Whole, progress: Progress) -> JsonValue:
    """Forget what the settings let go of."""
    forgotten = await memory.forgetting.forget_as_settings_say(progress)
    return {"scanned": forgotten.scanned, "deleted": forgotten.deleted, "operation": forgotten.operation}


async def reembed(memory: Memory, _: Whole, progress: Progress) -> JsonValue:
    """Make the vectors that memories lack since the model changed."""
    return {"memories": await memory.upkeep.reembed(progress)}


async def reembed_due(memory: Memory) -> bool:
    """Say whether memories lack their vectors."""
    return await memory.upkeep.reembed_due()


async def optimise(memory: Memory, _: Whole, progress: Progress) -> JsonValue:
    """Put the store in good order."""
    await progress(0, 1, "optimising")
    await memory.store.optimise()
    await progress(1, 1, "optimised")
    return None


async def run_view(memory: Memory, asked: RunViewLater, progress: Progress) -> JsonValue:
    """Sum up a view."""
    done = await memory.views.recompute(RunView(view_id=asked.view_id, force=asked.force), progress=progress)
    told: JsonValue = done.model_dump(mode="json")
    return told


async def refresh_views(memory: Memory, _: Whole, progress: Progress) -> JsonValue:
    """Sum up what changed in the continuous views."""
    done = await memory.views.refresh(progress)
    told: JsonValue = done.model_dump(mode="json")
    return told


JOBS: tuple[JobKind[Memory], ...] = (
    JobKind(
        "compact",
        "merge memories that say the same, and end what no longer holds",
        CompactLater,
        compact,
        Period("compaction_every_minutes", only_if="long_term_memory"),
        aliases=(
            "mcp_memory.long_term_memory.compact_long_term_memories",
            "agent_memory_server.long_term_memory.compact_long_term_memories",
        ),
    ),
    JobKind(
        "expire",
        "remove expired sessions, old finished jobs and the history of old changes",
        Whole,
        expire,
        Period("expiry_every_minutes"),
    ),
    JobKind(
        "forget",
        "forget the memories that the FORGETTING_ settings let go of",
        Whole,
        forget,
        Period("forgetting_every_minutes", only_if="forgetting_enabled"),
        aliases=("agent_memory_server.long_term_memory.periodic_forget_long_term_memories",),
    ),
    JobKind(
        "optimise",
        "put the store in good order for speed and space",
        Whole,
        optimise,
        Period("optimise_every_minutes"),
    ),
    JobKind(
        "reembed",
        "make vectors anew after a change of the embedding model",
        Whole,
        reembed,
        due=reembed_due,
    ),
    JobKind(
        "refresh_views",
        "sum up what changed in the summary views that are continuous",
        Whole,
        refresh_views,
        Period("summary_view_refresh_every_minutes", only_if="long_term_memory"),
        aliases=("agent_memory_server.summary_views.periodic_refresh_summary_views",),
    ),
    JobKind(
        RUN,
        "sum up a summary view, as a task of clients",
        RunViewLater,
        run_view,
        aliases=("agent_memory_server.summary_views.refresh_summary_view",),
    ),
)
