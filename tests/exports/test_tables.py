"""Exports as CSV, JSON and JSON-LD, read back by the readers of Python and by rdflib."""

import csv
import io
import json

import pytest
from rdflib import Graph, Literal, URIRef
from sqlalchemy import Select, select

from connector.catalogue import json_ld
from connector.catalogue.export import as_csv, as_jsonl
from connector.catalogue.search import Selection
from connector.extensions import db, transaction
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueFile, CatalogueItem, FileStatus

from .steps import FIELDS, export, exported, problems


@pytest.fixture(autouse=True)
def context(stocked_app):
    with stocked_app.app_context():
        yield


def rows(form: str, *item_ids: int, **choice) -> list[dict[str, str]]:
    text = exported(form, *item_ids, **choice).read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def stored_files(item_id: int) -> Select[tuple[CatalogueFile]]:
    return select(CatalogueFile).where(CatalogueFile.item_id == item_id, CatalogueFile.is_stored)


def write_values(**values: list[str]) -> int:
    """Give an item these mapped values and no others. Return its id."""
    with transaction():
        item = db.session.scalars(select(CatalogueItem).order_by(CatalogueItem.id).limit(1)).one()
        item.mapped_values = {
            f"dcterms:{term}": [{"value": text, "language": None} for text in texts] for term, texts in values.items()
        }
        return item.id


def test_csv_and_json_lines_are_those_of_the_command():
    assert exported("csv").read_bytes().decode() == "".join(as_csv(Selection()))
    assert exported("jsonl").read_text() == "".join(as_jsonl(Selection()))


def test_the_chosen_separator_joins_the_values_of_a_cell():
    item_id = write_values(subject=["Boats", "Harbours"])

    [row] = rows("csv", item_id, separator=";")

    assert row["dcterms:subject"] == "Boats;Harbours"


@pytest.mark.parametrize("form", ["csv", "omeka"])
def test_a_value_that_contains_the_separator_is_named(form):
    item_id = write_values(subject=["Boats; Harbours"], title=["Plain"])

    assert problems(export(form, item_id, separator=";")) == {
        item_id: "A value of dcterms:subject contains the separator ;."
    }
    assert problems(export(form, item_id, separator="|")) == {}


def test_csv_for_spreadsheets_is_safe_against_formulas_and_that_for_omeka_has_the_values_as_they_are():
    item_id = write_values(title=["=1+1"])

    assert rows("csv", item_id)[0]["dcterms:title"] == "'=1+1"
    assert rows("omeka", item_id)[0]["dcterms:title"] == "=1+1"


def test_headers_for_omeka_are_terms_and_the_name_that_the_module_takes_for_addresses_of_files():
    item_id = write_values(title=["A boat"], creator=["Ann", "Ben"])

    [row] = rows("omeka", item_id)

    assert list(row) == ["dcterms:creator", "dcterms:title", "media url"]
    assert row["dcterms:creator"] == "Ann||Ben"
    [stored] = db.session.scalars(stored_files(item_id))
    addresses = row["media url"].split("||")
    assert [stored.bitstream_id in address for address in addresses] == [True]
    assert all(address.startswith("http://127.0.0.1:") and address.endswith("/download") for address in addresses)


def test_thumbnails_and_licenses_that_were_not_imported_have_no_address_for_omeka():
    item_id = write_values(title=["A boat"])
    names = db.session.scalars(select(CatalogueFile.name).where(CatalogueFile.item_id == item_id)).all()
    [stored] = db.session.scalars(stored_files(item_id))

    job_id = export("omeka", item_id)

    assert set(names) == {stored.name, f"thumbnail-{stored.name}", "license.txt"}
    assert lifecycle.get(job_id).message == (
        "2 files were not imported and are not in the export, by bundle: LICENSE (1), THUMBNAIL (1)."
    )
    assert lifecycle.get(job_id).clean


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"content_is_restricted": True}, "restricted"),
        ({"status": FileStatus.RESTRICTED, "sha256": None}, "no access"),
        ({"status": FileStatus.MISSING, "sha256": None}, "missing"),
        ({"status": FileStatus.INFECTED, "sha256": None}, "infected"),
    ],
)
def test_files_that_omeka_cannot_or_should_not_download_have_no_address_and_are_named(changed, reason):
    item_id = write_values(title=["A boat"])
    with transaction():
        [stored] = db.session.scalars(stored_files(item_id))
        name = stored.name
        for column, value in changed.items():
            setattr(stored, column, value)

    assert rows("omeka", item_id)[0]["media url"] == ""
    assert problems(export("omeka", item_id)) == {item_id: f"Not in the export: {name} ({reason})."}


def test_json_ld_is_one_document_with_a_node_for_each_item():
    document = json.loads(exported("jsonld").read_bytes())

    items = db.session.scalars(select(CatalogueItem).order_by(CatalogueItem.id)).all()
    assert [node["@id"] for node in document["@graph"]] == [item.link for item in items]
    assert document["@context"]["field"] == FIELDS
    titles = [value["value"] for value in items[0].mapped_values["dcterms:title"]]
    assert [value["@value"] for value in document["@graph"][0]["dcterms:title"]] == titles


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # inside of rdflib
def test_another_program_reads_every_value_of_the_json_ld_with_its_language():
    graph = Graph().parse(exported("jsonld"), format="json-ld")

    for item in db.session.scalars(select(CatalogueItem)):
        for term, entries in item.mapped_values.items():
            predicate = URIRef(iri_of(term))
            expected = {value.get("uri") or value["value"] for value in entries}
            assert expected <= {str(found) for found in graph.objects(URIRef(item.link), predicate)}
    titles = graph.objects(None, URIRef(iri_of("dcterms:alternative")))
    assert {"de", "fr"} <= {title.language for title in titles if isinstance(title, Literal)}


def iri_of(term: str) -> str:
    """Return the address of a term, or of a field without a term."""
    prefix, _, name = term.partition(":")
    return json_ld.VOCABULARIES[prefix] + name if prefix in json_ld.VOCABULARIES else FIELDS + term
