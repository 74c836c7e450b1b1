"""The OAI-PMH of DSpace: the same content as the REST API, as recorded from a DSpace 9.3.

The index is fresh until `freeze` is called. It shows what everybody may see, whoever asks. `page_size` records fill a
page. A token names prefix, dates, set and offset, as in DSpace. `formats`: those that it gives.

`other_context`: the name of a context beside `request`, "" for none. It shows each second item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from html import escape
from urllib.parse import quote

from lxml import etree

from . import content
from .answers import Answer, Request
from .hal_json import date, instant
from .legacy_json import metadata_order, stamp
from .records import Bitstream, Collection, Community, Item, Value, signed_in
from .served import Served

FORMATS = ("xoai", "dim", "oai_dc")
DIM = "http://www.dspace.org/xmlns/dspace/dim"
HEADERS = {"Content-Type": "text/xml;charset=UTF-8"}
ROOT = (
    '<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/xsl" href="static/style.xsl"?>'
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-11-23T23:33:33Z</responseDate>'
    "<request>http://internal.invalid:8080/oai/request</request>"
)
LICENCE = '<element name="license"><field name="bin">Tk9URTogUExBQ0U=</field></element>'
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
CONTROL = re.compile("[\x00-\x1f]")
DOUBLE = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})


class OaiError(Exception):
    """An error of the protocol, which is sent with status 200."""


@dataclass(frozen=True)
class Record:
    """A record of the index. `metadata`: returns its XML in a format."""

    handle: str
    datestamp: str
    is_deleted: bool
    sets: tuple[str, ...]
    metadata: Callable[[str], str]

    def header(self) -> str:
        deleted = ' status="deleted"' if self.is_deleted else ""
        sets = "".join(f"<setSpec>{name}</setSpec>" for name in self.sets)
        identifier = f"<identifier>oai:127.0.0.1:{self.handle}</identifier>"
        return f"<header{deleted}>{identifier}<datestamp>{self.datestamp}</datestamp>{sets}</header>"

    def full(self, format: str) -> str:
        metadata = "" if self.is_deleted else f"<metadata>{self.metadata(format)}</metadata>"
        return f"<record>{self.header()}{metadata}</record>"

    def frozen(self) -> Record:
        """Return a record that later changes of the item do not change."""
        texts = {} if self.is_deleted else {format: self.metadata(format) for format in FORMATS}
        return replace(self, metadata=texts.__getitem__)


class Oai:
    """The OAI-PMH of one sample. `escapes_twice`: as 7.6.6, 8.3, 9.2 and later. `expired`: tokens refused once."""

    def __init__(self, sample: Served, generation: int):
        self._sample, self._data, self._newer = sample, sample.data, generation >= 7
        self._generation = generation
        self.path = "/server/oai/request" if self._newer else "/oai/request"
        self.page_size = 100
        self.escapes_twice = generation >= 9
        self.gives_counts = True
        self.formats, self.other_context = FORMATS, ""
        self.expired: set[str] = set()
        self._frozen: list[Record] | None = None

    def freeze(self) -> None:
        """Make the index anew, and keep it as it is. Without this, every change shows at once."""
        with self._data.lock:
            self._frozen = [record.frozen() for record in self._fresh()]

    def refresh(self, item: Item) -> None:
        """Make the record of one item anew in an index that is kept, as an index that is being made may hold it."""
        with self._data.lock:
            kept = [record for record in self._frozen or () if record.handle != item.handle]
            self._frozen = kept + [record.frozen() for record in self._fresh() if record.handle == item.handle]

    def thaw(self) -> None:
        """Show every change at once again."""
        self._frozen = None

    def answer(self, request: Request) -> Answer | None:
        """Return the answer to an OAI-PMH request or to the address of a file in its records, or None."""
        other = f"{self.path.rpartition('/')[0]}/{self.other_context}"
        if request.path == self.path or request.path == other:
            before = signed_in.set(False)
            try:
                return self._spoken(request)
            finally:
                signed_in.reset(before)
        if found := re.fullmatch(r"/bitstreams/([^/]+)/download", request.path) if self._newer else None:
            return self._file(self._data.bitstreams.get(found[1]), request)
        if found := None if self._newer else re.fullmatch(r"/bitstream/([^/]+/[^/]+)/(-?\d+)/.*", request.path):
            item = self._data.handles.get(found[1])
            files = item.bitstreams if isinstance(item, Item) else []
            return self._file(next((one for one in files if one.sequence == int(found[2])), None), request)
        return None

    def _file(self, one: Bitstream | None, request: Request) -> Answer:
        if one is None:
            return Answer(404, b"<html>no such file</html>", {"Content-Type": "text/html"})
        if not one.is_open:
            return Answer(401, b"<html><title>Error 401 Unauthorized</title></html>", {"Content-Type": "text/html"})
        return content.answer(one, request)

    def _spoken(self, request: Request) -> Answer:
        verbs: dict[str, Callable[[Request], tuple[str, int]]] = {
            "Identify": self._identify,
            "ListSets": self._sets,
            "ListRecords": partial(self._listed, write=Record.full),
            "ListIdentifiers": partial(self._listed, write=lambda record, format: record.header()),
            "ListMetadataFormats": self._metadata_formats,
            "GetRecord": self._record,
        }
        rows = 0
        try:
            verb = request.one("verb")
            if verb not in verbs:
                raise OaiError("badVerb", "Illegal verb")
            text, rows = verbs[verb](request)
            body = f"<{verb}>{text}</{verb}>"
        except OaiError as error:
            body = f'<error code="{error.args[0]}">{error.args[1]}</error>'
        price = self._sample.costs.per_record * rows
        return Answer(200, f"{ROOT}{body}</OAI-PMH>".encode(), dict(HEADERS), chunked=True, price=price)

    # -- verbs: they return XML, and the number of records that were read for it

    def _identify(self, request: Request) -> tuple[str, int]:
        deleted = "persistent" if self._generation == 4 else "transient"
        return (
            f"<repositoryName>{escape(self._data.name)}</repositoryName><baseURL>http://internal.invalid:8080</baseURL>"
            f"<protocolVersion>2.0</protocolVersion><deletedRecord>{deleted}</deletedRecord>"
        ), 0

    def _sets(self, request: Request) -> tuple[str, int]:
        shown = [*self._data.communities.values(), *(one for one in self._data.collections.values() if one.readable)]
        sets = [f"<set><setSpec>{spec(one)}</setSpec><setName>{escape(one.name)}</setName></set>" for one in shown]
        return self._page(request, sets, "////"), 0

    def _metadata_formats(self, request: Request) -> tuple[str, int]:
        names = (f"<metadataPrefix>{name}</metadataPrefix>" for name in self.formats)
        return "".join(f"<metadataFormat>{name}</metadataFormat>" for name in names), 0

    def _record(self, request: Request) -> tuple[str, int]:
        handle = request.one("identifier").split(":", 2)[-1]
        found = next((record for record in self._index() if record.handle == handle), None)
        if found is None:
            raise OaiError("idDoesNotExist", "The given id does not exist")
        return found.full(self._format(request.one("metadataPrefix"))), 1

    def _format(self, name: str) -> str:
        if name not in self.formats:
            raise OaiError("cannotDisseminateFormat", "Unknown metadata format")
        return name

    def _listed(self, request: Request, write: Callable[[Record, str], str]) -> tuple[str, int]:
        token = request.one("resumptionToken")
        if token in self.expired:
            self.expired.discard(token)
            raise OaiError("badResumptionToken", "The resumption token is invalid")
        asked = [request.one(name) for name in ("metadataPrefix", "from", "until", "set")]
        prefix, since, until, home = token.split("/")[:4] if token else asked
        self._format(prefix)
        found = [one for one in self._index() if not home or home in one.sets]
        found = found if request.path == self.path else found[::2]
        found = [one for one in found if since <= one.datestamp and (not until or one.datestamp <= until)]
        if not found:
            raise OaiError("noRecordsMatch", "No matches for the query")
        start = "/".join((prefix, since, until, home, ""))
        return self._page(request, found, start, partial(write, format=prefix)), len(self._rows(request, found))

    def _page(self, request: Request, rows: Sequence, start: str, write: Callable = str) -> str:
        offset = self._offset(request)
        end = offset + self.page_size
        count = f' completeListSize="{len(rows)}" cursor="{offset // self.page_size}"' if self.gives_counts else ""
        token = f"{start}{end}" if end < len(rows) else ""
        last = f"<resumptionToken{count}>{token}</resumptionToken>" if token or offset else ""
        return "".join(write(row) for row in self._rows(request, rows)) + last

    def _rows(self, request: Request, rows: Sequence) -> Sequence:
        offset = self._offset(request)
        return rows[offset : offset + self.page_size]

    def _offset(self, request: Request) -> int:
        return int(request.one("resumptionToken").rpartition("/")[2] or 0)

    # -- records

    def _index(self) -> list[Record]:
        return list(self._fresh()) if self._frozen is None else self._frozen

    def _fresh(self) -> Iterator[Record]:
        for one in self._data.items.values():
            if self._is_indexed(one):
                sets = tuple(map(spec, self._homes(one)))
                datestamp = one.last_modified.strftime("%Y-%m-%dT%H:%M:%SZ")
                yield Record(one.handle, datestamp, self._is_deleted(one), sets, partial(self._metadata, one))

    def _is_indexed(self, one: Item) -> bool:
        """Return whether there is a record. Restricted items, old versions and most entities have none."""
        is_shown = one.readable and (one.in_archive or one.withdrawn)
        return is_shown and one.first("dspace.entity.type") in (None, "Publication")

    def _homes(self, one: Item) -> list[Community | Collection]:
        return [*self._data.ancestors(one), *one.collections]

    def _is_deleted(self, one: Item) -> bool:
        """Return whether an item is withdrawn or private. DSpace 4 lists private items here, too."""
        return one.withdrawn or not (one.discoverable or self._generation == 4)

    def _metadata(self, one: Item, format: str) -> str:
        """Return the metadata of an item as `xoai` or `dim`. For other formats, an empty element of theirs."""
        if format == "dim":
            return self._dim(one)
        if format != "xoai":
            return f'<{format} xmlns="urn:{format}"/>'
        bundles = "".join(self._bundle(bundle.name, bundle.bitstreams) for bundle in one.bundles)
        others = _field("handle", one.handle) + _field("lastModifyDate", self._moment(one.last_modified))
        return (
            f'<metadata xmlns="http://www.lyncode.com/xoai">{self._values(one)}'
            f'<element name="bundles">{bundles}</element><element name="others">{others}</element>'
            f'<element name="repository">{_field("url", self._data.site)}</element>{LICENCE}</metadata>'
        )

    def _dim(self, one: Item) -> str:
        """Return the values, with the first authority of those in one language at each of them, as DSpace does."""
        values = etree.fromstring(f"<metadata>{self._values(one)}</metadata>")
        dim = etree.Element(f"{{{DIM}}}dim", nsmap={"dim": DIM})
        for each in values.iter("field"):
            path = [above.get("name") for above in each.iterancestors()][-2::-1]
            if each.get("name") == "value" and (self._newer or path[0] == "dc"):
                names = dict(zip(("mdschema", "element", "qualifier"), path[:-1], strict=False))
                field = etree.SubElement(dim, f"{{{DIM}}}field", names)
                field.text = each.text
                if path[-1] != "none":
                    field.set("lang", path[-1])
                if (authority := each.getparent().find("field[@name='authority']")) is not None:
                    field.set("authority", authority.text or "")
        etree.SubElement(dim, f"{{{DIM}}}field", mdschema="others", element="access-status").text = "open.access"
        return etree.tostring(dim, encoding="unicode")

    def _moment(self, when: datetime) -> str:
        return (instant if self._generation >= 9 else date if self._newer else stamp)(when)

    def _values(self, one: Item) -> str:
        """Return values by schema, element, qualifier and language, each where it first stands."""
        tree: dict[str, dict] = {}
        for value in _by_place(one.values_shown) if self._newer else sorted(one.values_shown, key=metadata_order):
            path = [*value.field.split(".", 2), value.language or "none"]
            at = tree
            for name in path:
                at = at.setdefault(name, {})
            at.setdefault("", []).append(self._value(value))
        return _tree(tree)

    def _value(self, value: Value) -> str:
        text = FORBIDDEN.sub(" " if self._newer else "", value.value or "")
        if self._newer:
            text = CONTROL.sub(" ", text).strip()
        if self.escapes_twice:
            text = text.translate(DOUBLE)
        authority = "" if value.authority is None else _field("authority", value.authority)
        if value.authority is not None and value.confidence:
            authority += _field("confidence", str(value.confidence))
        return _field("value", text) + authority

    def _bundle(self, name: str, files: Iterable[Bitstream]) -> str:
        inner = "".join(f'<element name="bitstream">{self._bitstream(one)}</element>' for one in files)
        return f'<element name="bundle">{_field("name", name)}<element name="bitstreams">{inner}</element></element>'

    def _bitstream(self, one: Bitstream) -> str:
        name = one.name or ""
        if self._newer:
            address = f"{self._data.site}/bitstreams/{one.uuid}/download"
        else:
            address = f"{self._data.site}/bitstream/{one.item.handle}/{one.sequence}/{quote(name, safe='')}"
        fields = {
            "name": name,
            "description": one.description,
            "format": one.mimetype,
            "size": str(len(one.content)) if one.has_size else None,
            "url": address,
            "checksum": one.checksum,
            "checksumAlgorithm": "MD5" if one.checksum else None,
            "sid": str(one.sequence),
        }
        policy = '<element name="resourcePolicies"><element name="resourcePolicy"><field name="group">Anonymous</field>'
        policy += "</element></element>"
        return "".join(_field(key, text) for key, text in fields.items() if text is not None) + policy


def spec(one: Community | Collection) -> str:
    """Return the name of the set of a community or collection."""
    return f"{'com' if isinstance(one, Community) else 'col'}_{one.handle.replace('/', '_')}"


def _by_place(values: Iterable[Value]) -> list[Value]:
    """Return values by place. Of values of a field with equal place only the first is kept, as over REST."""
    found: dict[tuple[str, int], Value] = {}
    for value in sorted(values, key=lambda one: one.place):
        found.setdefault((value.field, value.place), value)
    return list(found.values())


def _tree(tree: dict) -> str:
    parts = []
    for name, inner in tree.items():
        if name == "":
            parts += inner
        else:
            parts.append(f'<element name="{escape(name)}">{_tree(inner)}</element>')
    return "".join(parts)


def _field(name: str, text: str) -> str:
    return f'<field name="{name}">{escape(text, quote=False)}</field>'
