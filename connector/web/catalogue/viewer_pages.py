"""The viewer of pictures, sound and video, thumbnails, and the IIIF manifest of an item."""

from __future__ import annotations

from itertools import chain

from flask import Blueprint, Response, abort, jsonify, render_template, send_file, url_for

from ...accounts.authorization import allows, sees_restricted
from ...catalogue import iiif_manifest, item_presentation, thumbnails
from ...catalogue.iiif_manifest import Picture
from ...errors import NotFoundError
from ...extensions import db
from ...i18n import gettext as _
from ...models.accounts import Role
from ...models.catalogue import CatalogueFile, CatalogueItem, StoredFile
from ...storage.garbage_collection import thumbnail_folder
from .readable import readable_file, readable_files, readable_item

blueprint = Blueprint("viewer", __name__)
blueprint.app_template_global("viewer_of")(item_presentation.viewer_of)


@blueprint.app_template_global()
def file_url(file: CatalogueFile) -> str:
    """Return the address to open a stored file at: in the viewer, or the file itself."""
    if item_presentation.viewer_of(file):
        return url_for("viewer.view", file_id=file.id)
    return url_for("catalogue.file", file_id=file.id, name=item_presentation.file_name(file))


@blueprint.get("/viewer/<int:file_id>")
@allows(Role.VIEWER)
def view(file_id: int) -> str:
    """Show a picture, or play sound or video, with links to the other such files of the item."""
    file = readable_file(file_id)
    viewer = item_presentation.viewer_of(file)
    if viewer is None:
        abort(404)
    others = [other for other in readable_files(file.item) if item_presentation.viewer_of(other)]
    place = others.index(file)
    return render_template(
        "catalogue/viewer.html",
        file=file,
        item=file.item,
        viewer=viewer,
        number=place + 1,
        total=len(others),
        before=others[place - 1] if place else None,
        after=others[place + 1] if place + 1 < len(others) else None,
    )


@blueprint.get("/thumbnails/<int:file_id>")
@allows(Role.VIEWER)
def thumbnail(file_id: int) -> Response:
    """Return the thumbnail of a file. If it was lost, have it made again."""
    file = readable_file(file_id)
    assert file.sha256 is not None
    path = thumbnail_folder().path(file.sha256)
    if not path.is_file():
        thumbnails.make_again(file.sha256)
        abort(404)
    response = send_file(path, mimetype="image/webp", etag=file.sha256)
    is_restricted = file.item.is_restricted or file.is_restricted
    response.headers["Cache-Control"] = "no-store" if is_restricted else "private, max-age=86400"
    return response


@blueprint.get("/items/<int:item_id>/manifest")
@allows(Role.VIEWER)
def manifest(item_id: int) -> Response:
    """Return the IIIF manifest of an item. Raise NotFoundError if it has no pictures."""
    item = readable_item(item_id)
    if not (pictures := pictures_of(item)):
        raise NotFoundError(_("This item has no pictures that a browser can show."))
    texts = item_presentation.texts_of(item, sees_restricted())
    url = url_for("viewer.manifest", item_id=item_id, _external=True)
    page = url_for("catalogue.item", item_id=item_id, _external=True)
    title = texts.title or _("Untitled")
    values = dict(chain(*item_presentation.described(texts.values)))
    response = jsonify(iiif_manifest.manifest(url, title, page, values, pictures))
    response.headers["Content-Type"] = iiif_manifest.MEDIA_TYPE
    return response


def pictures_of(item: CatalogueItem) -> list[Picture]:
    """Return the pictures of an item that the current user may open and browsers can show, once their size is known."""
    files = [file for file in readable_files(item) if item_presentation.media_type(file) in item_presentation.PICTURES]
    query = db.select(StoredFile).where(StoredFile.sha256.in_([file.sha256 for file in files]))
    stored = {row.sha256: row for row in db.session.scalars(query)}
    return [
        Picture(
            file.label,
            url_for("catalogue.file", file_id=file.id, name=item_presentation.file_name(file), _external=True),
            url_for("viewer.thumbnail", file_id=file.id, _external=True),
            item_presentation.media_type(file),
            row.width,
            row.height,
        )
        for file in files
        if (row := stored.get(file.sha256 or "")) and row.width and row.height
    ]
