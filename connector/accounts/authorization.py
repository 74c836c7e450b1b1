"""What the current user may do. Each view declares the role that it needs, and `web.access_guard` checks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import g, has_request_context

from ..errors import PermissionDeniedError
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.accounts import Role

View = TypeVar("View", bound=Callable[..., Any])
NEEDS = "needs"  # attribute of a view with the role it needs
BEFORE_SET_UP, NAMELESS = "before_set_up", "nameless"


def allows(role: Role | None, *, before_set_up: bool = False, nameless: bool = False) -> Callable[[View], View]:
    """Declare that a view needs this role or a higher one. None allows everybody, signed in or not.

    `before_set_up`: also allow users who must turn on two-step sign-in first. `nameless`: the response is the same for
    all users, so the request reads no session and sets no cookie.
    """

    def declare(view: View) -> View:
        setattr(view, NEEDS, role)
        setattr(view, BEFORE_SET_UP, before_set_up)
        setattr(view, NAMELESS, nameless)
        return view

    return declare


REFUSALS = {
    Role.VIEWER: _l("Only people with an account may do this. Ask an administrator."),
    Role.EDITOR: _l("Only editors and admins may do this. Ask an administrator."),
    Role.ADMIN: _l("Only admins may do this. Ask an administrator."),
}


def may(role: Role) -> bool:
    """Return whether the current user has this role. On the command line, `--as` names the user."""
    return _is_operator() or g.person.may(role)


def require(role: Role) -> None:
    """Raise PermissionDeniedError unless the current user has this role."""
    if not may(role):
        raise PermissionDeniedError(REFUSALS[role])


def sees_restricted() -> bool:
    """Return whether the current user may see restricted items, values and file names. Viewers may not."""
    return may(Role.EDITOR)


def require_owner(owner: str, role: Role = Role.EDITOR) -> None:
    """Raise PermissionDeniedError unless the current user may change jobs of this owner that this role starts."""
    if not (_is_operator() or g.person.owns(owner, role)):
        raise PermissionDeniedError(
            _("This job is %(owner)s's: only they or an administrator may change it.", owner=owner)
        )


def _is_operator() -> bool:
    """Return whether a command runs without an account. Its user controls the machine and is allowed everything."""
    return not has_request_context() and g.get("person") is None
