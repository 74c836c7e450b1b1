"""Exports as BagIt bags, checked by the library of the Library of Congress."""

import json
import zipfile
from pathlib import Path

import bagit
import pytest
from sqlalchemy import select

from connector.catalogue.export import as_jsonl
from connector.catalogue.search import Selection
from connector.exports.bag import TOP
from connector.extensions import db
from connector.models.catalogue import CatalogueFile, CatalogueItem

from .steps import exported


@pytest.fixture
def bag(stocked_app, tmp_path) -> Path:
    """Return the folder of a bag with all items."""
    with stocked_app.app_context():
        with zipfile.ZipFile(exported("bagit")) as archive:
            archive.extractall(tmp_path)
        yield tmp_path / TOP


def test_the_library_finds_the_bag_valid(bag):
    assert bagit.Bag(str(bag)).validate()


def test_the_library_finds_a_changed_file(bag):
    next((bag / "data").glob("*/files/*")).write_bytes(b"other bytes")

    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(bag)).validate()


def test_the_bag_has_the_metadata_and_the_stored_files_of_every_item(bag):
    stored = select(CatalogueFile.sha256).where(CatalogueFile.sha256.is_not(None))
    checksums = {name: one["sha256"] for name, one in bagit.Bag(str(bag)).entries.items()}
    items = [json.loads(path.read_bytes()) for path in (bag / "data").glob("*/item.json")]

    assert sorted(checksums[name] for name in checksums if "/files/" in name) == sorted(db.session.scalars(stored))
    assert sorted(items, key=lambda item: item["id"]) == [json.loads(line) for line in as_jsonl(Selection())]
    assert len(items) == len(db.session.scalars(select(CatalogueItem.id)).all())
