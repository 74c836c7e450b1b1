"""Finds out whether the whole scope of an import no longer exists at the source."""

from __future__ import annotations

from ...errors import NotFoundError, RestrictedError
from ..context.earlier_imports import holds_items
from ..context.import_context import ImportContext


def is_lost(context: ImportContext, error: NotFoundError | RestrictedError) -> bool:
    """Return whether this error of a listing means that the scope of an earlier import no longer exists.

    A partial import does not judge this.
    """
    if context.options.is_partial or not _may_be_gone(context, error):
        return False
    return holds_items(context) and _is_denied(context)


def _is_denied(context: ImportContext) -> bool:
    """Return whether the repository is available and says that the scope no longer exists."""
    scope = context.scope
    try:
        context.access.read_with_valid_login(lambda: context.client.find(scope.kind, scope.handle or scope.id))
    except (NotFoundError, RestrictedError) as error:
        return _may_be_gone(context, error) and context.repository_answers("page")
    return False


def _may_be_gone(context: ImportContext, error: NotFoundError | RestrictedError) -> bool:
    """Return whether an error may mean that an object is missing. DSpace 4 answers the same for closed objects."""
    return isinstance(error, NotFoundError) or not context.client.tells_unknown
