"""All files of an item as a ZIP file, which is written while the browser receives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import Blueprint, Response

from ...accounts.authorization import allows
from ...catalogue.item_presentation import file_name
from ...errors import NotFoundError
from ...exports.named_files import unique_names
from ...exports.zip_archive import Archive
from ...extensions import db
from ...i18n import gettext as _
from ...models.accounts import Role
from ...storage.garbage_collection import the_folder
from .. import page_responses
from .readable import readable_files, readable_item

blueprint = Blueprint("item_archive", __name__)
blueprint.app_template_global()(readable_files)


@blueprint.get("/items/<int:item_id>/files.zip")
@allows(Role.VIEWER)
def download(item_id: int) -> Response:
    """Download the stored files of an item that the current user may open.

    Raise NotFoundError if there are none, or if one of them is missing in the files folder.
    """
    files = readable_files(readable_item(item_id))
    if not files:
        raise NotFoundError(_("This item has no stored files."))
    for file in files:
        if not the_folder().path(file.sha256 or "").is_file():
            sentence = _("%(file)s is missing in the files folder. An import with files downloads it again.")
            raise NotFoundError(sentence % {"file": file.label})
    names = unique_names(map(file_name, files))
    named = [(name, file.sha256 or "") for name, file in zip(names, files, strict=True)]
    db.session.rollback()  # the download may take long
    return page_responses.download(_pieces(named), f"item-{item_id}.zip", "application/zip")


def _pieces(named: Sequence[tuple[str, str]]) -> Iterator[bytes]:
    archive = Archive()
    for name, sha256 in named:
        yield from archive.file(name, sha256)
    yield from archive.end()
