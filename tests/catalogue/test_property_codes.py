"""The codes of what items have are those of their values and files, and viewers find nothing by restricted ones."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from connector.catalogue import marks, search
from connector.catalogue.crosswalk import BIBO, DCTERMS
from connector.catalogue.file_rows import files_of
from connector.catalogue.property_codes import CODED, codes_of
from connector.catalogue.property_search import Criterion, Join, Operator
from connector.catalogue.repository_context import RepositoryContext
from connector.catalogue.restricted_values import Shown
from connector.catalogue.search import Selection
from connector.extensions import db, transaction
from connector.models.catalogue import ITEM
from connector.models.repositories import Repository
from connector.remapping import remap_jobs
from connector.repositories import service
from connector.tasks import carry_out

OPEN, CLOSED = {"value": "A"}, {"value": "B", "restricted": True}


def file(bundle="ORIGINAL", *, is_restricted=False):
    return {"bundle": bundle, "name_is_restricted": is_restricted}


def stored():
    return dict(db.session.execute(select(ITEM.c.id, ITEM.c.property_codes)).all())


def expected():
    """Return the codes that each item should have, from its values and its files."""
    rows = db.session.execute(select(ITEM.c.id, ITEM.c.mapped_values)).all()
    files = files_of([row.id for row in rows])
    return {row.id: codes_of(row.mapped_values, files.get(row.id, [])) for row in rows}


def context():
    repository = db.session.scalars(select(Repository)).one()
    return RepositoryContext(repository.id, repository.server)


def found(join, term, *, with_restricted):
    selection = Selection(criteria=(Criterion(join, term, Operator.ANY),), with_restricted=with_restricted)
    return sorted(db.session.scalars(selection.ids()))


@pytest.mark.parametrize(
    ("mapped", "files", "codes"),
    [
        ({}, [], ""),
        ({"dcterms:title": [OPEN], "bibo:doi": [OPEN]}, [file()], " 00 5b fe"),
        ({"dcterms:title": [CLOSED, OPEN], "bibo:doi": [CLOSED, CLOSED]}, [], " 00-5b"),
        ({"local.a": [CLOSED], "local.b": [OPEN]}, [], " ff"),
        ({"local.a": [CLOSED]}, [file("TEXT"), file(is_restricted=True)], "-fe-ff"),
        ({}, [file(is_restricted=True), file()], " fe"),
    ],
)
def test_an_item_has_a_code_for_each_property_and_for_original_files(mapped, files, codes):
    assert codes_of(mapped, files) == codes


def test_the_codes_of_terms_stay_the_same():
    assert {term: CODED.index(term) for term in ("dcterms:title", "dcterms:accrualPolicy", "bibo:affirmedBy")} == {
        "dcterms:title": 0,
        "dcterms:accrualPolicy": 54,
        "bibo:affirmedBy": 55,
    }
    assert (CODED.index("bibo:doi"), CODED.index("bibo:volume"), len(CODED)) == (91, 121, len(DCTERMS) + len(BIBO))


def test_codes_follow_imports_marks_and_remaps(stocked_app):
    with stocked_app.app_context():
        imported = stored(), expected()
        with transaction():
            marks.mark(context(), {1: Shown((), ())})
        marked = stored(), expected()
        service.ignore_fields(1, ["dc.title"])
        assert carry_out(remap_jobs.create(1))
        remapped = stored(), expected()

        assert [codes for codes, _ in (imported, marked, remapped)] == [
            codes for _, codes in (imported, marked, remapped)
        ]
        assert " 00" in imported[0][1]
        assert "-00" in marked[0][1]
        assert "-00" not in remapped[0][1]


@pytest.mark.parametrize("short", [0, 1000])
def test_a_property_with_only_restricted_values_is_found_by_readers_of_restricted_values_alone(
    stocked_app, monkeypatch, short
):
    monkeypatch.setattr(search, "SHORT", short)
    with stocked_app.app_context():
        before = found(Join.AND, "dcterms:title", with_restricted=False)
        with transaction():
            marks.mark(context(), {1: Shown((), ())})
        [having, lacking] = (
            {each: found(join, "dcterms:title", with_restricted=each) for each in (True, False)}
            for join in (Join.AND, Join.NOT)
        )

        assert 1 in before
        assert having == {True: before, False: [item_id for item_id in before if item_id != 1]}
        assert 1 in lacking[False]
        assert 1 not in lacking[True]


def test_items_without_files_are_those_that_list_no_original_file_to_the_reader(stocked_app):
    with stocked_app.app_context():
        with transaction():
            marks.mark(context(), {1: Shown((), ())})
        files = files_of(list(stored()))
        shown = {True: set(), False: set()}
        for item_id, its_files in files.items():
            for each in (True, False):
                if any(f["bundle"] == "ORIGINAL" and (each or not f["name_is_restricted"]) for f in its_files):
                    shown[each].add(item_id)
        without = {
            each: set(db.session.scalars(Selection(has_files=False, with_restricted=each).ids())) for each in shown
        }

        assert {each: set(stored()) - shown[each] for each in shown} == without
        assert shown[True] - shown[False] == {1}
