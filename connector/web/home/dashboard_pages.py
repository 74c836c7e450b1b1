"""The dashboard: what runs, what needs a decision, and what the catalogue holds."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from ...accounts.authorization import allows
from ...jobs import overview
from ...models.accounts import Role

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@allows(Role.VIEWER)
def dashboard() -> str:
    """Show the dashboard. Its list of jobs updates while a job is active."""
    return render_template("home/dashboard.html", **_jobs())


@blueprint.get("/live")
@allows(Role.VIEWER)
def live() -> str:
    """Return the part of the dashboard that changes. The dashboard polls it."""
    return render_template("home/_live.html", **_jobs())


def _jobs() -> dict[str, Any]:
    active, active_count = overview.active()
    return {
        "active": active,
        "active_count": active_count,
        "asking": overview.asking(),
        "with_problems": overview.with_problems(),
        "ended": overview.ended(),
        "waiting": overview.waiting(),
        "scheduled": overview.scheduled(),
    }
