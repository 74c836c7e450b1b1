"""Crosswalk from DSpace fields to Dublin Core and BIBO terms. It only computes: it can run again on stored data.

A field maps to the same term as in Omeka's DSpace Connector module 1.6.1 (its `mapKeyToTerm`), and also to a finer term
if there is one. A field without term keeps its own name, so that no value is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field as with_default
from functools import lru_cache
from typing import Any

from ..i18n import lazy_gettext as _l
from .restricted_values import MARK

# Local name → label, in the order of the vocabularies that Omeka S installs: the 55 properties of
# http://purl.org/dc/terms/ and the 67 of http://purl.org/ontology/bibo/.
# fmt: off
DCTERMS = {
    "title": _l("Title"), "creator": _l("Creator"), "subject": _l("Subject"), "description": _l("Description"),
    "publisher": _l("Publisher"), "contributor": _l("Contributor"), "date": _l("Date"), "type": _l("Type"),
    "format": _l("Format"), "identifier": _l("Identifier"), "source": _l("Source"), "language": _l("Language"),
    "relation": _l("Relation"), "coverage": _l("Coverage"), "rights": _l("Rights"), "audience": _l("Audience"),
    "alternative": _l("Alternative Title"), "tableOfContents": _l("Table Of Contents"), "abstract": _l("Abstract"),
    "created": _l("Date Created"), "valid": _l("Date Valid"), "available": _l("Date Available"),
    "issued": _l("Date Issued"), "modified": _l("Date Modified"), "extent": _l("Extent"), "medium": _l("Medium"),
    "isVersionOf": _l("Is Version Of"), "hasVersion": _l("Has Version"), "isReplacedBy": _l("Is Replaced By"),
    "replaces": _l("Replaces"), "isRequiredBy": _l("Is Required By"), "requires": _l("Requires"),
    "isPartOf": _l("Is Part Of"), "hasPart": _l("Has Part"), "isReferencedBy": _l("Is Referenced By"),
    "references": _l("References"), "isFormatOf": _l("Is Format Of"), "hasFormat": _l("Has Format"),
    "conformsTo": _l("Conforms To"), "spatial": _l("Spatial Coverage"), "temporal": _l("Temporal Coverage"),
    "mediator": _l("Mediator"), "dateAccepted": _l("Date Accepted"), "dateCopyrighted": _l("Date Copyrighted"),
    "dateSubmitted": _l("Date Submitted"), "educationLevel": _l("Audience Education Level"),
    "accessRights": _l("Access Rights"), "bibliographicCitation": _l("Bibliographic Citation"),
    "license": _l("License"), "rightsHolder": _l("Rights Holder"), "provenance": _l("Provenance"),
    "instructionalMethod": _l("Instructional Method"), "accrualMethod": _l("Accrual Method"),
    "accrualPeriodicity": _l("Accrual Periodicity"), "accrualPolicy": _l("Accrual Policy"),
}
BIBO = {
    "affirmedBy": _l("Affirmed By"), "annotates": _l("Annotates"), "authorList": _l("List of Authors"),
    "citedBy": _l("Cited By"), "cites": _l("Cites"), "contributorList": _l("List of Contributors"),
    "court": _l("Court"), "degree": _l("Degree"), "director": _l("Director"), "distributor": _l("Distributor"),
    "editor": _l("Editor"), "editorList": _l("List of Editors"), "interviewee": _l("Interviewee"),
    "interviewer": _l("Interviewer"), "issuer": _l("Issuer"), "organizer": _l("Organizer"), "owner": _l("Owner"),
    "performer": _l("Performer"), "presentedAt": _l("Presented At"), "presents": _l("Presents"),
    "producer": _l("Producer"), "recipient": _l("Recipient"), "reproducedIn": _l("Reproduced In"),
    "reversedBy": _l("Reversed By"), "reviewOf": _l("Review Of"), "status": _l("Status"),
    "subsequentLegalDecision": _l("Subsequent Legal Decision"), "transcriptOf": _l("Transcript Of"),
    "translationOf": _l("Translation Of"), "translator": _l("Translator"), "abstract": _l("Abstract"),
    "argued": _l("Date Argued"), "asin": _l("ASIN"), "chapter": _l("Chapter"), "coden": _l("CODEN"),
    "content": _l("Content"), "doi": _l("DOI"), "eanucc13": _l("EAN"), "edition": _l("Edition"),
    "eissn": _l("Electronic ISSN"), "gtin14": _l("GTIN"), "handle": _l("Handle"), "identifier": _l("Identifier"),
    "isbn": _l("ISBN"), "isbn10": _l("ISBN-10"), "isbn13": _l("ISBN-13"), "issn": _l("ISSN"), "issue": _l("Issue"),
    "lccn": _l("LCCN"), "locator": _l("Locator"), "numPages": _l("Number of Pages"),
    "numVolumes": _l("Number of Volumes"), "number": _l("Number"), "oclcnum": _l("OCLC Number"),
    "pageEnd": _l("Last Page"), "pageStart": _l("First Page"), "pages": _l("Pages"), "pmid": _l("PubMed ID"),
    "prefixName": _l("Name Prefix"), "section": _l("Section"), "shortDescription": _l("Short Description"),
    "shortTitle": _l("Short Title"), "sici": _l("SICI"), "suffixName": _l("Name Suffix"), "upc": _l("UPC"),
    "uri": _l("URI"), "volume": _l("Volume"),
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

LABELS = {
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


@dataclass(frozen=True, eq=False)
class CrosswalkRules:
    """The rules of a repository. `id`: of their row, 0 for the default ones, also if they are not stored.

    `terms`: the term of each field that does not go to its default terms, or the field itself for none. `ignored`:
    patterns for `ignored_by`.
    """

    id: int = 0
    terms: Mapping[str, str] = with_default(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def terms_of(self, field: str) -> tuple[str, ...]:
        """Return the terms to which a field goes, none if it is ignored."""
        if ignored_by(field, self.ignored):
            return ()
        return (self.terms[field],) if field in self.terms else terms_of(field)


DEFAULT_RULES = CrosswalkRules()


def crosswalk(
    metadata: Iterable[Mapping[str, Any]], rules: CrosswalkRules = DEFAULT_RULES
) -> dict[str, list[dict[str, Any]]]:
    """Return all values of an item by term, in source order. Terms are in order of their first value.

    `metadata`: dicts of `field, value, language, …` as stored in `source_metadata`.

    A value is `{"value", "language"}`, or under bibo:uri `{"uri", "label"}` if it is a URI of a safe scheme (http,
    https, ftp, hdl, doi, urn, info, ark). Restricted values also have `"restricted": true`. Texts are never trimmed or
    changed. Empty values and null are left out.
    """
    values: dict[str, list[dict[str, Any]]] = {}
    for entry in metadata:
        if entry["value"]:
            for term in _terms_of(rules, entry["field"]):
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
    """Return the label that Omeka S shows for a term ("Is Part Of", "uri"), or the field if it has no term."""
    return str(LABELS.get(term, term))


def is_term(text: str) -> bool:
    """Return whether this is a term such as dcterms:title."""
    return text in LABELS


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
def _terms_of(rules: CrosswalkRules, field: str) -> tuple[str, ...]:
    return rules.terms_of(field)


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
