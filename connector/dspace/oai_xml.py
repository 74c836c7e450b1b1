"""Converts the elements of OAI-PMH answers, and the metadata of DSpace in them, into records.

`xoai` gives every value of an item by schema, element, qualifier and language, and every file with size and checksum.
`dim` gives the values alone. It repeats the first authority of a field for all its values, so authorities are left out.
DSpace 4 to 6 give only those of the schema `dc`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

from lxml import etree
from msgspec import Struct

from ..errors import BadResponseError
from ..i18n import gettext as _
from .records import Bitstream, MetadataValue
from .urls import bitstream_at

OAI = "{http://www.openarchives.org/OAI/2.0/}"
XOAI = "{http://www.lyncode.com/xoai}"
DIM = "{http://www.dspace.org/xmlns/dspace/dim}"
_HEADER, _METADATA, _IDENTIFIER, _DATESTAMP, _SET = (
    OAI + name for name in ("header", "metadata", "identifier", "datestamp", "setSpec")
)
_XOAI_METADATA, _ELEMENT, _FIELD = (XOAI + name for name in ("metadata", "element", "field"))
_DIM_METADATA = f"{DIM}dim"
_BY_FIELD = attrgetter("field")
_NO_LANGUAGE = "none"
# Elements that stand beside the metadata schemas. LICENSE holds the text of the deposit licence in base64.
_BUNDLES, _OTHERS, _SITE, _LICENSE = "bundles", "others", "repository", "license"
_NO_SCHEMAS = (_BUNDLES, _OTHERS, _SITE, _LICENSE)
# The confidences that DSpace 7 and later give over REST, and leave out here: without an authority, and with one.
_UNSET, _NO_VALUE = -1, 0


class Header(Struct, frozen=True):
    """The header of a record. `id`: the handle of the item, which is the last part of `identifier`.

    `is_deleted`: the item is withdrawn or private, or was deleted. `collections`, `communities`: their handles, nearest
    community first.
    """

    identifier: str
    datestamp: str
    is_deleted: bool
    collections: tuple[str, ...]
    communities: tuple[str, ...]

    @property
    def id(self) -> str:
        """Return the handle, as `oai:HOST:HANDLE` ends with it."""
        return self.identifier.split(":", 2)[-1]


class Record(Struct, frozen=True):
    """A record of an item. The values are as they stand in the XML (see `oai_escaping`).

    `bitstreams`: None if the format does not list them. `site_url`: the address of the user interface that the record
    names, or "".
    """

    header: Header
    metadata: tuple[MetadataValue, ...] = ()
    bitstreams: tuple[Bitstream, ...] | None = ()
    last_modified: str | None = None
    site_url: str = ""


def text_of(element: etree._Element, tag: str) -> str:
    """Return the text of the child with this OAI tag, or ""."""
    return (element.findtext(OAI + tag) or "").strip()


def header_of(element: etree._Element, url: str) -> Header:
    """Return a header. Raise BadResponseError if it has no identifier."""
    texts: dict[str, str] = {}
    sets: list[str] = []
    for each in element:
        text = (each.text or "").strip()
        if each.tag == _SET:
            sets.append(text)
        else:
            texts.setdefault(each.tag, text)
    identifier = texts.get(_IDENTIFIER)
    if not identifier:
        raise BadResponseError(_("%(url)s gave a record without identifier.", url=url), url)
    return Header(
        identifier,
        texts.get(_DATESTAMP, ""),
        element.get("status") == "deleted",
        tuple([handle_of(spec) for spec in sets if spec.startswith("col_")]),
        tuple([handle_of(spec) for spec in sets if spec.startswith("com_")]),
    )


def handle_of(spec: str) -> str:
    """Return the handle in the name of a set: `col_123456789_5` is `123456789/5`."""
    return spec.partition("_")[2].replace("_", "/", 1)


def record_of(element: etree._Element, url: str, *, is_newer: bool) -> Record:
    """Return a record. `is_newer`: it comes from DSpace 7 or later.

    Raise BadResponseError if a record that is not deleted has neither `xoai` nor `dim` metadata.
    """
    parts = {each.tag: each for each in reversed(element)}
    own = parts.get(_HEADER)
    if own is None:
        raise BadResponseError(_("%(url)s gave a record without header.", url=url), url)
    header = header_of(own, url)
    if header.is_deleted:
        return Record(header)
    metadata = {each.tag: each for each in reversed(parts.get(_METADATA, ()))}
    if (xoai := metadata.get(_XOAI_METADATA)) is not None:
        return _of_xoai(header, xoai, url, is_newer)
    if (dim := metadata.get(_DIM_METADATA)) is not None:
        return Record(header, _ordered(_values_of_dim(dim, is_newer), is_newer), None, header.datestamp or None)
    raise BadResponseError(
        _("%(url)s gave the record %(identifier)s without its metadata.", url=url, identifier=header.identifier), url
    )


def _of_xoai(header: Header, xoai: etree._Element, url: str, is_newer: bool) -> Record:
    values: list[MetadataValue] = []
    bitstreams: tuple[Bitstream, ...] = ()
    others: Mapping[str, str] = {}
    site: Mapping[str, str] = {}
    for part in xoai:
        name = part.get("name")
        if name == _BUNDLES:
            bitstreams = _bitstreams(part, header.id)
        elif name == _OTHERS:
            others = _fields(part)
        elif name == _SITE:
            site = _fields(part)
        elif name != _LICENSE and part.tag == _ELEMENT:
            values += _values(part, url, is_newer)
    last_modified = others.get("lastModifyDate") or None
    return Record(header, _ordered(values, is_newer), bitstreams, last_modified, site.get("url", ""))


def _ordered(values: Iterable[MetadataValue], is_newer: bool) -> tuple[MetadataValue, ...]:
    """Return values by field, as the REST API of DSpace 7 and later does, and unsorted for older versions."""
    return tuple(sorted(values, key=_BY_FIELD) if is_newer else values)


def _values_of_dim(dim: etree._Element, is_newer: bool) -> Iterator[MetadataValue]:
    for each in dim.iterchildren(f"{DIM}field"):
        names = [each.get(name) for name in ("mdschema", "element", "qualifier")]
        if names[0] not in _NO_SCHEMAS:
            field = ".".join(filter(None, names))
            yield MetadataValue(field, each.text or "", each.get("lang"), None, _UNSET if is_newer else None)


# An item has about a hundred elements. One call of `find` takes as long as reading the names of ten, so the functions
# below look at each child once.


def _values(schema: etree._Element, url: str, is_newer: bool) -> list[MetadataValue]:
    """Return the values of a schema.

    Below an element stand languages and qualifiers. Languages hold values, and qualifiers hold languages. One name may
    be both (`dc.title` in French, and `dc.title.fr`).
    """
    values: list[MetadataValue] = []
    before = schema.get("name")
    for element in schema:
        field = f"{before}.{element.get('name')}"
        for inner in element:
            fields: list[etree._Element] = []
            languages: list[etree._Element] = []
            for each in inner:
                (fields if each.tag == _FIELD else languages).append(each)
            name = inner.get("name")
            if fields:
                values += _in_language(field, name, fields, url, is_newer)
            for language in languages:
                values += _in_language(f"{field}.{name}", language.get("name"), language, url, is_newer)
    return values


def _in_language(
    field: str, language: str | None, fields: Iterable[etree._Element], url: str, is_newer: bool
) -> list[MetadataValue]:
    """Return the values of a field in one language. An authority and its confidence follow their value."""
    groups: list[dict[str | None, str]] = []
    for each in fields:
        if each.tag == _ELEMENT:
            raise BadResponseError(_("%(url)s gave metadata with a fifth level.", url=url), url)
        name = each.get("name")
        if name == "value":
            groups.append({})
        if groups:
            groups[-1][name] = each.text or ""
    if language == _NO_LANGUAGE:
        language = None
    return [_value(field, language, group, is_newer) for group in groups]


def _value(field: str, language: str | None, group: Mapping[str | None, str], is_newer: bool) -> MetadataValue:
    authority = group.get("authority")
    default = (_UNSET if authority is None else _NO_VALUE) if is_newer else None
    return MetadataValue(field, group["value"], language, authority, _number(group.get("confidence"), default))


def _bitstreams(bundles: etree._Element, handle: str) -> tuple[Bitstream, ...]:
    """Return the files, each id once: equal ids lead to the same file."""
    found: dict[str, Bitstream] = {}
    for bundle in bundles:
        name = _fields(bundle).get("name", "")
        for files in bundle:
            for file in files:
                if file.tag == _ELEMENT:
                    bitstream = _bitstream(_fields(file), name, handle)
                    found.setdefault(bitstream.id, bitstream)
    return tuple(found.values())


def _bitstream(found: Mapping[str, str], bundle: str, handle: str) -> Bitstream:
    """Return a file. Its id is the uuid in its address on DSpace 7 and later, before that HANDLE/SEQUENCE/NAME."""
    sequence, name = found.get("sid") or "", found.get("name") or None
    return Bitstream(
        id=bitstream_at(found.get("url", "")) or f"{handle}/{sequence}/{name or ''}",
        bundle=bundle,
        name=name,
        description=found.get("description"),
        media_type=found.get("format") or None,
        size=_number(found.get("size"), None),
        checksum=(found.get("checksum") or "").lower() or None,
        checksum_algorithm=found.get("checksumAlgorithm") or None,
        sequence=_number(sequence, None),
    )


def _fields(element: etree._Element) -> dict[str, str]:
    """Return the fields directly below an element, by name."""
    return {each.get("name") or "": each.text or "" for each in element if each.tag == _FIELD}


def _number(text: str | None, default: int | None) -> int | None:
    """Return the integer in a text of at most 18 digits, or the default for any other text."""
    if text is None:
        return default
    digits = text.removeprefix("-")
    return int(text) if digits.isdecimal() and digits.isascii() and len(digits) <= 18 else default
