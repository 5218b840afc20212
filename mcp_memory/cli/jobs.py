"""``agent-memory schedule-task`` and ``jobs``: work for later, and how far it is."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import click

from mcp_memory.cli.beginnings import of_job
from mcp_memory.cli.groups import ListByDefault
from mcp_memory.cli.layout import counted, moment, shortened, table
from mcp_memory.cli.options import Owner, format_option, namespace_option, store_option, user_option
from mcp_memory.cli.running import asked, with_memory
from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.replies import JobList
from mcp_memory.domain.requests import ListJobs, Request
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import InvalidRequest

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory

LONELY_SECONDS = 10
"""After which a waiting person is told that nobody seems to work."""
STATE = click.Choice([state.value for state in JobState])
SHOWN = 60
"""Characters of an error in a list."""


@click.command("schedule-task")
@click.argument("task_path", metavar="TASK_PATH")
@click.option("-a", "--args", "given", multiple=True, metavar="KEY=VALUE", help="An argument of the job; repeatable.")
@format_option
@store_option
@click.pass_context
def schedule_task(context: click.Context, task_path: str, given: Sequence[str], layout: str) -> None:
    """Have a job done in the background, such as compact.

    TASK_PATH is its name, or the dotted name in older scripts; any other word lists the jobs that there are. A VALUE
    may be text, a number, true, false, null, or JSON.
    """
    if wrong := [pair for pair in given if "=" not in pair]:
        click.echo(f"Invalid argument format: {wrong[0]}. Use key=value format.", err=True)
        context.exit(1)
    written = dict(pair.split("=", 1) for pair in given)
    request, job = with_memory(lambda memory: _scheduled(memory, task_path, written))
    if layout == "json":
        click.echo(job.model_dump_json(indent=2))
        return
    arguments = request.model_dump(mode="json", exclude_unset=True, by_alias=True)
    click.echo(f"Scheduling task {task_path} with arguments: {arguments}")
    click.echo("Task scheduled successfully")
    click.echo(f"Job: {job.id}")


async def _scheduled(memory: Memory, path: str, written: Mapping[str, str]) -> tuple[Request, Job]:
    kind = memory.jobs.kind(path)
    takes = [field.alias or name for name, field in kind.takes.model_fields.items()]
    if unknown := sorted(written.keys() - set(takes) - kind.takes.model_fields.keys()):
        raise InvalidRequest(f"{kind.name} does not take {unknown[0]}; it takes {', '.join(takes) or 'no arguments'}")
    request = asked(kind.takes, {name: value_of(text) for name, text in written.items()})
    return request, await memory.jobs.schedule(kind.name, request)


def value_of(text: str) -> Any:
    """Return what a value on the command line means before its argument's own type is known.

    Numbers and truth values stay text, which the argument's type reads: an id such as 007 must keep its zeros.
    """
    if text.lower() == "null":
        return None
    if not text.startswith(("[", "{", '"')):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"{text} is not JSON: {error.msg} at character {error.pos + 1}") from error


@click.group(cls=ListByDefault)
@store_option
def jobs() -> None:
    """List, show, cancel or wait for jobs; without a word, list them."""


@jobs.command("list")
@namespace_option
@user_option
@click.option("--state", "states", multiple=True, type=STATE, help="Only those in this state; repeatable.")
@click.option("-l", "--limit", type=int, default=20, show_default=True, help="Jobs on a page, at most 100.")
@click.option("-o", "--offset", type=int, default=0, show_default=True, help="Jobs to skip.")
@format_option
@store_option
def list_jobs(layout: str, **fields: Any) -> None:
    """List jobs, newest first."""
    request = asked(ListJobs, fields | {"states": list(fields["states"])})
    found = with_memory(lambda memory: memory.jobs.list(request))
    click.echo(found.model_dump_json(indent=2) if layout == "json" else _listed(found, request.offset))


@jobs.command("show")
@click.argument("job_id", metavar="ID")
@namespace_option
@user_option
@format_option
@store_option
def show_job(job_id: str, layout: str, **owner: Unpack[Owner]) -> None:
    """Show one job whole."""
    scope = Scope(**owner)
    job = with_memory(lambda memory: of_job(memory, job_id, scope, lambda one: memory.jobs.get(one, scope=scope)))
    click.echo(job.model_dump_json(indent=2) if layout == "json" else _whole(job))


@jobs.command("cancel")
@click.argument("job_id", metavar="ID")
@namespace_option
@user_option
@format_option
@store_option
def cancel_job(job_id: str, layout: str, **owner: Unpack[Owner]) -> None:
    """Cancel a job: at once if it waits, within seconds if it runs."""
    scope = Scope(**owner)
    job = with_memory(lambda memory: of_job(memory, job_id, scope, lambda one: memory.jobs.cancel(one, scope=scope)))
    if layout == "json":
        click.echo(job.model_dump_json(indent=2))
    elif job.state is JobState.CANCELLED:
        click.echo(f"Cancelled: {job.id}")
    elif job.finished:
        click.echo(f"Already {job.state}: {job.id}")
    else:
        click.echo(f"Its worker was told to stop: {job.id}")


@jobs.command("wait")
@click.argument("job_id", metavar="ID")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait no longer than this.")
@namespace_option
@user_option
@format_option
@store_option
@click.pass_context
def wait_for_job(
    context: click.Context, job_id: str, timeout: float | None, layout: str, **owner: Unpack[Owner]
) -> None:
    """Wait until a job is finished, and show how far it is. The exit code is 0 if it succeeded."""
    scope = Scope(**owner)
    job = with_memory(lambda memory: of_job(memory, job_id, scope, lambda one: _finished(memory, one, scope, timeout)))
    click.echo(job.model_dump_json(indent=2) if layout == "json" else _whole(job))
    if job.state is not JobState.SUCCEEDED:
        context.exit(1)


async def _finished(memory: Memory, job_id: str, scope: Scope, seconds: float | None) -> Job:
    job = await memory.jobs.get(job_id, scope=scope)
    lonely = asyncio.get_running_loop().call_later(LONELY_SECONDS, _lonely)
    try:
        async with asyncio.timeout(seconds):
            async for job in memory.jobs.watch(job_id, scope=scope):
                if job.state is not JobState.QUEUED:
                    lonely.cancel()
                _show(job)
    except TimeoutError:
        click.echo(f"After {seconds:g} seconds it is not finished.", err=True)
    finally:
        lonely.cancel()
    return job


def _lonely() -> None:
    click.echo("Still waiting for a worker: a running server is one, or start agent-memory task-worker.", err=True)


def _show(job: Job) -> None:
    """Show a change, to a person at a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"{job.state}  {_progress(job)}".rstrip(), err=True)


def _listed(found: JobList, offset: int) -> str:
    lines = [f"Found {counted(found.total, 'job', 'jobs')} (showing {len(found.jobs)}):"]
    if found.jobs:
        rows = [(job.id, job.name, str(job.state), _progress(job), moment(job.created_at)) for job in found.jobs]
        lines += ["", table(rows, ("Job", "Name", "State", "Progress", "Created"))]
    reached = offset + len(found.jobs)
    if found.jobs and reached < found.total:
        lines.append(f"\nMore results: --offset {reached}")
    return "\n".join(lines)


def _progress(job: Job) -> str:
    if job.error is not None and not job.progress.total:
        return shortened(job.error, SHOWN)
    return f"{job.progress.done} of {job.progress.total} {job.progress.message}" if job.progress.total else ""


def _whole(job: Job) -> str:
    rows = {
        "Job": job.id,
        "Name": job.name,
        "Arguments": json.dumps(job.arguments, ensure_ascii=False) if job.arguments else "",
        "Namespace": job.namespace or "",
        "User": job.user_id or "",
        "State": str(job.state) + (", to be cancelled" if job.cancel_requested and not job.finished else ""),
        "Progress": _progress(job),
        "Attempts": f"{job.attempts - job.returned} of {job.max_attempts}",
        "Not before": moment(job.not_before) if job.not_before > job.created_at else "",
        "Created": moment(job.created_at),
        "Started": moment(job.started_at),
        "Finished": moment(job.finished_at),
        "Result": json.dumps(job.result, ensure_ascii=False) if job.result is not None else "",
        "Error": job.error or "",
    }
    return table((name, value) for name, value in rows.items() if value)
