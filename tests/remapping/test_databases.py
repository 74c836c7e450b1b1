"""Counts of fields, remapping and undo with the JSON functions of each database."""

from __future__ import annotations

import shutil

import pytest

from connector.catalogue import crosswalk_rules, field_counts, store
from connector.catalogue.repository_context import context_of
from connector.dspace.records import Item, MetadataValue
from connector.extensions import db, transaction
from connector.imports.import_options import ImportOptions
from connector.imports.undo_effects import undo_effects
from connector.jobs import creation, lifecycle
from connector.models.catalogue import CatalogueItem, Holding
from connector.models.jobs import Kind, State
from connector.models.repositories import Repository, Source
from connector.remapping import remap_jobs
from connector.storage.instance import prepare
from connector.tasks import carry_out
from tests.conftest import app_at
from tests.tools import needs

VALUES = (("dc.title", "One"), ("dc.subject", "a"), ("dc.subject", "b")), (("dc.title", "Two"),), ()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs("postgresql"))])
def repository(request, template, tmp_path):
    """A repository with three items of a source."""
    if request.param == "sqlite":
        shutil.copytree(template, tmp_path / "instance")
        app = app_at(tmp_path / "instance")
    else:
        app = app_at(tmp_path / "instance", CONNECTOR_DATABASE_URL=request.getfixturevalue("postgresql"))
        prepare(app)
    with app.app_context():
        with transaction():
            stored = Repository(address_key="r", site_url="http://r", api_url="http://r", endpoint="", generation=6)
            stored.version = "6.3"
            stored.sources.append(Source(kind="repository", scope_key="", scope_id="", name="All"))
            db.session.add(stored)
            db.session.flush()
            items = [
                Item(f"u{number}", f"1/{number}", "", None, tuple(MetadataValue(*one) for one in values), ())
                for number, values in enumerate(VALUES)
            ]
            source = stored.sources[0]
            job_id = creation.add(source, Kind.IMPORT, ImportOptions(), state=State.COMPLETED.value)
            for saved in store.save(context_of(stored), items):
                jobs = {"created_by_job_id": job_id, "last_seen_job_id": job_id}
                db.session.add(Holding(source_id=source.id, item_id=saved.item_id, **jobs))
        yield stored
        db.session.remove()
        db.engine.dispose()


def test_fields_are_counted_with_their_items_and_values(repository):
    assert field_counts.count() == {str(repository.id): [["dc.subject", 1, 2, 1, 1], ["dc.title", 2, 2, 1, 2]]}


def test_a_remapping_and_its_undo_change_the_items_that_have_the_field(repository):
    with transaction():
        crosswalk_rules.replace(repository, {"dc.subject": "dcterms:type"}, ())
    job_id = remap_jobs.create(repository.id)
    assert carry_out(job_id)
    db.session.expire_all()
    assert dict(lifecycle.get(job_id).counts) == {"updated": 1, "unchanged": 2}
    assert "dcterms:type" in db.session.get_one(CatalogueItem, 1).mapped_values

    predicted = undo_effects(job_id)
    undo_id = creation.create_undo(job_id)
    assert carry_out(undo_id)

    db.session.expire_all()
    assert predicted["restored"] == lifecycle.get(undo_id).counts["restored"] == 1
    assert set(db.session.get_one(CatalogueItem, 1).mapped_values) == {"dcterms:title", "dcterms:subject"}
    assert set(db.session.scalars(db.select(CatalogueItem.crosswalk_id))) == {0}
