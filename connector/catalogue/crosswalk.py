"""Crosswalk from DSpace fields to Dublin Core and BIBO terms. It only computes: it can run again on stored data.

A field maps to the term that Omeka's DSpace Connector module 1.6.1 gives it (its `mapKeyToTerm`), and also to a finer
term if there is one. A field without term keeps its own name, so that no value is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from .restricted_values import MARK

# Local name → label, in the order of the vocabularies that Omeka S installs: the 55 properties of
# http://purl.org/dc/terms/ and the 67 of http://purl.org/ontology/bibo/.
# fmt: off
DCTERMS = {
    "title": "Title", "creator": "Creator", "subject": "Subject", "description": "Description",
    "publisher": "Publisher", "contributor": "Contributor", "date": "Date", "type": "Type", "format": "Format",
    "identifier": "Identifier", "source": "Source", "language": "Language", "relation": "Relation",
    "coverage": "Coverage", "rights": "Rights", "audience": "Audience", "alternative": "Alternative Title",
    "tableOfContents": "Table Of Contents", "abstract": "Abstract", "created": "Date Created", "valid": "Date Valid",
    "available": "Date Available", "issued": "Date Issued", "modified": "Date Modified", "extent": "Extent",
    "medium": "Medium", "isVersionOf": "Is Version Of", "hasVersion": "Has Version",
    "isReplacedBy": "Is Replaced By", "replaces": "Replaces", "isRequiredBy": "Is Required By",
    "requires": "Requires", "isPartOf": "Is Part Of", "hasPart": "Has Part", "isReferencedBy": "Is Referenced By",
    "references": "References", "isFormatOf": "Is Format Of", "hasFormat": "Has Format",
    "conformsTo": "Conforms To", "spatial": "Spatial Coverage", "temporal": "Temporal Coverage",
    "mediator": "Mediator", "dateAccepted": "Date Accepted", "dateCopyrighted": "Date Copyrighted",
    "dateSubmitted": "Date Submitted", "educationLevel": "Audience Education Level",
    "accessRights": "Access Rights", "bibliographicCitation": "Bibliographic Citation", "license": "License",
    "rightsHolder": "Rights Holder", "provenance": "Provenance", "instructionalMethod": "Instructional Method",
    "accrualMethod": "Accrual Method", "accrualPeriodicity": "Accrual Periodicity",
    "accrualPolicy": "Accrual Policy",
}
BIBO = {
    "affirmedBy": "affirmedBy", "annotates": "annotates", "authorList": "list of authors", "citedBy": "cited by",
    "cites": "cites", "contributorList": "list of contributors", "court": "court", "degree": "degree",
    "director": "director", "distributor": "distributor", "editor": "editor", "editorList": "list of editors",
    "interviewee": "interviewee", "interviewer": "interviewer", "issuer": "issuer", "organizer": "organizer",
    "owner": "owner", "performer": "performer", "presentedAt": "presented at", "presents": "presents",
    "producer": "producer", "recipient": "recipient", "reproducedIn": "reproducedIn", "reversedBy": "reversedBy",
    "reviewOf": "review of", "status": "status", "subsequentLegalDecision": "subsequentLegalDecision",
    "transcriptOf": "transcript of", "translationOf": "translation of", "translator": "translator",
    "abstract": "abstract", "argued": "date argued", "asin": "asin", "chapter": "chapter", "coden": "coden",
    "content": "content", "doi": "doi", "eanucc13": "eanucc13", "edition": "edition", "eissn": "eissn",
    "gtin14": "gtin14", "handle": "handle", "identifier": "identifier", "isbn": "isbn", "isbn10": "isbn10",
    "isbn13": "isbn13", "issn": "issn", "issue": "issue", "lccn": "lccn", "locator": "locator",
    "numPages": "number of pages", "numVolumes": "number of volumes", "number": "number", "oclcnum": "oclcnum",
    "pageEnd": "page end", "pageStart": "page start", "pages": "pages", "pmid": "pmid",
    "prefixName": "prefix name", "section": "section", "shortDescription": "shortDescription",
    "shortTitle": "short title", "sici": "sici", "suffixName": "suffix name", "upc": "upc", "uri": "uri",
    "volume": "volume",
}
# fmt: on

# Qualifiers that the module maps for every element, case-sensitive.
MODULE_QUALIFIERS = {"author": "dcterms:creator", "uri": "bibo:uri"}

# Finer terms of elements and qualifiers with other names. `bibo:uri` alone does not distinguish a licence or related
# work from the item's own address, so these addresses also get the term of their element.
FINER = {
    "citation.epage": "bibo:pageEnd",
    "citation.spage": "bibo:pageStart",
    "date.accepted": "dcterms:dateAccepted",
    "date.copyright": "dcterms:dateCopyrighted",
    "date.submitted": "dcterms:dateSubmitted",
    "date.updated": "dcterms:modified",
    "identifier.citation": "dcterms:bibliographicCitation",
    "identifier.oclc": "bibo:oclcnum",
    "relation.isbasedon": "dcterms:source",
    "relation.ispartofseries": "dcterms:isPartOf",
    "relation.uri": "dcterms:relation",
    "rights.holder": "dcterms:rightsHolder",
    "rights.uri": "dcterms:rights",
    "source.uri": "dcterms:source",
}

_LABELS = {
    f"{prefix}:{name}": label
    for prefix, terms in (("dcterms", DCTERMS), ("bibo", BIBO))
    for name, label in terms.items()
}
_NAMED = {
    "dcterms": {name.lower(): f"dcterms:{name}" for name in DCTERMS},
    "bibo": {name.lower(): f"bibo:{name}" for name in BIBO},
}
# Dublin Core wins for `abstract` and `identifier`, which both vocabularies have.
_ANY_NAMED = _NAMED["bibo"] | _NAMED["dcterms"] | MODULE_QUALIFIERS

_URI = re.compile(r"(?:(?:https?|ftp)://(?![/?#])|(?:hdl|doi|urn|info|ark):)[^\s\x00-\x1f\x7f]+", re.IGNORECASE)


def crosswalk(metadata: Iterable[Mapping[str, Any]], ignored: Iterable[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """Return all values of an item by term, in source order. Terms are in order of their first value.

    `metadata`: dicts of `field, value, language, …` as stored in `source_metadata`. `ignored`: patterns for
    `ignored_by`.

    A value is `{"value", "language"}`, or under bibo:uri `{"uri", "label"}` if it is a URI of a safe scheme (http,
    https, ftp, hdl, doi, urn, info, ark). Restricted values also have `"restricted": true`. Texts are never trimmed or
    changed. Empty values and null are left out.
    """
    patterns = tuple(ignored)
    values: dict[str, list[dict[str, Any]]] = {}
    for entry in metadata:
        if entry["value"]:
            for term in _terms_unless_ignored(entry["field"], patterns):
                value = _mapped(term, entry["value"], entry.get("language"))
                values.setdefault(term, []).append(value | {MARK: True} if MARK in entry else value)
    return values


@lru_cache(maxsize=4096)
def terms_of(field: str) -> tuple[str, ...]:
    """Return the terms of a field, the module's first, or the field itself if it has no term.

    Only the module's mapping is case-sensitive.
    """
    schema, *names = field.split(".")
    if len(names) not in (1, 2):
        return (field,)
    element, qualifier = names[0], names[1] if len(names) == 2 else ""
    if schema.lower() == "dc":
        terms = (_module_term(element, qualifier), *_finer_terms(element.lower(), qualifier.lower()))
    else:
        terms = (_NAMED.get(schema.lower(), {}).get(element.lower()),)
    return tuple(dict.fromkeys(term for term in terms if term)) or (field,)


def term_label(term: str) -> str:
    """Return the English label that Omeka S shows for a term ("Is Part Of", "uri"), or the field if it has no term."""
    return _LABELS.get(term, term)


def ignored_by(field: str, ignored: Iterable[str]) -> bool:
    """Return whether one of the patterns matches the field, ignoring case.

    A pattern is a field name or ends in `.*`, as in the configuration of DSpace. `dc.subject.*` matches `dc.subject`
    with any qualifier or none, `dc.*` the whole schema.
    """
    name = field.lower()
    for pattern in ignored:
        stem = pattern.lower().removesuffix(".*")
        if name == stem or (pattern.endswith(".*") and name.startswith(f"{stem}.")):
            return True
    return False


@lru_cache(maxsize=4096)
def _terms_unless_ignored(field: str, ignored: tuple[str, ...]) -> tuple[str, ...]:
    return () if ignored_by(field, ignored) else terms_of(field)


def _module_term(element: str, qualifier: str) -> str | None:
    if qualifier in MODULE_QUALIFIERS:
        return MODULE_QUALIFIERS[qualifier]
    return next((f"dcterms:{name}" for name in (qualifier, element) if name in DCTERMS), None)


def _finer_terms(element: str, qualifier: str) -> tuple[str | None, ...]:
    if not qualifier:
        return (_ANY_NAMED.get(element),)
    finer = (_ANY_NAMED.get(qualifier), FINER.get(f"{element}.{qualifier}"))
    # Dublin Core lets readers ignore an unknown qualifier and use the element; BIBO has no such rule.
    return finer if any(finer) else (_NAMED["dcterms"].get(element),)


def _mapped(term: str, value: str, language: str | None) -> dict[str, str | None]:
    if term == "bibo:uri" and _URI.fullmatch(value):
        return {"uri": value, "label": None}
    return {"value": value, "language": language}
