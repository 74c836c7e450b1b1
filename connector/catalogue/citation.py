"""Citations of an item as CSL JSON, BibTeX and RIS. CSL JSON is made from its terms, the others from CSL JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import rispy
from pybtex.database import BibliographyData, Entry, Person
from pybtex.database.output.bibtex import Writer as BibtexWriter

from ..characters import encodable
from .source_links import DOI

Values = Mapping[str, Sequence[Mapping[str, Any]]]

# Types as DSpace's submission forms and COAR name them, in lower case, and their types in CSL 1.0.2.
_CSL_TYPES = {
    "animation": "motion_picture",
    "bachelor thesis": "thesis",
    "article": "article-journal",
    "book": "book",
    "book chapter": "chapter",
    "book part": "chapter",
    "conference paper": "paper-conference",
    "dataset": "dataset",
    "dissertation": "thesis",
    "doctoral thesis": "thesis",
    "image": "graphic",
    "image, 3-d": "graphic",
    "journal article": "article-journal",
    "letter": "personal_communication",
    "manuscript": "manuscript",
    "map": "map",
    "master thesis": "thesis",
    "master's thesis": "thesis",
    "musical score": "musical_score",
    "newspaper": "article-newspaper",
    "patent": "patent",
    "phd thesis": "thesis",
    "photograph": "graphic",
    "preprint": "article",
    "presentation": "speech",
    "recording, acoustical": "song",
    "recording, musical": "song",
    "report": "report",
    "research article": "article-journal",
    "software": "software",
    "technical report": "report",
    "thesis": "thesis",
    "video": "motion_picture",
    "working paper": "report",
}
_BIBTEX_TYPES = {
    "article-journal": "article",
    "book": "book",
    "chapter": "incollection",
    "paper-conference": "inproceedings",
    "report": "techreport",
    "thesis": "phdthesis",
}
_RIS_TYPES = {
    "article-journal": "JOUR",
    "article-newspaper": "NEWS",
    "book": "BOOK",
    "chapter": "CHAP",
    "dataset": "DATA",
    "graphic": "FIGURE",
    "manuscript": "UNPB",
    "map": "MAP",
    "motion_picture": "VIDEO",
    "musical_score": "MUSIC",
    "paper-conference": "CPAPER",
    "patent": "PAT",
    "report": "RPRT",
    "software": "COMP",
    "song": "SOUND",
    "speech": "SLIDE",
    "thesis": "THES",
}
# CSL variable → the terms that hold it, the first that has a value.
_TEXTS = {
    "title": ("dcterms:title",),
    "publisher": ("dcterms:publisher",),
    "container-title": ("dcterms:isPartOf", "dcterms:source"),
    "volume": ("bibo:volume",),
    "issue": ("bibo:issue",),
    "edition": ("bibo:edition",),
    "ISBN": ("bibo:isbn", "bibo:isbn13", "bibo:isbn10"),
    "ISSN": ("bibo:issn", "bibo:eissn"),
    "abstract": ("dcterms:abstract",),
    "language": ("dcterms:language",),
}
_NAMES = {"author": "dcterms:creator", "editor": "bibo:editor"}
_DATES = ("dcterms:issued", "dcterms:created", "dcterms:date")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?!\d)")
_YEARS_OF_LIFE = re.compile(r",\s*(?:b\.\s*|d\.\s*|ca\.\s*)?\d{3,4}\s*[-–]?\s*(?:\d{3,4})?\s*\.?\s*$")
_SUFFIX = re.compile(r",\s*((?:Jr|Sr)\.?|II|III|IV)$")
# A backslash would begin a command of LaTeX, and an unmatched brace would end the value.
_LATEX = str.maketrans({"\\": r"\textbackslash ", "$": r"\$", "{": "(", "}": ")"})
_IN_URLS = str.maketrans({"\\": "%5C", "{": "%7B", "}": "%7D"})


def csl(values: Values, key: str, link: str) -> dict[str, Any]:
    """Return the citation of an item as a CSL JSON object. `values`: its mapped values. `link`: its URL."""
    genres = (text.rpartition("::")[2] for text in _texts(values, "dcterms:type"))  # text::thesis::master thesis
    genre = next((text for text in genres if text.lower() in _CSL_TYPES), "")
    kind = _CSL_TYPES.get(genre.lower(), "document")
    names = {variable: [_name(text) for text in _texts(values, term)] for variable, term in _NAMES.items()}
    texts = {variable: _first(values, *terms) for variable, terms in _TEXTS.items()}
    pages = [text for term in ("bibo:pageStart", "bibo:pageEnd") if (text := _first(values, term))]
    hyphen = "–" if any("-" in text for text in pages) else "-"
    found = {
        "id": key,
        "type": kind,
        "genre": genre if kind == "thesis" else None,
        **names,
        **texts,
        "issued": _date(_first(values, *_DATES)),
        "page": hyphen.join(pages) or _first(values, "bibo:pages"),
        "DOI": next((doi[0] for text in _texts(values, "bibo:doi") if (doi := DOI.search(text))), None),
        "URL": link,
    }
    return {name: value for name, value in found.items() if value}


def csl_json(citation: Mapping[str, Any]) -> str:
    """Return a citation as a CSL JSON document, which is a list."""
    return json.dumps([citation], ensure_ascii=False, indent=2) + "\n"


def bibtex(citation: Mapping[str, Any]) -> str:
    """Return a citation as BibTeX in UTF-8. Braces become parentheses, because BibTeX cannot hold unmatched ones."""
    kind, genre = _BIBTEX_TYPES.get(citation["type"], "misc"), citation.get("genre", "")
    kind = "mastersthesis" if genre.lower().startswith("master") else kind
    within = {"article": "journal", "incollection": "booktitle", "inproceedings": "booktitle"}.get(kind, "series")
    fields = {
        "title": citation.get("title"),
        "year": _part(citation, 0),
        "month": _part(citation, 1),
        "type": genre,
        {"mastersthesis": "school", "phdthesis": "school", "techreport": "institution"}.get(
            kind, "publisher"
        ): citation.get("publisher"),
        within: citation.get("container-title"),
        "volume": citation.get("volume"),
        "number": citation.get("issue"),
        "edition": citation.get("edition"),
        "pages": "--".join(filter(None, _pages(citation))),
        "isbn": citation.get("ISBN"),
        "issn": citation.get("ISSN"),
        "language": citation.get("language"),
        "abstract": citation.get("abstract"),
    }
    addresses = {"doi": citation.get("DOI"), "url": citation["URL"]}
    texts = {name: text.translate(_LATEX) for name, text in fields.items() if text}
    texts |= {name: text.translate(_IN_URLS) for name, text in addresses.items() if text}
    persons = {role: [_person(name) for name in citation[role]] for role in _NAMES if role in citation}
    entry = Entry(kind, fields=texts, persons=persons)
    return str(_BibtexWriter().to_string(BibliographyData({citation["id"]: entry})))


def ris(citation: Mapping[str, Any]) -> str:
    """Return a citation as RIS."""
    start, end = _pages(citation)
    fields = {
        "type_of_reference": _RIS_TYPES.get(citation["type"], "GEN"),
        "type_of_work": citation.get("genre"),
        "title": citation.get("title"),
        "authors": [_one_line(name) for name in citation.get("author", ())],
        "secondary_authors": [_one_line(name) for name in citation.get("editor", ())],
        "year": _part(citation, 0),
        "date": "/".join(filter(None, (_part(citation, place) for place in range(3)))),
        "secondary_title": citation.get("container-title"),
        "publisher": citation.get("publisher"),
        "volume": citation.get("volume"),
        "number": citation.get("issue"),
        "edition": citation.get("edition"),
        "start_page": start,
        "end_page": end,
        "issn": citation.get("ISBN") or citation.get("ISSN"),
        "doi": citation.get("DOI"),
        "urls": [citation["URL"]],
        "language": citation.get("language"),
        "abstract": citation.get("abstract"),
        "id": citation["id"],
    }
    one_line = {name: " ".join(text.split()) if isinstance(text, str) else text for name, text in fields.items()}
    return str(rispy.dumps([{name: value for name, value in one_line.items() if value}], implementation=_RisWriter))


class _BibtexWriter(BibtexWriter):  # type: ignore[misc]
    """The BibTeX writer of pybtex, which escapes no characters of addresses: programs open them as they are."""

    def _write_field(self, stream: TextIO, type: str, value: str) -> None:
        if type in ("doi", "url"):
            stream.write(f",\n    {type} = {{{value}}}")
        else:
            super()._write_field(stream, type, value)


class _RisWriter(rispy.RisWriter):  # type: ignore[misc]
    """The RIS writer of rispy without the number that it puts before each reference."""

    def set_header(self, count: int) -> str:
        """Return no header."""
        return ""


def _texts(values: Values, term: str) -> list[str]:
    """Return the texts of a term, which UTF-8 can hold. A URI is its own text."""
    return [encodable(value["uri"] if "uri" in value else value["value"]) for value in values.get(term, ())]


def _first(values: Values, *terms: str) -> str | None:
    return next((text for term in terms for text in _texts(values, term)), None)


def _name(text: str) -> dict[str, str]:
    """Return "Family, Given, Jr., 1830-1894" as a CSL name without the years, and any other name as a literal."""
    name = _YEARS_OF_LIFE.sub("", text).strip()
    suffix = _SUFFIX.search(name)
    family, _, given = name[: suffix.start() if suffix else None].partition(",")
    if given.strip():
        return {"family": family.strip(), "given": given.strip()} | ({"suffix": suffix[1]} if suffix else {})
    return {"literal": text.strip()}


def _one_line(name: Mapping[str, str]) -> str:
    parts = (name[part] for part in ("literal", "family", "given", "suffix") if part in name)
    return " ".join(", ".join(parts).split())


def _person(name: Mapping[str, str]) -> Person:
    """Return a name for BibTeX. A literal stands in braces, so that BibTeX does not take it apart."""
    if "literal" in name:
        return Person(f"{{{_one_line(name).translate(_LATEX)}}}")
    parts = (name[part] for part in ("family", "suffix", "given") if part in name)
    return Person(" ".join(", ".join(parts).split()).translate(_LATEX))


def _date(text: str | None) -> dict[str, Any] | None:
    """Return a date such as 1994-03 as a CSL date. Other texts stay as they are, as literals."""
    if not text:
        return None
    if found := _DATE.match(text):
        return {"date-parts": [[int(part) for part in found.groups() if part]]}
    return {"literal": text}


def _pages(citation: Mapping[str, Any]) -> tuple[str, str]:
    """Return the first and the last page of a citation, each "" if it has none."""
    text = citation.get("page", "")
    start, _, end = text.partition("–" if "–" in text else "-")
    return start, end


def _part(citation: Mapping[str, Any], place: int) -> str:
    """Return the year, month or day of a citation with two digits or more, or ""."""
    parts = citation.get("issued", {}).get("date-parts", [[]])[0]
    return f"{parts[place]:02}" if place < len(parts) else ""
