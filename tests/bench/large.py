"""A large instance, written into an empty database within a minute, as imports of several days would leave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from sqlalchemy import text

from connector.catalogue import counts, problem_files
from connector.catalogue.facet_values import ORIGINALS, value_id
from connector.catalogue.property_codes import codes_of
from connector.extensions import db, transaction, utcnow
from connector.jobs import counters
from connector.models.item_facets import Facet
from connector.models.jobs import Job, Kind, State
from connector.models.publishing import Destination
from connector.models.repositories import Repository, Source
from connector.publishing.job_kind import PUBLISH

FULL, BATCH = 200_000, 1000  # items
JOBS = (
    *("/jobs/1/", "/jobs/2/", "/jobs/3/", "/jobs/3/live", "/jobs/3/row", "/jobs/4/", "/jobs/"),
    *("/jobs/6/", "/jobs/6/live", "/jobs/7/"),
)
METADATA = """'[{"field": "dc.title", "value": "Report ' || n || ' on harbour ' || (n % 977) || '", "language": "en",
 "authority": null, "confidence": null}, {"field": "dc.contributor.author", "value": "Author ' || (n % 5003) || '",
 "language": null, "authority": null, "confidence": null}, {"field": "dc.description.abstract", "value": "'
 || {abstract} || '", "language": "en", "authority": null, "confidence": null}]'"""
MAPPED = """'{"dcterms:title": [{"value": "Report ' || n || ' on harbour ' || (n % 977) || '", "language": "en"}],
 "dcterms:creator": [{"value": "Author ' || (n % 5003) || '", "language": null}],
 "dcterms:issued": [{"value": "' || (1900 + n % 120) || '-05-17", "language": null}],
 "dcterms:type": [{"value": "Type ' || (n % 30) || '", "language": null}],
 "dcterms:abstract": [{"value": "' || {abstract} || '", "language": "en"}]' ||
 CASE WHEN n % 1000 = 7 THEN ', "bibo:doi": [{"value": "10.5072/' || n || '", "language": null}]' ELSE '' END ||
 '}'"""
TERMS = ("dcterms:title", "dcterms:creator", "dcterms:issued", "dcterms:type", "dcterms:abstract")
ABSTRACT = "'" + "Ships, tides and prices as the clerks of the port wrote them down. " * 12 + "' || n"

FACETS = (  # facet, values, SQL for the value of item n
    (Facet.TYPE, [f"Type {n}" for n in range(30)], "'Type ' || (n % 30)"),
    (Facet.YEAR, [str(year) for year in range(1900, 2020)], "CAST(1900 + n % 120 AS TEXT)"),
    (Facet.LANGUAGE, [f"l{n}" for n in range(8)], "'l' || (n % 8)"),
    (Facet.CREATOR, [f"Author {n}" for n in range(5003)], "'Author ' || (n % 5003)"),
    (Facet.CREATOR, [f"Editor {n}" for n in range(20011)], "'Editor ' || (n % 20011)"),
    (Facet.KIND, ["pdf"], "'pdf'"),
)
SHORT_WORDS = "'\nas\nof\non\n' || CASE WHEN n % 977 < 100 THEN (n % 977) || '\n' ELSE '' END"


@dataclass(frozen=True)
class Large:
    """The ids in a large instance.

    `first` and `second` imported all items, `running` has seen half of them. `first` could not read half of them at its
    first try, and later jobs have seen these. `failed`: an import of which half of the items could not be read.
    `preview` looked at all of them. `naming`: an item that names 3,000 others. `published` sent all items to a
    destination, but half of them failed, and `asking` asks whether to adopt half of them.
    """

    items: int
    first: int = 1
    second: int = 2
    running: int = 3
    failed: int = 4
    preview: int = 5
    large_set: int = 1
    naming: int = 777
    published: int = 6
    asking: int = 7


def make(app: Flask, items: int = FULL) -> Large:
    """Fill the empty, migrated database of this app. Half a million rows are written by a few statements."""
    with app.app_context():
        large = Large(items)
        with transaction():
            _jobs(large)
            for table, number, columns in _tables(large):
                _insert(table, number, columns)
            for facet, values, value in FACETS:
                _insert_facet(facet, values, value, items)
            if db.engine.dialect.name == "postgresql":  # without statistics, each batch reads all files
                db.session.execute(text("ANALYZE"))
            for first in range(1, items + 1, BATCH):
                problem_files.mark(range(first, min(first + BATCH, items + 1)))
        if db.engine.dialect.name == "postgresql":  # which does so by itself some minutes later
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        counts.count_if_changed()
        return large


def _jobs(large: Large) -> None:
    now, half = utcnow(), large.items // 2
    address = {"address_key": "dspace.example", "site_url": "https://dspace.example", "endpoint": "server/api"}
    found = {"api_url": "https://dspace.example/server/api", "generation": 9, "version": "9.3", "name": "Example"}
    repository = Repository(**address, **found)
    sources = [
        Source(repository=repository, kind=kind, scope_key=key, scope_id=key, name=name)
        for kind, key, name in (("repository", "", "Example"), ("collection", "x", "Unreadable"))
    ]
    db.session.add_all([repository, *sources])
    db.session.flush()
    common = {"repository_id": repository.id, "source_id": sources[0].id, "kind": Kind.IMPORT.value}
    common |= {"resource": sources[0].resource, "expected": large.items}
    ended = {
        "state": State.COMPLETED.value,
        "clean": False,
        "started_at": now,
        "ended_at": now,
        "worked_seconds": 3600.0,
    }
    files = {"files_stored": large.items, "files_restricted": half, "files_too_large": half // 2, "files_damaged": 10}
    under_way = {
        "state": State.RUNNING.value,
        "started_at": now,
        "claimed_at": now,
        "heartbeat_at": now + timedelta(days=1),
    }
    every = large.items
    site = {"api_url": "https://omeka.example/api", "version": "4.1.1", "key_identity": "key", "key_secret": ""}
    destination = Destination(name="Omeka", is_public=True, site_ids=[], classes={}, **site)
    db.session.add(destination)
    db.session.flush()
    publishing = common | {"kind": PUBLISH.name, "resource": destination.resource}
    publishing["options"] = {"destination": destination.id}
    asks = {"state": State.STOPPED.value, "started_at": now, "question": {"adopt": half}}
    jobs = [
        (Job(**common, **ended), files | {"seen": every, "added": every, "failed": half}),
        (Job(**common, **ended), files | {"seen": every, "unchanged": every}),
        (Job(**common, **under_way), files | {"seen": half, "unchanged": half}),
        (Job(**common | {"source_id": sources[1].id}, **ended), {"seen": half, "failed": half}),
        (Job(**common | {"kind": Kind.PREVIEW.value}, **ended), {"seen": every, "added": every}),
        (Job(**publishing, **ended), {"seen": every, "added": half, "failed": half, "conflicts": every // 4}),
        (Job(**publishing, **asks), {}),
    ]
    for job, counted in jobs:
        db.session.add(job)
        db.session.flush()
        counters.add(db.session.connection(), job.id, counted)


def _tables(large: Large) -> list[tuple[str, int, dict[str, str]]]:
    """Return (table, number of rows, SQL for each column of row n)."""
    number, now = large.items, _time()
    item = {
        "repository_id": "1",
        "source_key": "'123456789/' || n",
        "source_id": "'00000000-0000-4000-8000-' || n",
        "handle": "'123456789/' || n",
        "page_link": "'https://dspace.example/items/' || n",
        "title": "'Report ' || n || ' on harbour ' || (n % 977)",
        "source_metadata": _json(METADATA.replace("{abstract}", ABSTRACT)),
        "mapped_values": _json(MAPPED.replace("{abstract}", ABSTRACT)),
        "search_text": f"'\nreport ' || n || ' on harbour ' || (n % 977) || '\n' || lower({ABSTRACT}) || {SHORT_WORDS}",
        "property_codes": f"CASE WHEN n % 1000 = 7 THEN '{_codes(*TERMS, 'bibo:doi')}' ELSE '{_codes(*TERMS)}' END",
        "title_sort": "'report ' || n || ' on harbour ' || (n % 977)",
        "date_sort": "(1900 + n % 120) || '-05-17'",
        "last_modified": "CASE WHEN n % 10 > 0 THEN '2020-01-' || (10 + n % 20) END",
        "content_hash": "'hash ' || n",
        "source_state": "CASE WHEN n % 20 = 0 THEN 'withdrawn' ELSE 'present' END",
        "state_since": f"CASE WHEN n % 20 = 0 THEN {now} END",
        "is_restricted": "n % 25 = 0",
        "is_hidden": "n % 100 = 0",
    }
    file = {
        "item_id": "(n + 1) / 2",
        "position": "n % 2",
        "bitstream_id": "'b' || n",
        "bundle": "'ORIGINAL'",
        "name": "'file ' || n || '.pdf'",
        "media_type": "'application/pdf'",
        "size": "n",
        "status": "CASE WHEN n % 4 = 0 THEN 'restricted' WHEN n % 8 = 1 THEN 'too_large' "
        f"WHEN n > {2 * number - 10} THEN 'damaged' ELSE 'stored' END",
        "sha256": "CASE WHEN n % 2 = 1 THEN 'sha ' || n END",
    }
    holding = {
        "source_id": "1",
        "item_id": "n",
        "created_by_job_id": f"{large.first}",
        "last_seen_job_id": f"CASE WHEN n <= {number // 2} THEN {large.running} ELSE {large.second} END",
    }
    known = {name: item[name] for name in ("source_key", "source_id", "handle", "title")}
    change = known | {"job_id": f"{large.first}", "item_id": "n", "action": "'added'", "reason": "''"}
    failure = change | {"job_id": f"{large.failed}", "item_id": "NULL", "action": "'failed'", "reason": "'No answer.'"}
    seen_since = failure | {"job_id": f"{large.first}"}
    preview = known | {"job_id": f"{large.preview}", "action": "'new'", "data": _json("'{}'")}
    item_set = {"name": "'Set ' || n", "description": "''", "rights": "''", "license": "''", "created": now}
    placed = {"item_id": "n", "source_id": "1", "job_id": f"{large.first}"}
    audit = {"at": now, "who": "'Person ' || (n % 20)", "what": "'import'", "about": "''", "address": "''"}
    relation = {"item_id": "n", "target_id": item["source_id"].replace("n", "1"), "is_restricted": "FALSE"}
    named = relation | {"item_id": f"{large.naming}", "target_id": item["source_id"]}
    author = item["source_id"].replace("n", "(2 + n % 5003)")
    unsent = known | {
        "job_id": f"{large.published}",
        "item_id": f"{number // 2} + n",
        "action": "'failed'",
        "reason": "'No answer.'",
    }
    values = (
        f"""'{{"values": [{{"property": "http://purl.org/dc/terms/abstract", "text": "' || {ABSTRACT} || '"}}]}}'"""
    )
    published = {
        "destination_id": "1",
        "item_id": "CASE WHEN n % 40 > 0 THEN n END",  # the others have left the catalogue
        "identifier": item["page_link"],
        "omeka_id": "n",
        "created_by_job_id": f"{large.published}",
        "job_id": f"{large.published}",
        "wanted": _json(values),
        "accepted": _json(values),
        "changed_at": now,
    }
    at_site = {"published_item_id": "n", "job_id": f"{large.published}"}
    conflict = {
        "published_item_id": "n",
        "name": "'http://purl.org/dc/terms/title'",
        "ours": _json("'[]'"),
        "theirs": _json("'[]'"),
    }
    candidate = {"job_id": f"{large.asking}", "destination_id": "1", "item_id": "n", "omeka_id": f"{number} + n"}
    candidate |= {"title": item["title"], "text": item["handle"]}
    exclusion = {"repository_id": "1", "source_key": "'x' || n", "source_id": "'x' || n", "reason": "''"}
    return [
        ("item", number, item),
        ("stored_file", number, {"sha256": "'sha ' || (2 * n - 1)", "md5": "'md5'", "size": "2 * n - 1"}),
        ("file", 2 * number, file),
        ("holding", number, holding),
        ("change", number, change),
        ("change", number // 2, failure),
        ("change", number // 2, seen_since),
        ("preview_row", number, preview),
        ("item_set", 500, item_set),
        ("membership", number, placed | {"item_set_id": f"{large.large_set}"}),
        ("membership", number, placed | {"item_set_id": "2 + n % 499"}),
        ("audit", number // 2, audit | {"data": _json("'{}'")}),
        ("exclusion", number // 20, exclusion | {"owner": "'Tess Admin'", "created": now}),
        ("item_relation", number, relation | {"field": "'relation.isOrgUnitOfPublication'"}),
        ("item_relation", number, relation | {"field": "'relation.isAuthorOfPublication'", "target_id": author}),
        ("item_relation", min(3000, number), named | {"field": "'relation.isPublicationOfOrgUnit'"}),
        ("change", number // 2, unsent),
        ("published_item", number, published),
        ("published_change", number // 2, at_site | {"groups": _json("'{}'")}),
        ("published_file", number, at_site | {"sha256": "'sha ' || n", "media_id": "n", "position": "0"}),
        ("publishing_conflict", number // 4, conflict),
        ("adoption_candidate", number // 2, candidate),
    ]


def _codes(*terms: str) -> str:
    """Return the property codes of an item with values of these terms and with files."""
    files = [{"bundle": ORIGINALS, "name_is_restricted": False}]
    return codes_of({term: [{"value": "A"}] for term in terms}, files)


def _insert(table: str, number: int, columns: dict[str, str]) -> None:
    numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})"
    rows = f"{numbers} SELECT {', '.join(columns.values())} FROM numbers"
    statement = f"INSERT INTO {table} ({', '.join(columns)}) {rows}"
    db.session.connection().exec_driver_sql(statement.replace("%", "%%") if _is_postgresql() else statement)


def _insert_facet(facet: Facet, values: Sequence[str], value: str, number: int) -> None:
    """Insert a facet value for each item. `values`: all values. `value`: SQL for that of item n."""
    numbers = f"numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})"
    rows = ", ".join(f"('{text}', {value_id(facet, text)})" for text in values)
    query = f"SELECT value_id, n, value, FALSE FROM numbers JOIN named ON value = {value}"
    statement = f"WITH RECURSIVE {numbers}, named(value, value_id) AS (VALUES {rows}) {query}"
    insert = f"INSERT INTO item_facet (value_id, item_id, value, is_restricted) {statement}"
    db.session.connection().exec_driver_sql(insert.replace("%", "%%") if _is_postgresql() else insert)


def _json(sql: str) -> str:
    return f"CAST({sql} AS JSON)" if _is_postgresql() else sql


def _time() -> str:
    return "TIMESTAMP '2026-01-02 03:04:05'" if _is_postgresql() else "'2026-01-02 03:04:05.000000'"


def _is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"
