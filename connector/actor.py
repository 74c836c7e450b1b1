"""Who acts: the name that jobs, audit entries and takedowns keep."""

from __future__ import annotations

from flask import g, has_app_context, has_request_context

LOCAL = "local operator"  # whoever can run commands here owns the machine and needs no account
NOBODY = "nobody"  # a request of somebody who is not signed in
SCHEDULE = "schedule"  # what is imported by itself


def current_actor() -> str:
    """Return the name of who acts: signed in on the pages, named with --as in a command, else the local operator."""
    if not has_app_context():
        return LOCAL
    if g.get("person"):
        return g.person.name
    return NOBODY if has_request_context() else g.get("acting", LOCAL)
