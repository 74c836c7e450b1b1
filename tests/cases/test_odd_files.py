"""Files whose address or checksum is unusual: object stores, compression, redirects, gzip bombs."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter

import pytest

from connector.storage.content_store import PIECE, Part
from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository, laboratory

TITLE = "A file of its own"


@pytest.fixture
def importer(app):
    with SampleRepository(9, content=laboratory) as sample:
        yield SampleImporter(app, sample)


def add(importer, name: str, content: bytes, mimetype: str, **more):
    home = importer.sample.data.named("Special files")
    item = importer.sample.data.add_item(home, [("dc.title", [TITLE])])
    return importer.sample.data.add_file(item, name, content, mimetype, **more)


def test_a_file_of_an_object_store_is_stored_unverified(importer):
    add(importer, "thesis.pdf", b"%PDF", "application/pdf", checksum="9b2cf535f27731c974343645a3985328-7")

    importer.run(files=True)

    assert importer.file(TITLE, "thesis.pdf")["fate"] == "unverified"


def test_a_compressed_file_sent_with_content_encoding_is_stored_unchanged(importer):
    packed = gzip.compress(b"a,b\n" * 999)
    file = add(importer, "data.csv.gz", packed, "application/octet-stream")
    importer.sample.faults.add(f"{file.uuid}/content", times=None, headers={"Content-Encoding": "gzip"})

    importer.run(files=True)

    kept = importer.file(TITLE, "data.csv.gz")
    assert (kept["fate"], kept["sha256"]) == ("stored", hashlib.sha256(packed).hexdigest())


def test_a_file_compressed_for_transfer_is_decompressed(importer):
    content = b"a,b\n" * 999
    file = add(importer, "data.csv", content, "text/plain")
    packing = {"body": gzip.compress(content), "headers": {"Content-Encoding": "gzip"}}
    importer.sample.faults.add(f"{file.uuid}/content", times=None, **packing)

    importer.run(files=True)

    kept = importer.file(TITLE, "data.csv")
    assert (kept["fate"], kept["sha256"]) == ("stored", hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("body", [gzip.compress(bytes(1_400_000)), bytes(3_000_000)])
def test_little_more_than_the_announced_size_is_written_and_nothing_is_kept(importer, body, monkeypatch):
    written, write = Counter(), Part.write

    def counting(part, piece):
        written[part.path] += len(piece)
        write(part, piece)

    monkeypatch.setattr(Part, "write", counting)
    file = add(importer, "small.txt", b"x" * 600, "text/plain")
    headers = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    importer.sample.faults.add(f"{file.uuid}/content", times=None, body=body, headers=headers)

    importer.run(files=True)

    kept = importer.file(TITLE, "small.txt")
    assert (kept["fate"], kept["path"]) == ("damaged", None)
    assert max(written.values()) <= 2 * PIECE


def test_a_file_at_an_address_that_may_not_be_reached_fails_alone(importer):
    file = add(importer, "moved.txt", b"moved", "text/plain")
    away = {"Location": "http://10.11.12.13:9000/bucket/key"}
    importer.sample.faults.add(f"{file.uuid}/content", times=None, status=302, headers=away)

    job = importer.run(files=True)

    assert (job.state, job.counts["files_failed"], job.counts["files_stored"] > 0) == ("completed", 1, True)
    assert "CONNECTOR_ALLOWED_NETWORKS" in importer.file(TITLE, "moved.txt")["reason"]


@pytest.mark.parametrize("headers", [{"Content-Type": "text/html"}, {"Content-Type": "application/pdf"}])
def test_a_web_page_instead_of_a_file_of_which_nothing_is_announced_is_not_stored(importer, headers):
    file = add(importer, "thesis.pdf", b"%PDF", "application/pdf", checksum=None, has_size=False)
    page = "<!DOCTYPE html><html><title>Library</title><p>Please choose your institution.</html>"
    importer.sample.faults.add(f"{file.uuid}/content", times=None, body=page, headers=headers)

    job = importer.run(files=True)

    kept = importer.file(TITLE, "thesis.pdf")
    assert (job.clean, kept["fate"], kept["path"]) == (False, "failed", None)


def test_a_file_of_which_nothing_is_announced_is_stored_unverified(importer):
    add(importer, "thesis.pdf", b"%PDF", "application/pdf", checksum=None, has_size=False)

    importer.run(files=True)

    assert importer.file(TITLE, "thesis.pdf")["fate"] == "unverified"
