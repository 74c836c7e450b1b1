"""Every migration, on SQLite and PostgreSQL, with rows in all tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from connector import word_search
from connector.catalogue import facet_values, property_codes
from connector.catalogue.file_rows import files_of
from connector.catalogue.relation_rows import relations_of
from connector.catalogue.search import Selection
from connector.extensions import JSON_VALUE, db
from connector.imports.results import import_kinds
from connector.models.accounts import Account
from connector.models.catalogue import CatalogueFile, CatalogueItem, Holding
from connector.models.changes import ChangeFile
from connector.models.item_facets import ItemFacet
from connector.models.item_relations import ItemRelation
from connector.models.jobs import Job
from connector.models.previews import PreviewRow, SampleItem
from connector.models.publishing import PublishedItem
from connector.models.repositories import Source
from connector.storage.instance import prepare
from connector.storage.schema_revision import MIGRATIONS, known_revisions, revision
from connector.storage.schema_upgrade import upgrade
from connector.word_search import fold
from tests.conftest import app_at
from tests.tools import needs

# Neither reflection on SQLite nor comparison by Alembic understands indexes of expressions: `definitions` does.
BY_EXPRESSION = {"ix_item_gone", "ix_item_last_modified"}
RENAMED = {"0022": {"import_job": "job"}}  # tables, by migration
pytestmark = [
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index"),
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index"),
]
EMAIL = {"field": "person.email", "value": "a@example.org", "language": None}
SAMPLES: dict[tuple[str, str], Any] = {
    ("repository", "api_url"): "https://example.org/server/api",
    ("repository", "login_name"): "reader",
    ("item", "source_metadata"): [EMAIL],
    ("item", "mapped_values"): {"person.email": [{"value": "a@example.org"}]},
    ("item", "search_text"): "a@example.org",
    ("item_facet", "value_id"): 2**60,
    ("change", "before"): {"data": {"source_metadata": [EMAIL], "files": []}, "files": [], "memberships": []},
    ("import_job", "cursor"): {"login": "reader"},
    ("job", "cursor"): {"login": "reader"},
    ("source", "proof"): {"since": "2026-01-01T00:00:00+00:00"},
    ("file", "fate"): "too_large",
    ("file", "status"): "too_large",
    ("file", "size"): 3 * 2**31,
    ("published_item", "wanted"): {"values": [], "is_public": True, "resource_class": None, "template": None},
    ("published_item", "accepted"): {"values": [], "is_public": True, "resource_class": None, "template": None},
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs("postgresql"))])
def app(request, tmp_path) -> Iterator[Flask]:
    """An app whose database has no tables yet."""
    environment = {}
    if request.param == "postgresql":
        environment["CONNECTOR_DATABASE_URL"] = request.getfixturevalue("postgresql")
    app = app_at(tmp_path, **environment)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def revisions() -> list[str]:
    """Return all migrations, the oldest first."""
    script = ScriptDirectory(str(MIGRATIONS))
    return [found.revision for found in reversed(list(script.walk_revisions()))]


def tables() -> list[sa.Table]:
    """Return the tables as they are now, each after those that it refers to."""
    metadata = sa.MetaData()
    metadata.reflect(db.engine)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def sizes(found: list[sa.Table]) -> dict[str, int]:
    """Return the number of rows of each of these tables that has any."""
    with db.engine.connect() as connection:
        counted = {t.name: connection.scalar(sa.select(sa.func.count()).select_from(t)) for t in found}
    return {name: size for name, size in counted.items() if size}


def definitions(connection: sa.Connection) -> dict[str, str]:
    """Return the SQL of the indexes of expressions, as the database has it, by name."""
    sqlite, others = "SELECT name, sql FROM sqlite_master", "SELECT indexname, indexdef FROM pg_indexes"
    found = connection.exec_driver_sql(sqlite if connection.dialect.name == "sqlite" else others)
    return {name: definition for name, definition in found.all() if name in BY_EXPRESSION}


def fill(number: int, found: list[sa.Table] | None = None) -> None:
    """Add a row to each of these tables, by default to all, with a value in each column.

    `number` makes its texts and numbers its own.
    """
    newest: dict[str, Any] = {}
    with db.engine.begin() as connection:
        for table in tables() if found is None else found:
            row = connection.execute(sa.insert(table).values(row_of(table, number, newest)))
            newest[table.name] = row.inserted_primary_key[0]


def row_of(table: sa.Table, number: int, newest: dict[str, Any]) -> dict[str, Any]:
    """Return a row that refers to the newest rows of other tables."""
    values = {}
    for column in table.columns:
        if column.foreign_keys:
            (key,) = column.foreign_keys
            values[column.name] = newest.get(key.column.table.name)
        elif (table.name, column.name) in SAMPLES or not (column.primary_key and isinstance(column.type, sa.Integer)):
            values[column.name] = SAMPLES.get((table.name, column.name), value_of(column, number))
    return values


def value_of(column: sa.Column, number: int) -> Any:
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Integer | sa.Float | sa.Numeric):
        return number
    if isinstance(kind, sa.DateTime):
        return datetime(2026, 1, 2, 3, 4, 5)
    if isinstance(kind, sa.Date):
        return date(2026, 1, 2)
    if isinstance(kind, sa.JSON):
        return []
    return f"{column.name} {number}"


def test_the_names_of_the_files_give_the_migrations_in_order():
    assert known_revisions() == revisions()


def test_every_migration_keeps_the_rows_of_all_tables(app):
    targets = revisions()
    before: dict[str, int] = {}
    for number, target in enumerate(targets, 1):
        upgrade(revision=target)
        found = tables()
        names, after = RENAMED.get(target, {}), sizes(found)
        kept = {names.get(name, name): size for name, size in before.items()}
        assert (target, {name: after.get(name) for name in kept}) == (target, kept)
        fill(number, found)
        before = sizes(found)

    assert set(before) == {table.name for table in found}
    assert revision() == targets[-1]
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        is_compared = lambda found, name, *rest: name not in BY_EXPRESSION  # noqa: E731
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_compared})
        assert compare_metadata(context, db.metadata) == []


def test_the_migrations_make_the_indexes_of_expressions_that_the_models_have(app):
    upgrade()
    indexes = [index for table in db.metadata.tables.values() for index in table.indexes if index.name in BY_EXPRESSION]
    with db.engine.begin() as connection:
        migrated = definitions(connection)
        assert migrated.keys() == BY_EXPRESSION
        for index in indexes:
            index.drop(connection, checkfirst=False)
            index.create(connection)

        assert definitions(connection) == migrated


def test_renamed_columns_keep_their_values(app):
    upgrade(revision="0021")
    fill(1)
    fill(2)
    found = {table.name: table for table in tables()}
    old = ("created", "started", "claimed", "ended", "noticed", "pruned", "heartbeat")
    new = ("created_at", "started_at", "claimed_at", "ended_at", "notified_at", "pruned_at")
    *times, heartbeat = [datetime(2026, 1, day) for day in range(1, 8)]
    with db.engine.begin() as connection:
        for job_id, state in ((1, "completed"), (2, "running")):
            values = dict(zip(old, (*times, heartbeat), strict=True)) | {"state": state, "kind": "rehearsal"}
            connection.execute(sa.update(found["import_job"]).where(found["import_job"].c.id == job_id).values(values))
        values = {"made_by": 1, "seen_by": 2, "left": times[0]}
        connection.execute(sa.update(found["holding"]).values(values))
        connection.execute(sa.update(found["source"]).values(hidden={"7": 2}, proof={"recent": 1}))
        values = {"until": "2027-01-31", "by_login": True, "tried_by": 2, "first_met_by": 1}
        connection.execute(sa.update(found["file"]).values(values))
        connection.execute(sa.update(found["item"]).values(by_login=True))
        connection.execute(sa.update(found["account"]).values(second_factor="sealed"))

    upgrade()

    ended, running = db.session.get_one(Job, 1), db.session.get_one(Job, 2)
    assert [getattr(ended, name) for name in new] == times
    assert (ended.kind, ended.heartbeat_at, ended.notification_attempted_at) == ("preview", None, heartbeat)
    assert (running.heartbeat_at, running.notification_attempted_at) == (heartbeat, None)
    for holding in db.session.scalars(sa.select(Holding)):
        assert (holding.created_by_job_id, holding.last_seen_job_id, holding.left_at) == (1, 2, times[0])
    for source in db.session.scalars(sa.select(Source)):
        assert (source.not_visible, source.completeness_proof) == ({"7": 2}, {"recent": 1})
    for file in db.session.scalars(sa.select(CatalogueFile)):
        assert (file.status, file.embargo_ends_on, file.content_is_restricted) == ("too_large", "2027-01-31", True)
        assert (file.last_tried_job_id, file.status_since_job_id) == (2, 1)
    assert set(db.session.scalars(sa.select(CatalogueItem.is_restricted))) == {True}
    assert set(db.session.scalars(sa.select(Account.two_step_secret))) == {"sealed"}


def test_published_items_are_known_to_be_in_the_item_sets_of_ours(app):
    upgrade(revision="0040")
    fill(7)

    upgrade()

    published = db.session.scalars(sa.select(PublishedItem)).one()
    assert (published.wanted["item_sets"], published.accepted["item_sets"]) == ({"ids": [7]}, {"ids": [7]})


def test_counts_of_jobs_are_kept_by_name(app):
    upgrade(revision="0024")
    fill(1)
    names = {name: name for name in (*import_kinds.IMPORT.counters, *import_kinds.UNDO.counters)} | {
        "not_visible": "hidden"
    }
    columns = {column["name"] for column in sa.inspect(db.engine).get_columns("job")}
    counted = {name: number for number, name in enumerate(sorted(names), 1) if names[name] in columns}
    with db.engine.begin() as connection:
        old = {names[name]: number for name, number in counted.items()}
        connection.execute(sa.table("job", *map(sa.column, old)).update().values(old))

    upgrade()

    job = db.session.scalars(sa.select(Job)).one()
    assert job.counts == counted
    assert job.resource == f"repository:{job.repository_id}"


def test_stored_files_that_an_undo_needs_are_recorded_for_every_change(app):
    upgrade(revision="0027")
    fill(1)
    states: list[Any] = [None, {"state": {"source_state": "present"}}, {"data": {"files": []}}]
    states += [
        {"data": {"files": [{"sha256": name} for name in ("a", None, "a", f"b{number}")]}} for number in range(600)
    ]
    change = next(table for table in tables() if table.name == "change")
    with db.engine.begin() as connection:
        connection.execute(sa.delete(change))
        rows = [
            {"id": number, "job_id": 1, "action": "updated", "source_key": str(number), "reason": "", "before": state}
            for number, state in enumerate(states, 1)
        ]
        connection.execute(sa.insert(change).values({"before": sa.bindparam("before", type_=JSON_VALUE)}), rows)

    upgrade()

    expected = {(number + 4, sha256) for number in range(600) for sha256 in ("a", f"b{number}")}
    assert {(row.change_id, row.sha256) for row in db.session.scalars(sa.select(ChangeFile))} == expected


def test_a_job_of_sample_items_becomes_a_preview_that_keeps_them(app):
    upgrade(revision="0037")
    fill(1)
    found = {table.name: table for table in tables()}
    row = found["preview_row"]
    shown = {"job_id": 1, "action": "shown", "source_key": "1/a", "data": {"item": {"title": "A"}, "files": []}}
    failed = {"job_id": 1, "action": "failed", "source_key": "1/b", "data": {"reason": "Broken"}, "has_problem": True}
    with db.engine.begin() as connection:
        connection.execute(sa.update(found["job"]).values(kind="sample", options={"rehearse": 3}))
        connection.execute(sa.update(found["job_counter"]).values(name="added", value=1))
        connection.execute(sa.delete(row))
        for values in (shown, failed):
            connection.execute(sa.insert(row).values({"title": None, "ticked": False, "has_problem": False} | values))

    upgrade()

    job = db.session.get_one(Job, 1)
    samples = db.session.scalars(sa.select(SampleItem).order_by(SampleItem.id)).all()
    assert (job.kind, job.options, job.counts) == ("preview", {"rehearse": 3, "samples_only": True}, {"samples": 1})
    assert [(one.source_key, one.reason, one.data.get("item")) for one in samples] == [
        ("1/a", None, {"title": "A"}),
        ("1/b", "Broken", None),
    ]
    assert db.session.scalars(sa.select(PreviewRow)).all() == []


def test_items_from_before_the_migration_have_facet_values_and_sort_keys(app):
    upgrade(revision="0050")
    found = {table.name: table for table in tables()}
    values = {"dcterms:issued": ["1884-05-17T00:00", "c1911"], "dcterms:type": [" Image\x00", "x" * 300, ""]}
    mapped = {term: [{"value": text, "language": None} for text in texts] for term, texts in values.items()}
    mapped["dcterms:creator"] = [{"value": "Closed", "restricted": True}]
    files = [("ORIGINAL", "application/pdf", True), ("ORIGINAL", "image/png;q", False), ("TEXT", "text/plain", False)]
    fill(1)
    with db.engine.begin() as connection:
        item = sa.update(found["item"]).values(title="Die  Straße", mapped_values=sa.bindparam("m", type_=JSON_VALUE))
        connection.execute(item, {"m": mapped})
        connection.execute(sa.delete(found["file"]))
        for position, (bundle, media_type, is_restricted) in enumerate(files):
            row = {"item_id": 1, "position": position, "bundle": bundle, "media_type": media_type}
            row |= {"bitstream_id": "b", "status": "stored", "name_is_restricted": is_restricted}
            connection.execute(sa.insert(found["file"]).values(row))

    upgrade()

    stored = db.session.scalars(sa.select(ItemFacet)).all()
    expected = facet_values.values_of(mapped, files_of([1])[1])
    assert {(row.value_id, row.value): row.is_restricted for row in stored} == {
        (facet_values.value_id(*key), key[1]): is_restricted for key, is_restricted in expected.items()
    }
    row = db.session.execute(sa.select(CatalogueItem.title_sort, CatalogueItem.date_sort)).one()
    assert row == ("die strasse", "1884-05-17") == (fold("Die  Straße"), facet_values.sort_date(mapped))


def test_items_from_before_the_migration_have_their_relations(app):
    upgrade(revision="0056")
    target, field = "00000000-0000-4000-8000-00000000000a", "relation.isAuthorOfPublication"
    restricted = {"field": "dc.contributor.author", "value": "A", "authority": target, "restricted": True}
    each: list[list[dict[str, Any]]] = [
        [],
        [{"field": field, "value": target, "authority": "virtual::1"}, {"field": field, "value": None}],
        [{"field": f"{field}.latestForDiscovery", "value": target}, restricted],
        [{"field": "relation.\x00", "value": target, "restricted": True}, {"field": "dc.title", "value": target}],
    ]
    for number, metadata in enumerate(each, 1):
        fill(number)
        item = sa.table("item", sa.column("id"), sa.column("source_metadata", JSON_VALUE))
        with db.engine.begin() as connection:
            connection.execute(sa.update(item).where(item.c.id == number).values(source_metadata=metadata))

    upgrade()

    stored: dict[int, dict[tuple[str, str], bool]] = {}
    for row in db.session.scalars(sa.select(ItemRelation)):
        stored.setdefault(row.item_id, {})[row.field, row.target_id] = row.is_restricted
    expected = {number: found for number, metadata in enumerate(each, 1) if (found := relations_of(metadata))}
    assert stored == expected
    assert expected.keys() == {2, 3, 4}


def test_items_from_before_the_migration_have_the_codes_of_their_properties_and_files(app):
    upgrade(revision="0055")
    file = sa.table("file", *map(sa.column, ("item_id", "bundle", "name_is_restricted")))
    item = sa.table("item", sa.column("id"), sa.column("mapped_values", JSON_VALUE))
    restricted, value = {"value": "A", "restricted": True}, {"value": "B"}
    each = [
        {},
        {term: [value] for term in property_codes.CODED},
        {term: [restricted, value] for term in property_codes.CODED[::2]} | {"dcterms:type": [restricted]},
        {"local.a": [restricted], "local.b": [value], "bibo:doi": [restricted, restricted]},
    ]
    for number, mapped in enumerate(each, 1):
        fill(number)
        with db.engine.begin() as connection:
            connection.execute(sa.update(item).where(item.c.id == number).values(mapped_values=mapped))
            original = {"bundle": "ORIGINAL", "name_is_restricted": number == 3}
            connection.execute(sa.update(file).where(file.c.item_id == number, number > 1).values(original))

    upgrade()

    stored = db.session.scalars(sa.select(CatalogueItem.property_codes).order_by(CatalogueItem.id)).all()
    files = files_of(range(1, len(each) + 1))
    assert stored == [property_codes.codes_of(mapped, files[number]) for number, mapped in enumerate(each, 1)]
    assert [codes[-3:] for codes in stored] == ["", " fe", "-fe", " ff"]


def test_numbers_of_repositories_are_kept_in_64_bits(app):
    upgrade()
    fill(1)
    found = {table.name: table for table in tables()}

    with db.engine.begin() as connection:
        connection.execute(sa.update(found["file"]).values(sequence=2**62))
        connection.execute(sa.update(found["job"]).values(expected=2**62))
        connection.execute(sa.update(found["job_counter"]).values(value=2**62))

    assert sizes(tables())["job"] == 1


@pytest.mark.parametrize(("with_restricted", "sevens"), [(True, [2, 3]), (False, [2])])
def test_searches_find_short_words_in_items_from_before_the_migration(app, with_restricted, sevens):
    upgrade(revision="0022")
    texts = [("the eu in 1975\nof europe", None), ("日本語の題名\n第7章", None), ("smith, a. b.\nc#", "7")]
    item = sa.table("item", *map(sa.column, ("id", "search_text", "restricted_search_text")))
    for number, (text, restricted) in enumerate(texts, 1):
        fill(number)
        with db.engine.begin() as connection:
            values = {"search_text": text, "restricted_search_text": restricted}
            connection.execute(sa.update(item).where(item.c.id == number).values(values))

    prepare(app)

    expected = {
        "eu": [1],
        "EU of": [1],
        "7": sevens,
        "日本": [2],
        "名": [2],
        "第7": [2],
        "c#": [3],
        "a.": [3],
        "zz": [],
    }
    selections = {words: Selection(words=words, with_restricted=with_restricted) for words in expected}
    assert {words: sorted(db.session.scalars(found.ids())) for words, found in selections.items()} == expected


def test_items_from_before_the_migration_are_found_without_accents(app, monkeypatch):
    upgrade(revision="0060")
    titles = ["Häfen, él, eu, É", "a. é b. è", "Café\ncafe", "日本が", "أَحْمَد ــ", "Łódź", "plain", "\u0301", ""]
    values = [{"dcterms:creator": [{"value": text, "language": None} for text in titles[at:]]} for at in range(9)]
    item = sa.table("item", *map(sa.column, ("id", "search_text", "restricted_search_text", "title_sort")))
    for number in range(1, 10):
        fill(number)
    with monkeypatch.context() as before, db.engine.begin() as connection:
        before.setattr(
            word_search, "fold", lambda text: unicodedata.normalize("NFC", " ".join(text.split()).casefold())
        )
        for number, (title, named) in enumerate(zip(titles, values, strict=True), 1):
            texts = {"search_text": word_search.search_text(title, named, []), "title_sort": word_search.fold(title)}
            texts["restricted_search_text"] = word_search.search_text(None, named, [title]) if number % 2 else None
            connection.execute(sa.update(item).where(item.c.id == number).values(texts))

    upgrade()

    stored = db.session.execute(sa.select(item).order_by(item.c.id)).all()
    expected = [
        (
            number,
            word_search.search_text(title, named, []),
            word_search.search_text(None, named, [title]) if number % 2 else None,
            fold(title),
        )
        for number, (title, named) in enumerate(zip(titles, values, strict=True), 1)
    ]
    assert list(map(tuple, stored)) == expected
