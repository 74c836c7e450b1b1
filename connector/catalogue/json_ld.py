"""An item as JSON-LD, in the vocabularies of its terms. Fields without a term have names of this app."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..formatting import bcp47
from ..models.catalogue import CatalogueFile
from .item_presentation import Texts, media_type
from .item_record import RelationRecord

VOCABULARIES = {
    "bibo": "http://purl.org/ontology/bibo/",
    "dcterms": "http://purl.org/dc/terms/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "https://schema.org/",
}
RELATION = "dcterms:relation"  # to other items of the catalogue

Described = Mapping[str, Sequence[Mapping[str, Any]]]


def json_ld(
    link: str,
    fields_url: str,
    texts: Texts,
    files: Iterable[tuple[str, CatalogueFile]],
    relations: Iterable[RelationRecord],
) -> str:
    """Return a JSON-LD document that describes the item at `link`.

    `fields_url`: the start of the IRIs of fields without a term. `files`: the URL and the file, for each. `relations`:
    the items that it names.
    """
    document = {"@context": context(fields_url), **node(link, texts.values, files, relations)}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def context(fields_url: str) -> dict[str, str]:
    """Return the context of a document. `fields_url`: the start of the IRIs of fields without a term."""
    return VOCABULARIES | {"field": fields_url}


def node(
    link: str,
    values: Mapping[str, Sequence[Mapping[str, Any]]],
    files: Iterable[tuple[str, CatalogueFile]],
    relations: Iterable[RelationRecord],
) -> dict[str, Any]:
    """Return the node of the item at `link`, without a context, with arguments as for `json_ld`."""
    described = {_name(term): [_value(value) for value in texts] for term, texts in values.items()}
    if related := {relation["id"]: _related(relation) for relation in relations}:
        described[RELATION] = described.get(RELATION, []) + list(related.values())
    media = [_file(url, file) for url, file in files]
    return {"@id": link, **described, **({"schema:associatedMedia": media} if media else {})}


def _name(term: str) -> str:
    """Return a term as it is, and a field without a term in the namespace of this app."""
    return term if term.partition(":")[0] in VOCABULARIES else f"field:{term}"


def _related(relation: RelationRecord) -> dict[str, Any]:
    return {"@id": relation["link"], **({"rdfs:label": relation["title"]} if relation["title"] else {})}


def _value(value: Mapping[str, Any]) -> dict[str, Any]:
    if "uri" in value:
        return {"@id": value["uri"], **({"rdfs:label": value["label"]} if value["label"] else {})}
    language = bcp47(value["language"])
    return {"@value": value["value"], **({"@language": language} if language else {})}


def _file(url: str, file: CatalogueFile) -> dict[str, Any]:
    described = {
        "@id": url,
        "@type": "schema:MediaObject",
        "schema:name": file.label,
        "schema:description": file.description,
        "schema:encodingFormat": media_type(file),
        "schema:contentSize": None if file.size is None else str(file.size),
        "schema:sha256": file.sha256,
    }
    return {name: value for name, value in described.items() if value is not None}
