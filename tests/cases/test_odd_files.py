"""Files whose address or checksum is not what a DSpace of its own would give: stores, packing, redirects, bombs."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from tests.imports.guest import Guest
from tests.sample import SampleRepository

TITLE = "A file of its own"


@pytest.fixture
def guest(app):
    with SampleRepository(9) as sample:
        yield Guest(app, sample)


def add(guest, name: str, content: bytes, mimetype: str, **more):
    home = guest.sample.data.named("Special files")
    item = guest.sample.data.add_item(home, [("dc.title", [TITLE])])
    return guest.sample.data.add_file(item, name, content, mimetype, **more)


def test_a_file_of_an_object_store_is_stored_unverified(guest):
    add(guest, "thesis.pdf", b"%PDF", "application/pdf", checksum="9b2cf535f27731c974343645a3985328-7")

    guest.run(files=True)

    assert guest.file(TITLE, "thesis.pdf")["fate"] == "unverified"


def test_a_packed_file_that_is_named_as_packed_on_the_way_is_kept_as_it_is(guest):
    packed = gzip.compress(b"a,b\n" * 999)
    file = add(guest, "data.csv.gz", packed, "application/octet-stream")
    guest.sample.faults.add(f"{file.uuid}/content", times=None, headers={"Content-Encoding": "gzip"})

    guest.run(files=True)

    kept = guest.file(TITLE, "data.csv.gz")
    assert (kept["fate"], kept["sha256"]) == ("stored", hashlib.sha256(packed).hexdigest())


def test_a_file_that_is_packed_on_the_way_is_unpacked(guest):
    content = b"a,b\n" * 999
    file = add(guest, "data.csv", content, "text/plain")
    packing = {"body": gzip.compress(content), "headers": {"Content-Encoding": "gzip"}}
    guest.sample.faults.add(f"{file.uuid}/content", times=None, **packing)

    guest.run(files=True)

    kept = guest.file(TITLE, "data.csv")
    assert (kept["fate"], kept["sha256"]) == ("stored", hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("body", [gzip.compress(bytes(3_000_000)), bytes(3_000_000)])
def test_no_more_than_the_announced_size_is_kept(guest, body):
    file = add(guest, "small.txt", b"x" * 600, "text/plain")
    headers = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    guest.sample.faults.add(f"{file.uuid}/content", times=None, body=body, headers=headers)

    guest.run(files=True)

    kept = guest.file(TITLE, "small.txt")
    assert (kept["fate"], kept["path"]) == ("damaged", None)


def test_a_file_at_an_address_that_may_not_be_reached_fails_alone(guest):
    file = add(guest, "moved.txt", b"moved", "text/plain")
    away = {"Location": "http://10.11.12.13:9000/bucket/key"}
    guest.sample.faults.add(f"{file.uuid}/content", times=None, status=302, headers=away)

    job = guest.run(files=True)

    assert (job.state, job.counts["files_failed"], job.counts["files_stored"] > 0) == ("completed", 1, True)
    assert "CONNECTOR_ALLOWED_NETWORKS" in guest.file(TITLE, "moved.txt")["reason"]


@pytest.mark.parametrize("headers", [{"Content-Type": "text/html"}, {"Content-Type": "application/pdf"}])
def test_a_web_page_instead_of_a_file_of_which_nothing_is_announced_is_not_stored(guest, headers):
    file = add(guest, "thesis.pdf", b"%PDF", "application/pdf", checksum=None, has_size=False)
    page = "<!DOCTYPE html><html><title>Library</title><p>Please choose your institution.</html>"
    guest.sample.faults.add(f"{file.uuid}/content", times=None, body=page, headers=headers)

    job = guest.run(files=True)

    kept = guest.file(TITLE, "thesis.pdf")
    assert (job.clean, kept["fate"], kept["path"]) == (False, "failed", None)


def test_a_file_of_which_nothing_is_announced_is_stored_unverified(guest):
    add(guest, "thesis.pdf", b"%PDF", "application/pdf", checksum=None, has_size=False)

    guest.run(files=True)

    assert guest.file(TITLE, "thesis.pdf")["fate"] == "unverified"
