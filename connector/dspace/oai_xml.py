"""Converts the elements of OAI-PMH answers, and the metadata of DSpace in them, into records.

`xoai` gives every value of an item by schema, element, qualifier and language, and every file with size and checksum.
`dim` gives the values alone. It repeats the first authority of a field for all its values, so authorities are left out.
DSpace 4 to 6 give only those of the schema `dc`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from ..errors import BadResponseError
from ..i18n import gettext as _
from .records import Bitstream, MetadataValue
from .urls import bitstream_of, path_of

OAI = "{http://www.openarchives.org/OAI/2.0/}"
XOAI = "{http://www.lyncode.com/xoai}"
DIM = "{http://www.dspace.org/xmlns/dspace/dim}"
_NO_LANGUAGE = "none"
# Elements that stand beside the metadata schemas. LICENSE holds the text of the deposit licence in base64.
_BUNDLES, _OTHERS, _SITE, _LICENSE = "bundles", "others", "repository", "license"
_NO_SCHEMAS = (_BUNDLES, _OTHERS, _SITE, _LICENSE)
# The confidences that DSpace 7 and later give over REST, and leave out here: without an authority, and with one.
_UNSET, _NO_VALUE = -1, 0


@dataclass(frozen=True, slots=True)
class Header:
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


@dataclass(frozen=True, slots=True)
class Record:
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
    identifier = text_of(element, "identifier")
    if not identifier:
        raise BadResponseError(_("%(url)s gave a record without identifier.", url=url), url)
    sets = [(each.text or "").strip() for each in element.findall(OAI + "setSpec")]
    return Header(
        identifier,
        text_of(element, "datestamp"),
        element.get("status") == "deleted",
        tuple(handle_of(spec) for spec in sets if spec.startswith("col_")),
        tuple(handle_of(spec) for spec in sets if spec.startswith("com_")),
    )


def handle_of(spec: str) -> str:
    """Return the handle in the name of a set: `col_123456789_5` is `123456789/5`."""
    return spec.partition("_")[2].replace("_", "/", 1)


def record_of(element: etree._Element, url: str, *, is_newer: bool) -> Record:
    """Return a record. `is_newer`: it comes from DSpace 7 or later.

    Raise BadResponseError if a record that is not deleted has neither `xoai` nor `dim` metadata.
    """
    own = element.find(OAI + "header")
    if own is None:
        raise BadResponseError(_("%(url)s gave a record without header.", url=url), url)
    header = header_of(own, url)
    if header.is_deleted:
        return Record(header)
    if (xoai := element.find(f"{OAI}metadata/{XOAI}metadata")) is not None:
        return _of_xoai(header, xoai, url, is_newer)
    if (dim := element.find(f"{OAI}metadata/{DIM}dim")) is not None:
        return Record(header, _ordered(_values_of_dim(dim, is_newer), is_newer), None, header.datestamp or None)
    raise BadResponseError(
        _("%(url)s gave the record %(identifier)s without its metadata.", url=url, identifier=header.identifier), url
    )


def _of_xoai(header: Header, xoai: etree._Element, url: str, is_newer: bool) -> Record:
    parts = {name: part for part in xoai if (name := part.get("name")) in (_BUNDLES, _OTHERS, _SITE)}
    others, site = _fields(parts.get(_OTHERS)), _fields(parts.get(_SITE))
    values = (value for schema in xoai if _is_schema(schema) for value in _values(schema, url, is_newer))
    return Record(
        header,
        _ordered(values, is_newer),
        tuple(_bitstreams(parts.get(_BUNDLES), header.id)),
        others.get("lastModifyDate") or None,
        site.get("url", ""),
    )


def _ordered(values: Iterable[MetadataValue], is_newer: bool) -> tuple[MetadataValue, ...]:
    """Return values by field, as the REST API of DSpace 7 and later does, and unsorted for older versions."""
    return tuple(sorted(values, key=lambda value: value.field) if is_newer else values)


def _is_schema(element: etree._Element) -> bool:
    return element.tag == f"{XOAI}element" and element.get("name") not in _NO_SCHEMAS


def _values_of_dim(dim: etree._Element, is_newer: bool) -> Iterator[MetadataValue]:
    for each in dim.iterchildren(f"{DIM}field"):
        names = [each.get(name) for name in ("mdschema", "element", "qualifier")]
        if names[0] not in _NO_SCHEMAS:
            field = ".".join(filter(None, names))
            yield MetadataValue(field, each.text or "", each.get("lang"), None, _UNSET if is_newer else None)


def _values(schema: etree._Element, url: str, is_newer: bool) -> Iterator[MetadataValue]:
    """Yield the values of a schema.

    Below an element stand languages and qualifiers. Languages hold values, and qualifiers hold languages. One name may
    be both (`dc.title` in French, and `dc.title.fr`).
    """
    for element in schema.iterchildren(f"{XOAI}element"):
        field = f"{schema.get('name')}.{element.get('name')}"
        for inner in element.iterchildren(f"{XOAI}element"):
            yield from _in_language(field, inner, is_newer)
            for language in inner.iterchildren(f"{XOAI}element"):
                yield from _in_language(f"{field}.{inner.get('name')}", language, is_newer)
                if language.find(f"{XOAI}element") is not None:
                    raise BadResponseError(_("%(url)s gave metadata with a fifth level.", url=url), url)


def _in_language(field: str, element: etree._Element, is_newer: bool) -> Iterator[MetadataValue]:
    """Yield the values of a field in one language. An authority and its confidence follow their value."""
    language = element.get("name")
    groups: list[dict[str, str]] = []
    for each in element.iterchildren(f"{XOAI}field"):
        name = each.get("name") or ""
        if name == "value":
            groups.append({})
        if groups:
            groups[-1][name] = each.text or ""
    for group in groups:
        authority = group.get("authority")
        default = (_UNSET if authority is None else _NO_VALUE) if is_newer else None
        confidence = _number(group.get("confidence"), default)
        yield MetadataValue(
            field, group["value"], None if language == _NO_LANGUAGE else language, authority, confidence
        )


def _bitstreams(bundles: etree._Element | None, handle: str) -> Iterator[Bitstream]:
    """Yield the files, each id once: equal ids lead to the same file."""
    met = set[str]()
    for bundle in () if bundles is None else bundles.iterchildren(f"{XOAI}element"):
        name = _fields(bundle).get("name", "")
        for element in bundle.iterfind(f"{XOAI}element/{XOAI}element"):
            bitstream = _bitstream(_fields(element), name, handle)
            if bitstream.id not in met:
                yield bitstream
            met.add(bitstream.id)


def _bitstream(found: Mapping[str, str], bundle: str, handle: str) -> Bitstream:
    """Return a file. Its id is the uuid in its address on DSpace 7 and later, before that HANDLE/SEQUENCE/NAME."""
    sequence, name = found.get("sid") or "", found.get("name") or None
    return Bitstream(
        id=bitstream_of(path_of(found.get("url", "")) or "") or f"{handle}/{sequence}/{name or ''}",
        bundle=bundle,
        name=name,
        description=found.get("description"),
        media_type=found.get("format") or None,
        size=_number(found.get("size"), None),
        checksum=(found.get("checksum") or "").lower() or None,
        checksum_algorithm=found.get("checksumAlgorithm") or None,
        sequence=_number(sequence, None),
    )


def _fields(element: etree._Element | None) -> dict[str, str]:
    """Return the fields directly below an element, by name."""
    fields = () if element is None else element.iterchildren(f"{XOAI}field")
    return {each.get("name") or "": each.text or "" for each in fields}


def _number(text: str | None, default: int | None) -> int | None:
    """Return the integer in a text of at most 18 digits, or the default for any other text."""
    digits = (text or "").removeprefix("-")
    return int(text or "") if digits.isdecimal() and digits.isascii() and len(digits) <= 18 else default
