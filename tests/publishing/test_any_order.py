"""Random edits at the source and in Omeka S, and any order of publishing and undo: no edit of a person is lost."""

from __future__ import annotations

import itertools
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.extensions import db
from connector.jobs import creation
from connector.models.catalogue import CatalogueItem, Holding
from connector.models.jobs import Job
from connector.publishing import publish_jobs
from connector.tasks import carry_out
from tests.conftest import app_at, let_go
from tests.omeka_server import Omeka
from tests.thoroughness import share

from .conftest import added
from .steps import identifiers, job_of, source

PROPERTIES = {"dcterms:title": 1, "dcterms:subject": 3}
ITEMS = 2  # that are edited
PLACES = st.tuples(st.integers(0, ITEMS - 1), st.sampled_from(sorted(PROPERTIES)))
STEPS = st.lists(
    st.just(("publish",))
    | st.tuples(st.just("undo"), st.integers(0, 9))
    | st.tuples(st.sampled_from(["source", "edit"]), PLACES),
    max_size=8,
)


class Run:
    """A catalogue and a site, on which steps are carried out."""

    def __init__(self, omeka: Omeka):
        self.omeka, self.destination = omeka, added(omeka)
        self.texts = (f"text {number}" for number in itertools.count(1))
        held = db.select(Holding.item_id).where(Holding.source_id == source("Odd metadata"))
        self.items = list(db.session.scalars(held.order_by(Holding.item_id).limit(ITEMS)))
        self.edits: dict[tuple[int, str], str] = {}

    def publish(self) -> None:
        assert carry_out(publish_jobs.create(source("Odd metadata"), self.destination))

    def undo(self, which: int) -> None:
        jobs = [job for job in db.session.scalars(db.select(Job).where(Job.kind == "publish")) if job.can_undo]
        if jobs:
            self.undo_job(jobs[which % len(jobs)].id)

    def undo_job(self, job_id: int) -> None:
        assert carry_out(creation.create_undo(job_id))

    def source(self, place: tuple[int, str]) -> None:
        item = db.session.get_one(CatalogueItem, self.items[place[0]])
        item.mapped_values = item.mapped_values | {place[1]: [{"value": next(self.texts), "language": None}]}
        db.session.commit()

    def edit(self, place: tuple[int, str]) -> None:
        found = sorted(raw["o:id"] for raw in self.omeka.all_of("items"))[: ITEMS + 1]
        if place[0] < len(found):
            number, text = found[place[0]], next(self.texts)
            value = {"type": "literal", "property_id": PROPERTIES[place[1]], "@value": text, "is_public": True}
            self.omeka.edit(number, **{place[1].replace(":", "__"): [value | {"property_label": "A"}]})
            self.edits[number, place[1]] = text

    def check(self) -> None:
        """No edit is lost, and no item exists twice."""
        for (number, name), text in self.edits.items():
            assert [value["@value"] for value in self.omeka.resources[number][name]] == [text]
        assert len(set(identifiers(self.omeka))) == len(identifiers(self.omeka))


@pytest.fixture
def fresh(stock, tmp_path):
    """Return a function that gives an app with a new copy of the catalogue."""
    numbers = itertools.count()

    def copy():
        folder = tmp_path / str(next(numbers))
        shutil.copytree(stock, folder)
        return app_at(folder)

    return copy


@settings(max_examples=share(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_edit_is_lost_no_item_exists_twice_and_undo_of_everything_leaves_only_edited_items(fresh, steps):
    app = fresh()
    with Omeka() as omeka, app.app_context():
        run = Run(omeka)
        for name, *arguments in [("publish",), *steps]:
            getattr(run, name)(*arguments)
            run.check()
        for job_id in db.session.scalars(db.select(Job.id).where(Job.kind == "publish").order_by(Job.id)).all():
            if job_of(job_id).can_undo:
                run.undo_job(job_id)
                run.check()
        assert {raw["o:id"] for raw in omeka.all_of("items")} == {number for number, _ in run.edits}
        if not run.edits:
            assert omeka.resources == {}
    let_go(app)
