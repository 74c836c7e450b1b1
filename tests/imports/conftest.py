"""Fixtures that several test modules of imports share."""

from __future__ import annotations

import pytest


@pytest.fixture
def files(importer, dspace):
    """Add four items with a file each, which are downloaded one after another, and give the names of the files."""
    dspace.width = 1
    for number in range(4):
        dspace.add(f"i{number}", files={"a.txt": f"bytes {number}".encode()})
    return [f"i{number}/a.txt" for number in range(4)]


@pytest.fixture
def preview_job(importer, dspace):
    """A preview with a new, a changed and a missing item, and with three unchanged ones."""
    for number in range(5):
        dspace.add(f"i{number}", title=f"Title {number}", files={"a.txt": b"a"})
    importer.run(files=True, item_set="Every week")
    dspace.add("new", title="<b>New</b>", files={"n.txt": b"n"})
    dspace.edit("i1", title="Another title", files={"a.txt": b"a", "b.txt": b"b"})
    del dspace.items["i2"]
    return importer.preview(files=True)
