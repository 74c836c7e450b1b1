"""Stored files are served with their name and type, and cannot do harm in a browser."""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote

import pytest
from sqlalchemy import update

from connector.catalogue.item_presentation import file_name, media_type
from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueFile


@pytest.fixture
def fetch(stocked_app, stocked_client):
    """Asks for the stored file of this name."""

    def ask(name, **headers):
        with stocked_app.app_context():
            file_id = db.session.scalar(db.select(CatalogueFile.id).where(CatalogueFile.name == name))
        return stocked_client.get(f"/files/{file_id}/x", headers=headers, buffered=True)

    return ask


def test_a_picture_is_sent_with_its_content_and_type(fetch, stocked_sample):
    answer = fetch("harbour-01.png")

    expected = stocked_sample.data.named("Herring boats leaving at dawn").bundles[0].bitstreams[0].content
    assert hashlib.sha256(answer.data).digest() == hashlib.sha256(expected).digest()
    assert answer.mimetype == "image/png"
    assert answer.headers["Content-Disposition"] == "inline; filename=harbour-01.png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("name", "mimetype"), [("page.html", "text/html"), ("drawing.svg", "image/svg+xml")])
def test_files_that_could_run_in_a_browser_are_sent_as_attachments(fetch, name, mimetype):
    answer = fetch(name)

    assert answer.mimetype == mimetype
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_plain_text_is_utf_8_and_a_pdf_can_be_viewed(fetch):
    assert fetch("open.txt").headers["Content-Type"] == "text/plain; charset=utf-8"
    pdf = fetch("article.pdf")
    assert pdf.headers["Content-Disposition"] == "inline; filename=article.pdf"
    assert "sandbox" not in pdf.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("ünïcode 日本語 عربي.txt", "ünïcode 日本語 عربي.txt"),
        ("slash/inside\\back.txt", "slash_inside_back.txt"),
        ("quotes \"double\" and 'single'.txt", None),
    ],
)
def test_unusual_file_names_are_kept_in_downloads(fetch, name, sent):
    disposition = fetch(name).headers["Content-Disposition"]

    if sent is None:
        assert '\\"double\\"' in disposition
    else:
        assert sent in disposition or quote(sent) in disposition


def test_parts_and_unchanged_files_are_not_sent_whole(fetch):
    whole = fetch("bytes.bin")
    part = fetch("bytes.bin", Range="bytes=256-259")
    same = fetch("bytes.bin", **{"If-None-Match": whole.headers["ETag"]})

    assert (part.status_code, part.data) == (206, b"\x00\x01\x02\x03")
    assert (same.status_code, same.data) == (304, b"")


def test_a_file_that_is_not_stored_is_not_there(fetch, stocked_client):
    assert fetch("embargoed.txt").status_code == 404
    assert stocked_client.get("/files/99999/x").status_code == 404


def test_the_page_of_a_file_with_lost_content_says_so(stocked_app, fetch):
    for path in (stocked_app.config["INSTANCE"] / "files").glob("??/*"):
        path.unlink()

    assert fetch("open.txt").status_code == 404
    assert b"This file is missing in the files folder" in fetch("open.txt").data


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("image/PNG", "image/png"),
        ("text/plain; charset=latin-1", "text/plain"),
        ("text/html\r\nX-Evil: 1", "application/octet-stream"),
        ("", "application/octet-stream"),
        (None, "application/octet-stream"),
    ],
)
def test_a_file_is_sent_with_its_media_type_only_if_that_is_valid(given, served):
    assert media_type(CatalogueFile(media_type=given)) == served


@pytest.mark.parametrize(("given", "sent"), [("..", "file-7"), ("a\nb", "a_b"), (" x. ", "x"), (None, "file 3")])
def test_a_file_always_has_a_name_that_can_be_sent(given, sent):
    assert file_name(CatalogueFile(id=7, name=given, sequence=3, position=0)) == sent


@pytest.mark.parametrize(
    ("given", "ending"),
    [("\u6e2f" * 404 + ".pdf", ".pdf"), ("\U0001f4dc" * 300, "\U0001f4dc"), ("x" * 500 + "." + "y" * 500, "x")],
)
def test_the_name_of_a_download_is_short_and_keeps_its_extension(stocked_app, fetch, given, ending):
    with stocked_app.app_context(), transaction():
        db.session.execute(update(CatalogueFile).where(CatalogueFile.name == "bytes.bin").values(name=given))

    disposition = fetch(given).headers["Content-Disposition"]

    assert len(f"Content-Disposition: {disposition}") < 2048
    assert unquote(disposition).endswith(ending)


def test_a_file_that_was_not_downloaded_links_to_its_original(stocked_app, stocked_client, stocked_sample):
    with stocked_app.app_context(), transaction():
        file = db.session.scalar(db.select(CatalogueFile).where(CatalogueFile.name == "harbour-01.png"))
        item_id, original = file.item_id, f"{stocked_sample.url}/bitstreams/{file.bitstream_id}/download"
        stored = stocked_client.get(f"/items/{item_id}/").get_data(as_text=True)
        file.sha256 = None

    lacking = stocked_client.get(f"/items/{item_id}/").get_data(as_text=True)

    assert (original in stored, original in lacking) == (False, True)
