"""What old publishing jobs changed is deleted, so that the history does not grow for ever. Undo says so."""

from __future__ import annotations

import pytest

from connector import tasks
from connector.extensions import db
from connector.models.catalogue import CatalogueItem
from connector.models.publishing import PublishedChange
from connector.publishing import publish_undo_effects, withdrawal_jobs
from connector.publishing.job_kind import MAKE_PRIVATE
from connector.tasks import periodic_tasks
from tests.pages import words

from . import steps
from .steps import Ended, change_title, ended, first_published, held, job_of, undo


@pytest.fixture
def app(stocked_app):
    with stocked_app.app_context():
        yield stocked_app


def changed(destination: int, omeka, title: str) -> Ended:
    """Change the title of an item at the source and publish it."""
    change_title(first_published(omeka)[0], title)
    return ended(steps.publish(destination))


def made_private(destination: int) -> Ended:
    """Make all published items private."""
    [job_id] = withdrawal_jobs.create(db.select(CatalogueItem.id), destination, MAKE_PRIVATE)
    assert tasks.carry_out(job_id)
    return ended(job_of(job_id))


@pytest.fixture
def history(library, omeka) -> list[Ended]:
    """Three jobs: the first creates the items, each of the others changes the title of one."""
    return [ended(steps.publish(library)), changed(library, omeka, "Second"), changed(library, omeka, "Third")]


def jobs_with_changes() -> list[int]:
    return sorted(db.session.scalars(db.select(PublishedChange.job_id)))


@pytest.mark.parametrize(("runs", "days", "kept"), [(1, 0, [2]), (2, 0, [1, 2]), (0, 0, [1, 2]), (1, 30, [1, 2])])
def test_changes_are_kept_before_the_last_runs_and_days_whichever_is_longer(app, history, runs, days, kept):
    app.config.update(UNDO_HISTORY_RUNS=runs, UNDO_HISTORY_DAYS=days)

    states = periodic_tasks.prune().states

    assert jobs_with_changes() == [history[number].id for number in kept]
    assert states == 2 - len(kept)


def test_each_source_keeps_the_changes_of_its_own_last_jobs(app, history, library):
    app.config["UNDO_HISTORY_RUNS"] = 2
    for _ in range(3):
        steps.publish(library, "Harbour photographs")

    periodic_tasks.prune()

    assert jobs_with_changes() == [history[1].id, history[2].id]


def test_an_undo_of_an_old_job_that_made_items_private_cannot_make_them_public(app, history, library):
    app.config["UNDO_HISTORY_RUNS"] = 1
    first, second = (made_private(library) for _ in range(2))

    periodic_tasks.prune()

    assert (first.counts["updated"], second.counts["unchanged"]) == (held(), held())
    assert publish_undo_effects.counted(first.id).lasting == held()


def test_an_undo_says_what_it_cannot_restore_and_keeps_it(app, history, omeka, stocked_client):
    app.config["UNDO_HISTORY_RUNS"] = 1
    _, there = first_published(omeka)
    undo(history[2])
    periodic_tasks.prune()

    page = words(stocked_client.get(f"/jobs/{history[1].id}/undo"))
    undone = undo(history[1])

    assert publish_undo_effects.counted(history[1].id).lasting == 1
    assert "The earlier values of 1 item are no longer kept." in page
    assert undone.message.startswith("1 item that the job changed stays as it is in Omeka S")
    assert omeka.resources[there["o:id"]]["dcterms:title"][0]["@value"] == "Second"
    assert undo(history[0]).counts["removed"] == held()
