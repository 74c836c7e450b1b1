"""Access checks before every page and fragment. Views that declare no role are forbidden."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from ..accounts import authentication, user_management
from ..accounts.authorization import BEFORE_SET_UP, NAMELESS, NEEDS, require, sees_restricted
from ..errors import PermissionDeniedError
from ..i18n import gettext as _

log = logging.getLogger(__name__)
API = "/api/"  # below it, access tokens replace sessions, and errors are JSON


def init_app(app: Flask) -> None:
    """Register the access check before the check of form tokens, so that signed-out users are asked to sign in."""
    app.before_request(_guard)
    app.jinja_env.globals.update(
        person=lambda: g.get("person"), by_proxy=user_management.is_by_proxy, sees_restricted=sees_restricted
    )


def is_api() -> bool:
    """Return whether the request is for an address of the API."""
    return request.path.startswith(API)


def _guard() -> Any:
    g.person = None
    is_for_all = getattr(current_app.view_functions.get(request.endpoint or ""), NAMELESS, False)
    g.nameless = is_for_all or is_api()
    if is_for_all:
        return None
    g.person = authentication.owner_of_token() if is_api() else authentication.signed_in()
    if request.endpoint is None:  # no page at this address, or not for this method
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
        return _ask_to_set_up()
    return require(needed)


def _ask_to_set_up() -> Any:
    if is_api():
        raise PermissionDeniedError(_("The owner of this access token must set up two-step sign-in first."))
    return _lead_to(url_for("two_step.page"))


def _ask_to_sign_in() -> Any:
    if is_api():
        raise Unauthorized(www_authenticate=WWWAuthenticate("bearer", {"realm": "DSpace Connector"}))
    if user_management.is_by_proxy():
        refusal = g.get("refusal", _("The server in front of this app did not say who you are. Sign in there first."))
        raise PermissionDeniedError(refusal)
    return _lead_to(url_for("accounts.sign_in", next=_came_from()))


def _lead_to(where: str) -> Any:
    if "HX-Request" in request.headers:  # htmx then loads that page instead of a fragment
        return Response(status=401, headers={"HX-Redirect": where})
    return redirect(where, 303)


def _came_from() -> str | None:
    """Return the page to return to after sign-in: the requested page, or the page of the form or fragment."""
    if "HX-Request" in request.headers:
        page = request.headers.get("HX-Current-URL", "")
    elif request.method == "GET":
        page = request.script_root + request.full_path.removesuffix("?")
    else:
        page = request.referrer or ""
    parts = urlsplit(page)
    return authentication.safe_path(parts.path + ("?" + parts.query if parts.query else ""))
