"""The viewer of pictures, sound and video, and the IIIF manifest of an item."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from IIIFpres.utilities import read_API3_json_dict

from connector.catalogue import thumbnails
from connector.extensions import db
from connector.models.catalogue import CatalogueFile, CatalogueItem
from tests import signed_in
from tests.pages import links

PHOTOGRAPH = "Herring boats leaving at dawn"


@pytest.fixture
def picture(stocked_app) -> CatalogueFile:
    """A stored picture."""
    query = db.select(CatalogueFile).join(CatalogueItem).where(CatalogueItem.title == PHOTOGRAPH)
    with stocked_app.app_context():
        return db.session.scalars(query.where(CatalogueFile.is_stored, CatalogueFile.media_type == "image/png")).one()


@pytest.fixture
def change(stocked_app, picture) -> Callable[..., None]:
    """Changes the columns of that picture."""

    def change(**values: object) -> None:
        with stocked_app.app_context():
            db.session.execute(db.update(CatalogueFile).where(CatalogueFile.id == picture.id).values(values))
            db.session.commit()

    return change


def test_the_page_of_an_item_opens_pictures_in_the_viewer_which_links_back(stocked_client, picture):
    address = f"/viewer/{picture.id}"
    viewer = stocked_client.get(address)

    assert address in links(stocked_client.get(f"/items/{picture.item_id}/"))
    assert viewer.status_code == 200
    assert f"/items/{picture.item_id}/" in links(viewer)
    assert f'data-src="/files/{picture.id}/' in viewer.text
    assert f'<img src="/files/{picture.id}/' in viewer.text  # without script


@pytest.mark.parametrize(("media_type", "tag"), [("audio/mpeg", "audio"), ("video/mp4; codecs=avc1", "video")])
def test_sound_and_video_play_from_where_the_listener_moves(stocked_client, picture, change, media_type, tag):
    change(media_type=media_type)
    part = stocked_client.get(f"/files/{picture.id}/x", headers={"Range": "bytes=10-19"}, buffered=True)

    assert f'<{tag} class="viewer" controls' in stocked_client.get(f"/viewer/{picture.id}").text
    assert (part.status_code, len(part.data)) == (206, 10)
    assert part.headers["Content-Range"] == f"bytes 10-19/{picture.size}"


def test_the_viewer_leads_through_all_such_files_of_an_item(stocked_app, stocked_client, picture):
    values = {name: getattr(picture, name) for name in ("item_id", "bundle", "media_type", "size", "sha256", "status")}
    with stocked_app.app_context():
        for number in (1, 2):
            named = {"position": 50 + number, "bitstream_id": f"b{number}", "name": f"page {number}"}
            db.session.add(CatalogueFile(**values, **named))
        db.session.commit()
    viewed, page = [f"/viewer/{picture.id}"], stocked_client.get(f"/viewer/{picture.id}")

    while following := [link for link in links(page) if link.startswith("/viewer/") and link not in viewed]:
        viewed.append(following[0])
        page = stocked_client.get(following[0])

    assert len(viewed) == 3
    assert "File 3 of 3" in page.text


@pytest.mark.parametrize("media_type", ["application/pdf", "text/plain", "image/svg+xml", "text/html", None])
def test_other_files_have_no_viewer(stocked_client, picture, change, media_type):
    change(media_type=media_type)

    assert stocked_client.get(f"/viewer/{picture.id}").status_code == 404


def test_a_file_without_content_has_no_viewer_and_no_thumbnail(stocked_client, picture, change):
    change(sha256=None)

    assert stocked_client.get(f"/viewer/{picture.id}").status_code == 404
    assert stocked_client.get(f"/thumbnails/{picture.id}").status_code == 404


def test_the_manifest_shows_each_picture_with_its_size_once_that_is_known(stocked_app, stocked_client, picture):
    address = f"/items/{picture.item_id}/manifest"
    early = stocked_client.get(address).status_code
    with stocked_app.app_context():
        thumbnails.make_due()
    answer = stocked_client.get(address)
    valid = json.loads(read_API3_json_dict(answer.json).json_dumps())  # ValueError if something is missing

    assert early == 404
    assert address in links(stocked_client.get(f"/items/{picture.item_id}/"))
    assert answer.content_type.startswith("application/ld+json")
    assert valid == answer.json
    assert valid["label"] == {"none": [PHOTOGRAPH]}
    labels = [label for entry in valid["metadata"] for label in entry["label"]["en"]]
    assert labels[:3] == ["Title", "Alternative Title", "Creator"]
    assert labels.index("Date Issued") < labels.index("Date")
    [canvas] = [one for one in valid["items"] if one["label"] == {"none": [picture.name]}]
    assert (canvas["width"], canvas["height"]) > (0, 0)
    body = canvas["items"][0]["items"][0]["body"]
    assert stocked_client.get(body["id"], buffered=True).mimetype == body["format"] == "image/png"


def test_viewers_get_no_restricted_picture_in_the_viewer_or_a_manifest(stocked_app, picture, change):
    with stocked_app.app_context():
        thumbnails.make_due()
    change(content_is_restricted=True)
    viewer, editor = signed_in.viewer(stocked_app), stocked_app.test_client()

    assert f"/files/{picture.id}/" in editor.get(f"/items/{picture.item_id}/manifest").text
    assert f"/files/{picture.id}/" not in viewer.get(f"/items/{picture.item_id}/manifest").text
    assert viewer.get(f"/viewer/{picture.id}").status_code == 403
