"""The current actor: the name that jobs, audit entries and takedowns keep."""

from __future__ import annotations

from flask import g, has_app_context, has_request_context

LOCAL = "local operator"  # anyone who can run commands here owns the machine and needs no account
NOBODY = "nobody"  # a request without a login
SCHEDULE = "schedule"  # scheduled imports


def current_actor() -> str:
    """Return the name of the signed-in user, or of --as in a command, or else the local operator."""
    if not has_app_context():
        return LOCAL
    if g.get("person"):
        return str(g.person.name)
    return NOBODY if has_request_context() else g.get("acting", LOCAL)
