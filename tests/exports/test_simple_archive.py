"""Exports in the Simple Archive Format, read back by a reader written from DSpace's documentation."""

import re
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from connector.exports.simple_archive import TOP
from connector.extensions import db, transaction
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueFile, CatalogueItem, ItemSet, Membership
from connector.storage.garbage_collection import the_folder

from .simple_archive_reader import ArchivedItem, read
from .steps import export, exported, problems

NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@pytest.fixture
def context(stocked_app):
    with stocked_app.app_context():
        yield


def archived(folder: Path, *item_ids: int, **choice) -> dict[int, ArchivedItem]:
    """Export items, unpack the archive, and return its items by id."""
    with zipfile.ZipFile(exported("saf", *item_ids, **choice)) as archive:
        assert archive.testzip() is None
        assert {name.split("/")[0] for name in archive.namelist()} == {TOP}
        archive.extractall(folder)
    return {int(name.removeprefix("item_")): item for name, item in read(folder / TOP).items()}


def picture() -> CatalogueFile:
    """Return a stored file with a plain name."""
    stored = select(CatalogueFile).where(CatalogueFile.sha256.is_not(None), CatalogueFile.media_type == "image/png")
    return db.session.scalars(stored.order_by(CatalogueFile.id).limit(1)).one()


def by_schema(item: CatalogueItem) -> list[tuple[str, str, str | None]]:
    """Return the values as the format orders them: Dublin Core first, then the other schemas by name."""
    values = [
        (entry["field"], NOT_IN_XML.sub("\ufffd", entry["value"]), entry["language"] or None)
        for entry in item.source_metadata
        if entry["value"]
    ]
    return sorted(values, key=lambda value: (value[0].split(".")[0] != "dc", value[0].split(".")[0]))


def test_every_value_of_every_item_comes_back(context, tmp_path):
    items = archived(tmp_path)

    held = db.session.scalars(select(CatalogueItem)).all()
    assert len(held) == len(items)
    for item in held:
        assert items[item.id].values == by_schema(item)
        assert items[item.id].handle == item.handle


def test_every_stored_file_comes_back_in_its_bundle_with_its_description(context, tmp_path):
    items = archived(tmp_path)

    stored = 0
    for item in db.session.scalars(select(CatalogueItem)):
        files = [file for file in item.files if file.sha256]
        found = items[item.id].bitstreams
        assert [(one.bundle, one.description) for one in found] == [
            (one.bundle, one.description or "") for one in files
        ]
        for bitstream, file in zip(found, files, strict=True):
            assert bitstream.content == the_folder().path(file.sha256).read_bytes()
        stored += len(files)
    assert stored > 10


def test_the_collections_of_an_item_are_named_by_their_handles(context, tmp_path):
    items = archived(tmp_path)

    for item_id, origin in db.session.execute(select(Membership.item_id, ItemSet.origin).join(ItemSet)):
        assert origin.split(":")[1] in items[item_id].collections


def test_the_files_that_are_not_stored_are_named_in_one_sentence(context):
    with transaction():
        item = picture().item
        missing = [file for file in item.files if file.bundle in ("ORIGINAL", "LICENSE")]
        for file in missing:
            file.sha256, file.status = None, "missing"
        item_id, named = item.id, ", ".join(f"{file.label} (missing)" for file in missing)

    assert len(missing) > 1
    assert problems(export("saf", item_id))[item_id] == f"Not in the export: {named}."


def test_files_of_bundles_that_no_import_wanted_are_counted_and_no_problem(context):
    with transaction():
        item = picture().item
        thumbnails = sum(file.bundle == "THUMBNAIL" for file in item.files)
        item_id = item.id

    job = lifecycle.get(export("saf", item_id))

    assert (job.clean, problems(job.id)) == (True, {})
    assert job.message == (
        f"{thumbnails + 1} files were not imported and are not in the export, "
        f"by bundle: LICENSE (1), THUMBNAIL ({thumbnails})."
    )


def test_a_damaged_file_is_named_and_left_out(context, tmp_path):
    file = picture()
    item_id, name, number = file.item_id, file.label, sum(one.sha256 is not None for one in file.item.files)
    the_folder().path(file.sha256).write_bytes(b"other bytes")

    items = archived(tmp_path, item_id)

    assert len(items[item_id].bitstreams) == number - 1
    assert name in problems(export("saf", item_id))[item_id]


def test_files_of_the_same_name_get_different_names_which_are_told(context, tmp_path):
    with transaction():
        item = picture().item
        first = next(file for file in item.files if file.sha256)
        values = {column.name: getattr(first, column.name) for column in CatalogueFile.__table__.columns}
        del values["id"]
        first.name = "Contents"
        for position, name in enumerate(["a.txt", "A.txt"], 100):
            db.session.add(CatalogueFile(**values | {"position": position, "name": name}))
        item_id, others = item.id, {file.label for file in item.files if file.sha256} - {"Contents"}

    names = [one.name for one in archived(tmp_path, item_id)[item_id].bitstreams]

    assert set(names) == {"Contents-2", "a.txt", "A-2.txt", *others}
    told = problems(export("saf", item_id))[item_id]
    assert "Contents is named Contents-2" in told and "A.txt is named A-2.txt" in told


def test_a_field_that_the_format_cannot_hold_is_named(context, tmp_path):
    with transaction():
        item = db.session.scalar(select(CatalogueItem))
        entry = {"value": "lost", "language": None, "authority": None, "confidence": -1}
        item.source_metadata = [*item.source_metadata, entry | {"field": "local.a.b.c"}, entry | {"field": "title"}]
        item_id = item.id

    assert "lost" not in [value for _, value, _ in archived(tmp_path, item_id)[item_id].values]
    told = problems(export("saf", item_id))[item_id]
    assert "local.a.b.c" in told and "the field title" in told


def test_only_administrators_may_read_a_restricted_file_after_an_import(context, tmp_path):
    with transaction():
        file = picture()
        file.content_is_restricted = True
        item_id, name = file.item_id, file.label

    found = {one.name: one.permissions for one in archived(tmp_path / "all", item_id)[item_id].bitstreams}
    open_ones = archived(tmp_path / "open", item_id, with_restricted=False)[item_id].bitstreams

    assert found[name] == "-r 'Administrator'"
    assert name not in [one.name for one in open_ones]


def test_a_file_without_a_name_has_its_number_in_the_export_and_is_no_problem(context):
    with transaction():
        file = picture()
        file.name = None
        item_id = file.item_id

    assert problems(export("saf", item_id)) == {}
