"""What the current user may open of the catalogue."""

from __future__ import annotations

from ...accounts.authorization import sees_restricted
from ...catalogue.item_presentation import files_of
from ...errors import NotFoundError, PermissionDeniedError
from ...extensions import db
from ...i18n import gettext as _
from ...models.catalogue import CatalogueFile, CatalogueItem


def readable_item(item_id: int) -> CatalogueItem:
    """Return an item. Raise NotFoundError, or PermissionDeniedError if the current user may not see it."""
    found = db.session.get(CatalogueItem, item_id)
    if found is None:
        raise NotFoundError(_("There is no item %(item_id)s. It may have been removed by an undo.", item_id=item_id))
    check_restricted(found.is_restricted)
    return found


def readable_files(item: CatalogueItem) -> list[CatalogueFile]:
    """Return the stored files of an item that the current user may open."""
    files = files_of(item, sees_restricted())
    return [file for file in files if file.is_stored and (sees_restricted() or not file.is_restricted)]


def readable_file(file_id: int) -> CatalogueFile:
    """Return a file with stored content. Raise NotFoundError, or PermissionDeniedError if it is restricted."""
    found = db.session.get(CatalogueFile, file_id)
    if found is None or not found.is_stored:
        raise NotFoundError(_("There is no stored file %(file_id)s.", file_id=file_id))
    check_restricted(found.item.is_restricted or found.is_restricted)
    return found


def check_restricted(is_restricted: bool) -> None:
    """Raise PermissionDeniedError if the object is restricted and the current user may not see it."""
    if is_restricted and not sees_restricted():
        raise PermissionDeniedError(_("This is restricted at source. Only editors and administrators can open it."))
