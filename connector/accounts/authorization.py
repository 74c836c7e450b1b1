"""The gate before every page and fragment: each declares the role it needs, and one that declares none is closed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, has_request_context, redirect, request, url_for
from flask_login import current_user

from ..errors import PermissionDeniedError
from ..models.accounts import Role
from . import authentication, user_management

log = logging.getLogger(__name__)
View = TypeVar("View", bound=Callable[..., Any])
NEEDS = "needs"  # the attribute of a view that holds its rule
BEFORE_SET_UP, NAMELESS = "before_set_up", "nameless"


def allows(role: Role | None, *, before_set_up: bool = False, nameless: bool = False) -> Callable[[View], View]:
    """Declare that a view is for this role and those above it; None: for everybody, signed in or not.

    `before_set_up`: also for somebody who must have a second factor and has none yet. `nameless`: who asks makes no
    difference, so it is not looked up, and no cookie goes out: it answers without the database.
    """

    def declare(view: View) -> View:
        setattr(view, NEEDS, role)
        setattr(view, BEFORE_SET_UP, before_set_up)
        setattr(view, NAMELESS, nameless)
        return view

    return declare


def init_app(app: Flask) -> None:
    """Put the gate before all else, also before the check of a form's token: who is not signed in is told so."""
    allows(None, nameless=True)(app.view_functions["static"])
    app.before_request(_guard)
    app.jinja_env.globals.update(person=lambda: g.get("person"), by_proxy=user_management.is_by_proxy)


def may(role: Role) -> bool:
    """Whether who asks has this role: signed in on the pages, or named with --as on the command line."""
    return _is_operator() or g.person.may(role)


def require(role: Role) -> None:
    """Raises PermissionDeniedError unless who asks has this role: for what only some may, and in commands."""
    if not may(role):
        raise PermissionDeniedError(
            f"This needs the role {role.value}; yours is {g.person.role.value}. Ask an administrator."
        )


def own(owner: str) -> None:
    """Raises PermissionDeniedError unless who asks may change what this owner began."""
    if not (_is_operator() or g.person.owns(owner)):
        raise PermissionDeniedError(f"This job is {owner}'s: only they or an administrator may change it.")


def _is_operator() -> bool:
    """Whether a command is carried out for no account: whoever can give one here owns the machine, and may do all."""
    return not has_request_context() and g.get("person") is None


def _guard() -> Any:
    g.person = None
    g.nameless = getattr(current_app.view_functions.get(request.endpoint or ""), NAMELESS, False)
    if g.nameless:
        return None
    g.person = current_user._get_current_object() if current_user.is_authenticated else None
    if request.endpoint is None:  # there is nothing at this address, or not for this method
        return None
    view = current_app.view_functions[request.endpoint]
    if not hasattr(view, NEEDS):
        log.error("%s declares no role that it needs: it is closed.", request.endpoint)
        abort(403)
    needed = getattr(view, NEEDS)
    if needed is None:
        return None
    if g.person is None:
        return _ask_to_sign_in()
    if g.person.must_set_up and not getattr(view, BEFORE_SET_UP):
        return _lead_to(url_for("second_factor.page"))
    return require(needed)


def _ask_to_sign_in() -> Any:
    if user_management.is_by_proxy():
        refusal = g.get("refusal", "The server in front of this app did not say who you are. Sign in there first.")
        raise PermissionDeniedError(refusal)
    return _lead_to(url_for("accounts.sign_in", next=_came_from()))


def _lead_to(where: str) -> Any:
    if "HX-Request" in request.headers:  # htmx goes there with the whole page
        return Response(status=401, headers={"HX-Redirect": where})
    return redirect(where, 303)


def _came_from() -> str | None:
    """The page to return to: the one asked for, or the one that a form or a fragment is part of."""
    if "HX-Request" in request.headers:
        page = request.headers.get("HX-Current-URL", "")
    elif request.method == "GET":
        page = request.script_root + request.full_path.removesuffix("?")
    else:
        page = request.referrer or ""
    parts = urlsplit(page)
    return authentication.safe_path(parts.path + ("?" + parts.query if parts.query else ""))
