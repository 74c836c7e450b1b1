"""The dashboard: running jobs, open decisions, and the contents of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from flask import Blueprint, render_template
from sqlalchemy import select

from ...accounts.authorization import allows, sees_restricted
from ...catalogue import counts
from ...catalogue.counts import RepositoryTotals
from ...extensions import db
from ...i18n import gettext as _
from ...imports.results import overview, problem_outcomes
from ...models.accounts import Role
from ...models.jobs import Job, State
from ...models.repositories import Repository, Source
from . import charts

RUNS = 20  # shown in the charts of the last imports
CHANGES = ("added", "updated", "vanished")

blueprint = Blueprint("home", __name__)


@blueprint.app_template_global()
def reason_of(job: Job) -> str:
    """Return why a job needs attention: its message if the current user may read it, or how much failed.

    The message of a completed job has remarks beside the problems, so the counts come first.
    """
    is_readable = sees_restricted() or not job.names_restricted
    message = job.message if is_readable and job.message else ""
    counts_in_words = problem_outcomes.in_words(job)
    return counts_in_words or message if job.state == State.COMPLETED else message or counts_in_words


@blueprint.get("/")
@allows(Role.VIEWER)
def dashboard() -> str:
    """Show the dashboard. Its list of jobs updates while a job is active."""
    runs = overview.last_imports(RUNS)
    return render_template("home/dashboard.html", **_jobs(), **_held(), **_runs(runs))


@blueprint.get("/live")
@allows(Role.VIEWER)
def live() -> str:
    """Return the part of the dashboard that changes. The dashboard polls it."""
    return render_template("home/_live.html", **_jobs())


def _jobs() -> dict[str, Any]:
    active, active_count = overview.active_jobs()
    return {
        "active": active,
        "active_count": active_count,
        "asking": overview.asking_jobs(),
        "with_problems": overview.imports_with_problems(),
        "ended": overview.ended_jobs(),
        "next_imports": _next_imports(),
    }


def _next_imports() -> list[tuple[datetime | None, Job | None, Source | None]]:
    """Return the next imports as (time, waiting job or None, scheduled source or None), the next one first."""
    found: list[tuple[datetime | None, Job | None, Source | None]]
    found = [(job.resume_at, job, None) for job in overview.waiting_jobs()]
    found += [(source.due_at, None, source) for source in overview.scheduled_sources()]
    return sorted(found, key=itemgetter(0))[: overview.SHOWN]


def _held() -> dict[str, Any]:
    """Return what the catalogue holds, by repository and as a whole, with its charts."""
    counted_at, found = counts.totals(with_restricted=sees_restricted())
    by_id = {one.repository_id: one for one in found}
    repositories = db.session.scalars(select(Repository).where(Repository.id.in_(by_id)).order_by(Repository.id)).all()
    rows = [(repository, by_id[repository.id]) for repository in repositories]
    total = RepositoryTotals(0)
    for _repository, one in rows:
        total.add(one)
    return {
        "counted_at": counted_at,
        "held": rows,
        "total": total,
        "years": charts.columns(charts.years(total.years)),
        "types": charts.shares(total.types, total.other_types),
    }


def _runs(runs: Sequence[Job]) -> dict[str, Any]:
    """Return the last imports, oldest first, with the charts of their changes and durations."""
    changes = [sum(run.counts[name] for name in CHANGES) for run in runs]
    return {
        "runs": list(zip(runs, changes, strict=True)),
        "changes": charts.columns([(_label(run), number) for run, number in zip(runs, changes, strict=True)]),
        "durations": charts.columns([(_label(run), run.seconds) for run in runs]),
    }


def _label(run: Job) -> str:
    return _("Job %(id)s", id=run.id)
