"""All files of an item as one ZIP file."""

import io
import zipfile

import pytest
from sqlalchemy import func, select

from connector.accounts import passwords
from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueFile
from connector.storage.garbage_collection import the_folder
from tests.accounts.conftest import QUICK, Office
from tests.pages import words


@pytest.fixture
def item_id(stocked_app) -> int:
    """Return the id of the item with most files."""
    with stocked_app.app_context():
        stored = select(CatalogueFile.item_id).where(CatalogueFile.sha256.is_not(None)).group_by(CatalogueFile.item_id)
        return db.session.scalars(stored.order_by(func.count().desc()).limit(1)).one()


def files_of(item_id: int) -> list[CatalogueFile]:
    its = select(CatalogueFile).where(CatalogueFile.item_id == item_id, CatalogueFile.sha256.is_not(None))
    return list(db.session.scalars(its.order_by(CatalogueFile.position)))


def contents(answer) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        return [archive.read(name) for name in archive.namelist()]


def test_the_archive_has_all_stored_files_in_order(stocked_app, stocked_client, item_id):
    page = stocked_client.get(f"/items/{item_id}/").text
    answer = stocked_client.get(f"/items/{item_id}/files.zip")

    with stocked_app.app_context():
        stored = [the_folder().path(file.sha256).read_bytes() for file in files_of(item_id)]
    assert len(stored) > 1
    assert contents(answer) == stored
    assert f'href="/items/{item_id}/files.zip"' in page
    assert answer.headers["Content-Disposition"] == f'attachment; filename="item-{item_id}.zip"'


def test_a_viewer_gets_only_the_files_that_are_not_restricted(stocked_app, monkeypatch, item_id):
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    office = Office(stocked_app)
    office.add("vera")
    with stocked_app.app_context(), transaction():
        first, *others = files_of(item_id)
        first.content_is_restricted = True
        names = len(others)

    assert len(contents(office.enter("vera").get(f"/items/{item_id}/files.zip"))) == names


def test_a_missing_file_is_named_instead_of_left_out(stocked_app, stocked_client, item_id):
    with stocked_app.app_context():
        file = files_of(item_id)[0]
        the_folder().remove(file.sha256)
        name = file.label

    answer = stocked_client.get(f"/items/{item_id}/files.zip")

    assert answer.status_code == 404
    assert f"{name} is missing in the files folder" in words(answer)
