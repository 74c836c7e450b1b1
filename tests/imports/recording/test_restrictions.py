"""Metadata values that only a login at the source shows are marked, and hidden from viewers everywhere."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from sqlalchemy import select

from connector.catalogue.export import as_csv
from connector.catalogue.search import Selection
from connector.dspace.records import Item
from connector.extensions import db
from connector.models.catalogue import CatalogueItem
from connector.models.repositories import Repository
from connector.repositories.login_guard import LoginGuard
from tests.sample import SampleRepository, laboratory

from ..sample_importer import SampleImporter

SECRET = "Submitted by Ann Archivist (ann@example.org)"
FIELD = "dc.description.provenance"
TITLE = "No file"


@pytest.fixture(params=[5, 6, 9])
def importer(request, app):
    with SampleRepository(request.param, content=laboratory) as sample:
        sample.data.edit(sample.data.named(TITLE), FIELD, [SECRET])
        yield SampleImporter(app, sample)


@pytest.fixture
def dspace9(app):
    with SampleRepository(9, content=laboratory) as sample:
        sample.data.edit(sample.data.named(TITLE), FIELD, [SECRET])
        yield SampleImporter(app, sample)


def values(importer, field: str = FIELD, title: str = TITLE) -> list[tuple[str, bool]]:
    metadata = importer.records()[title]["metadata"]
    return [(one["value"], one.get("restricted", False)) for one in metadata if one["field"] == field]


def found_by(importer, words: str, *, viewer: bool) -> list[str]:
    with importer.app.app_context():
        return list(db.session.scalars(Selection(words=words, with_restricted=not viewer).query(CatalogueItem.title)))


def touch(importer, title: str = TITLE) -> None:
    """Change an item at the source, so that every generation reads it again."""
    importer.sample.data.edit(importer.sample.data.named(title), "dc.subject", ["something new"])


def test_a_value_that_only_a_login_shows_is_marked(importer):
    importer.sign_in()
    job = importer.run()

    assert values(importer) == [(SECRET, True)]
    assert not any(is_restricted for _, is_restricted in values(importer, "dc.title"))
    assert importer.records()[TITLE]["values"]["dcterms:provenance"][0]["restricted"] is True
    assert importer.records()[TITLE]["restricted"] is False
    assert job.clean


def test_viewers_do_not_find_an_item_by_a_restricted_value_and_editors_do(importer):
    importer.sign_in()
    importer.run()

    for words in ("ann@example.org", '"Ann Archivist"'):
        assert found_by(importer, words, viewer=True) == []
        assert found_by(importer, words, viewer=False) == [TITLE]
    assert found_by(importer, f'"{TITLE}" Archivist', viewer=False) == [TITLE]
    assert TITLE in found_by(importer, f'"{TITLE}"', viewer=True)


def test_a_csv_for_viewers_has_neither_the_value_nor_its_column(importer):
    importer.sign_in()
    importer.run()
    with importer.app.app_context():
        open_rows = "".join(as_csv(Selection(with_restricted=False)))
        all_rows = "".join(as_csv(Selection()))

    assert SECRET in all_rows
    assert SECRET not in open_rows
    assert "dcterms:provenance" not in open_rows


def test_an_unchanged_run_with_a_login_keeps_marks_and_updates_nothing(importer):
    importer.sign_in()
    importer.run()

    job = importer.run(full=True)

    assert values(importer) == [(SECRET, True)]
    assert job.counts["updated"] == 0


def test_a_default_hidden_field_that_the_repository_shows_publicly_is_not_marked(dspace9):
    dspace9.sample.data.named(TITLE).hidden_fields = frozenset()
    dspace9.sign_in()

    dspace9.run()

    assert values(dspace9) == [(SECRET, False)]


def test_marks_follow_the_source_and_are_no_update(dspace9):
    item = dspace9.sample.data.named(TITLE)
    dspace9.sign_in()
    dspace9.run()
    item.hidden_fields = frozenset()
    item.cache.clear()
    opened = dspace9.run(full=True)
    opened_values = values(dspace9)
    item.hidden_fields = frozenset({"dc.title"})
    item.cache.clear()
    closed = dspace9.run(full=True)

    assert opened_values == [(SECRET, False)]
    assert values(dspace9, "dc.title") == [(TITLE, True)]
    assert (opened.counts["updated"], closed.counts["updated"]) == (0, 0)


def test_an_import_without_login_removes_restricted_values_and_marks(importer):
    importer.sign_in()
    importer.run()
    importer.sign_out()

    importer.run()

    assert values(importer) == []
    with importer.app.app_context():
        texts = select(CatalogueItem.restricted_search_text).where(CatalogueItem.title == TITLE)
        assert list(db.session.scalars(texts)) == [None]


def test_undo_restores_the_marks(importer):
    importer.sign_in()
    importer.run()
    touch(importer)
    job = importer.run()
    assert job.counts["updated"] == 1

    importer.undo(job.id)

    assert values(importer, "dc.subject") == []
    assert values(importer) == [(SECRET, True)]
    assert found_by(importer, "ann@example.org", viewer=True) == []


def test_undo_restores_no_value_as_open_that_is_restricted_now(dspace9):
    item = dspace9.sample.data.named(TITLE)
    item.hidden_fields = frozenset()
    dspace9.sign_in()
    dspace9.run()
    touch(dspace9)
    changed = dspace9.run()
    item.hidden_fields |= {FIELD}
    item.cache.clear()
    dspace9.run(full=True)

    dspace9.undo(changed.id)

    assert values(dspace9, "dc.subject") == []
    assert values(dspace9) == [(SECRET, True)]


def test_a_restricted_title_is_not_shown_to_viewers(dspace9):
    item = dspace9.sample.data.named(TITLE)
    item.hidden_fields |= {"dc.title"}
    dspace9.sign_in()
    dspace9.run()

    assert TITLE not in found_by(dspace9, f'"{TITLE}"', viewer=True)
    assert TITLE in found_by(dspace9, f'"{TITLE}"', viewer=False)
    with dspace9.app.app_context():
        assert not any(row.startswith(TITLE) or f",{TITLE}," in row for row in as_csv(Selection(with_restricted=False)))


def refuse_searches_for_ids(importer, times: int | None) -> None:
    importer.sample.faults.add(lambda target: "search.resourceid" in unquote(target), times=times, status=403)


def test_values_are_compared_with_the_list_where_searches_for_ids_are_refused(dspace9):
    item = dspace9.sample.data.named(TITLE)
    item.hidden_fields |= {"local.note"}
    dspace9.sample.data.edit(item, "local.note", ["for staff"])
    refuse_searches_for_ids(dspace9, None)
    dspace9.sign_in()

    dspace9.run()

    assert values(dspace9, "local.note") == [("for staff", True)]
    assert values(dspace9) == [(SECRET, True)]


def test_a_single_refused_search_is_repeated_and_not_remembered(dspace9):
    refuse_searches_for_ids(dspace9, 1)
    dspace9.sign_in()

    dspace9.run()

    assert values(dspace9) == [(SECRET, True)]
    with dspace9.app.app_context():
        assert not db.session.get_one(Repository, dspace9.repository_id).unanswered


def test_a_field_that_only_this_repository_hides_is_marked(dspace9):
    item = dspace9.sample.data.named(TITLE)
    item.hidden_fields |= {"local.note"}
    dspace9.sample.data.edit(item, "local.note", ["for staff"])
    dspace9.sign_in()

    dspace9.run()

    assert values(dspace9, "local.note") == [("for staff", True)]


def test_an_updated_item_keeps_its_marks_where_open_values_are_not_known(dspace9, monkeypatch):
    item = dspace9.sample.data.named(TITLE)
    item.hidden_fields |= {"local.note"}
    dspace9.sample.data.edit(item, "local.note", ["for staff"])
    dspace9.sign_in()
    dspace9.run()
    touch(dspace9)
    unknown = lambda self, scope, items: {item.id: Item(item.id, None, None, None) for item in items}  # noqa: E731
    monkeypatch.setattr(LoginGuard, "open_items", unknown)

    assert dspace9.run().counts["updated"] == 1

    assert values(dspace9, "local.note") == [("for staff", True)]
