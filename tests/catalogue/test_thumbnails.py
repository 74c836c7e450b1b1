"""Thumbnails of stored files, also of files that are made to do harm."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from flask import Flask
from PIL import Image

from connector.catalogue import thumbnails
from connector.extensions import db
from connector.models.catalogue import CatalogueFile, StoredFile, ThumbnailState
from connector.storage import thumbnail_process
from connector.storage.garbage_collection import delete_unreferenced_files, the_folder, thumbnail_folder
from connector.storage.thumbnail_process import Kind, ThumbnailError, ThumbnailProcess
from tests import signed_in

EDGE = 480  # pixels


@pytest.fixture(scope="module")
def process() -> Iterator[ThumbnailProcess]:
    with ThumbnailProcess() as process:
        yield process


def made(process: ThumbnailProcess, folder: Path, content: bytes, kind: Kind = Kind.PICTURE):
    """Return the size that the process tells of a file, and the thumbnail."""
    source, target = folder / "source", folder / "target"
    source.write_bytes(content)
    size = process.make(source, target, kind)
    with Image.open(target) as picture:
        picture.load()
        assert picture.format == "WEBP"
        return size, picture


def encoded(picture: Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def pdf(pages: int = 1) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(200, 400)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG file of a few hundred bytes whose header promises a very large picture."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(100))), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        *(("RGB", form) for form in ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")),
        *(("CMYK", form) for form in ("JPEG", "TIFF")),
        *((mode, form) for mode in ("1", "L", "P", "RGBA", "I;16") for form in ("PNG", "TIFF")),
    ],
)
def test_pictures_of_all_kinds_get_a_small_copy_and_tell_their_size(process, tmp_path, mode, form):
    size, small = made(process, tmp_path, encoded(Image.new(mode, (1200, 600)), form))

    assert (size, small.size) == ((1200, 600), (EDGE, EDGE // 2))


def test_a_picture_of_sixteen_bits_keeps_its_greys(process, tmp_path):
    _, small = made(process, tmp_path, encoded(Image.new("I;16", (500, 500), 0x8000), "TIFF"))

    assert abs(small.convert("L").getpixel((100, 100)) - 0x80) <= 2


def test_a_picture_taken_sideways_stands_upright(process, tmp_path):
    picture = Image.new("RGB", (1000, 500))
    exif = picture.getexif()
    exif[0x0112] = 6
    size, small = made(process, tmp_path, encoded(picture, "JPEG", exif=exif))

    assert (size, small.size) == ((500, 1000), (EDGE // 2, EDGE))


def test_the_first_page_of_a_pdf_is_shown(process, tmp_path):
    _, small = made(process, tmp_path, pdf(3), Kind.PDF)

    assert small.size == (EDGE // 2, EDGE)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", Kind.PICTURE),
        (b"\x00" * 1000, Kind.PICTURE),
        (encoded(Image.new("RGB", (500, 500)), "PNG")[:90], Kind.PICTURE),
        (png_that_claims(30_000, 30_000), Kind.PICTURE),
        (png_that_claims(2**31 - 1, 2**31 - 1), Kind.PICTURE),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', Kind.PICTURE),
        (b"", Kind.PDF),
        (pdf()[:200], Kind.PDF),
        (b"%PDF-1.7\n" + b"[" * 100_000, Kind.PDF),
    ],
)
def test_broken_files_and_bombs_give_no_thumbnail_and_the_next_file_does(process, tmp_path, content, kind):
    with pytest.raises(ThumbnailError):
        made(process, tmp_path, content, kind)

    assert made(process, tmp_path, encoded(Image.new("RGB", (20, 10)), "PNG"))[0] == (20, 10)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    bomb = encoded(Image.new("1", (17_000, 17_000)), "PNG", compress_level=1)
    limited = thumbnail_process.SCRIPT.read_text().replace("MOST_MEMORY = 2**31", "MOST_MEMORY = 2**28")
    script = tmp_path / "limited.py"
    script.write_text(limited)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thumbnail_process, "SCRIPT", script)
        with ThumbnailProcess() as process, pytest.raises(ThumbnailError, match="pixels are too many"):
            made(process, tmp_path, bomb)


def test_a_jpeg_of_30000_pixels_is_decoded_at_a_smaller_size(process, tmp_path):
    wide = Image.new("L", (30_000, 2_000))

    assert made(process, tmp_path, encoded(wide, "JPEG"))[0] == (30_000, 2_000)


def test_a_file_that_takes_more_memory_than_the_limit_gives_no_thumbnail(tmp_path):
    big = encoded(Image.new("1", (9_900, 9_900)), "TIFF", compression="group4")
    limited = thumbnail_process.SCRIPT.read_text().replace("MOST_MEMORY = 2**31", "MOST_MEMORY = 2**28")
    script = tmp_path / "limited.py"
    script.write_text(limited)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thumbnail_process, "SCRIPT", script)
        with ThumbnailProcess() as process, pytest.raises(ThumbnailError, match=r"MemoryError|the process ended"):
            made(process, tmp_path, big)


def test_a_file_that_takes_too_long_ends_the_process_and_the_next_file_has_a_new_one(tmp_path, monkeypatch):
    slow = thumbnail_process.SCRIPT.read_text()
    slow = slow.replace("MOST_CPU_SECONDS = 20", "MOST_CPU_SECONDS = 1")
    slow = slow.replace('picture = _first_page(source) if kind == "pdf"', 'picture = _endless() if kind == "pdf"')
    script = tmp_path / "slow.py"
    script.write_text(slow.replace("def main(", "def _endless():\n    while True:\n        pass\n\n\ndef main("))
    monkeypatch.setattr(thumbnail_process, "SCRIPT", script)

    with ThumbnailProcess() as process:
        with pytest.raises(ThumbnailError, match="the process ended"):
            made(process, tmp_path, pdf(), Kind.PDF)

        assert made(process, tmp_path, encoded(Image.new("RGB", (20, 10)), "PNG"))[0] == (20, 10)


def test_a_process_that_was_killed_between_two_files_is_replaced(tmp_path):
    with ThumbnailProcess() as process:
        picture = encoded(Image.new("RGB", (20, 10)), "PNG")
        made(process, tmp_path, picture)
        process._process.kill()
        process._process.wait()

        assert made(process, tmp_path, picture)[0] == (20, 10)


def test_the_process_knows_no_setting_of_the_app(tmp_path, monkeypatch):
    monkeypatch.setenv("CONNECTOR_SECRET_KEY", "secret")
    with ThumbnailProcess() as process:
        made(process, tmp_path, encoded(Image.new("RGB", (20, 10)), "PNG"))
        number = process._process.pid

        assert b"CONNECTOR" not in Path(f"/proc/{number}/environ").read_bytes()


def states() -> dict[str, str]:
    return {file.sha256: file.thumbnail for file in db.session.scalars(db.select(StoredFile))}


@pytest.fixture
def with_thumbnails(stocked_app) -> Flask:
    """The stocked catalogue after the periodic duty has run."""
    with stocked_app.app_context():
        thumbnails.make_due()
    return stocked_app


@pytest.fixture
def shown(with_thumbnails) -> CatalogueFile:
    """A file that has a thumbnail."""
    query = db.select(CatalogueFile).join(StoredFile, StoredFile.sha256 == CatalogueFile.sha256)
    with with_thumbnails.app_context():
        return db.session.scalars(query.where(StoredFile.thumbnail == ThumbnailState.MADE)).first()


def test_each_stored_picture_and_pdf_is_tried_once(with_thumbnails, monkeypatch):
    with with_thumbnails.app_context():
        found = states()
        monkeypatch.setattr(ThumbnailProcess, "make", None)
        thumbnails.make_due()

        assert set(found.values()) >= {ThumbnailState.MADE, ThumbnailState.NONE}
        assert ThumbnailState.DUE not in found.values()
        has_thumbnail = {sha256 for sha256, state in found.items() if state == ThumbnailState.MADE}
        assert has_thumbnail == set(thumbnail_folder().all_checksums())
        assert states() == found


def test_a_thumbnail_is_made_later_if_the_disk_of_the_files_is_away(stocked_app):
    with stocked_app.app_context():
        folder = the_folder().folder
        folder.rename(folder.with_name("away"))
        thumbnails.make_due()
        while_away = set(states().values())
        folder.with_name("away").rename(folder)
        thumbnails.make_due()

        assert while_away == {ThumbnailState.DUE, ThumbnailState.NONE}
        assert ThumbnailState.DUE not in states().values()


def test_thumbnails_leave_with_the_files_that_they_show(with_thumbnails):
    with with_thumbnails.app_context():
        before = list(thumbnail_folder().all_checksums())
        db.session.execute(db.delete(CatalogueFile))
        db.session.commit()
        delete_unreferenced_files()

        assert before
        assert list(thumbnail_folder().all_checksums()) == []


def test_a_file_that_left_while_its_thumbnail_was_made_keeps_none(stocked_app, monkeypatch):
    make = ThumbnailProcess.make

    def leave(self, source, target, kind):
        size = make(self, source, target, kind)
        db.session.execute(db.delete(StoredFile))
        db.session.commit()
        return size

    monkeypatch.setattr(ThumbnailProcess, "make", leave)
    with stocked_app.app_context():
        thumbnails.make_due()

        assert list(thumbnail_folder().all_checksums()) == []


def test_pages_show_the_thumbnail_and_browsers_keep_it_for_a_day(with_thumbnails, shown):
    client = with_thumbnails.test_client()
    answer = client.get(f"/thumbnails/{shown.id}", buffered=True)

    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert answer.headers["Cache-Control"] == "private, max-age=86400"
    assert f'src="/thumbnails/{shown.id}"' in client.get(f"/items/{shown.item_id}/").text
    assert f'src="/thumbnails/{shown.id}"' in client.get("/items/?size=100").text


def test_viewers_get_no_thumbnail_of_a_restricted_file(with_thumbnails, shown):
    with with_thumbnails.app_context():
        db.session.get(CatalogueFile, shown.id).content_is_restricted = True
        db.session.commit()
    viewer, admin = signed_in.viewer(with_thumbnails), with_thumbnails.test_client()

    assert viewer.get(f"/thumbnails/{shown.id}").status_code == 403
    assert f"/thumbnails/{shown.id}" not in viewer.get(f"/items/{shown.item_id}/").text
    assert admin.get(f"/thumbnails/{shown.id}", buffered=True).headers["Cache-Control"] == "no-store"


def test_a_request_for_a_thumbnail_that_cannot_be_made_changes_nothing(with_thumbnails):
    with with_thumbnails.app_context():
        before = states()
        query = db.select(CatalogueFile.id).join(StoredFile, StoredFile.sha256 == CatalogueFile.sha256)
        number = db.session.scalars(query.where(StoredFile.thumbnail == ThumbnailState.NONE)).first()

    assert with_thumbnails.test_client().get(f"/thumbnails/{number}").status_code == 404
    with with_thumbnails.app_context():
        assert states() == before


def test_a_lost_thumbnail_is_made_again(with_thumbnails, shown):
    client = with_thumbnails.test_client()
    with with_thumbnails.app_context():
        thumbnail_folder().remove(shown.sha256)

    assert client.get(f"/thumbnails/{shown.id}").status_code == 404
    with with_thumbnails.app_context():
        thumbnails.make_due()
    assert client.get(f"/thumbnails/{shown.id}", buffered=True).status_code == 200
