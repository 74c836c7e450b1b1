"""What the current user may open of the catalogue."""

from __future__ import annotations

from ...accounts.authorization import sees_restricted
from ...errors import NotFoundError, PermissionDeniedError
from ...extensions import db
from ...i18n import gettext as _
from ...models.catalogue import CatalogueItem


def readable_item(item_id: int) -> CatalogueItem:
    """Return an item. Raise NotFoundError, or PermissionDeniedError if the current user may not see it."""
    found = db.session.get(CatalogueItem, item_id)
    if found is None:
        raise NotFoundError(_("There is no item %(item_id)s. It may have been removed by an undo.", item_id=item_id))
    check_restricted(found.is_restricted)
    return found


def check_restricted(is_restricted: bool) -> None:
    """Raise PermissionDeniedError if the object is restricted and the current user may not see it."""
    if is_restricted and not sees_restricted():
        raise PermissionDeniedError(_("This is restricted at source. Only editors and administrators can open it."))
