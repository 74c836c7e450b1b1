"""The OAI-PMH of DSpace: the same content as the REST API, as recorded from a DSpace 9.3.

The index is always fresh. `page_size` records fill a page. A token names prefix, dates, set and offset, as in DSpace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape
from urllib.parse import quote

from . import content
from .answers import Answer, Request
from .hal_json import date, instant
from .legacy_json import metadata_order, stamp
from .records import Bitstream, Collection, Community, Item, Value
from .served import Served

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


class Oai:
    """The OAI-PMH of one sample. `escapes_twice`: as 7.6.6, 8.3, 9.2 and later. `expired`: tokens refused once."""

    def __init__(self, sample: Served, generation: int):
        self._sample, self._data, self._newer = sample, sample.data, generation >= 7
        self._generation = generation
        self.path = "/server/oai/request" if self._newer else "/oai/request"
        self.page_size = 100
        self.escapes_twice = generation >= 9
        self.gives_counts = True
        self.expired: set[str] = set()

    def answer(self, request: Request) -> Answer | None:
        """Return the answer to an OAI-PMH request or to the address of a file in its records, or None."""
        if request.path == self.path:
            return self._spoken(request)
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
        verbs: dict[str, Callable[[Request], str]] = {
            "Identify": self._identify,
            "ListSets": self._sets,
            "ListRecords": self._records,
            "ListIdentifiers": self._headers,
            "GetRecord": self._record,
        }
        try:
            verb = request.one("verb")
            if verb not in verbs:
                raise OaiError("badVerb", "Illegal verb")
            body = f"<{verb}>{verbs[verb](request)}</{verb}>"
        except OaiError as error:
            body = f'<error code="{error.args[0]}">{error.args[1]}</error>'
        return Answer(200, f"{ROOT}{body}</OAI-PMH>".encode(), dict(HEADERS), chunked=True)

    # -- verbs

    def _identify(self, request: Request) -> str:
        deleted = "persistent" if self._generation == 4 else "transient"
        return (
            f"<repositoryName>{escape(self._data.name)}</repositoryName><baseURL>http://internal.invalid:8080</baseURL>"
            f"<protocolVersion>2.0</protocolVersion><deletedRecord>{deleted}</deletedRecord>"
        )

    def _sets(self, request: Request) -> str:
        shown = [*self._data.communities.values(), *(one for one in self._data.collections.values() if one.is_readable)]
        sets = [f"<set><setSpec>{spec(one)}</setSpec><setName>{escape(one.name)}</setName></set>" for one in shown]
        return self._page(request, sets, "////")

    def _records(self, request: Request) -> str:
        return self._listed(request, self._full)

    def _headers(self, request: Request) -> str:
        return self._listed(request, self._header)

    def _record(self, request: Request) -> str:
        handle = request.one("identifier").split(":", 2)[-1]
        one = self._data.handles.get(handle)
        if not isinstance(one, Item) or not self._is_indexed(one):
            raise OaiError("idDoesNotExist", "The given id does not exist")
        return self._full(one)

    def _listed(self, request: Request, write: Callable[[Item], str]) -> str:
        token = request.one("resumptionToken")
        if token in self.expired:
            self.expired.discard(token)
            raise OaiError("badResumptionToken", "The resumption token is invalid")
        parts = token.split("/") if token else [request.one("metadataPrefix"), "", "", request.one("set"), "0"]
        if parts[0] != "xoai":
            raise OaiError("cannotDisseminateFormat", "Unknown metadata format")
        found = [one for one in self._data.items.values() if self._is_indexed(one)]
        found = [one for one in found if not parts[3] or parts[3] in map(spec, self._homes(one))]
        if not found:
            raise OaiError("noRecordsMatch", "No matches for the query")
        return self._page(request, found, f"xoai///{parts[3]}/", write)

    def _page(self, request: Request, rows: Sequence, start: str, write: Callable = str) -> str:
        offset = int(request.one("resumptionToken").rpartition("/")[2] or 0)
        end = offset + self.page_size
        count = f' completeListSize="{len(rows)}" cursor="{offset // self.page_size}"' if self.gives_counts else ""
        token = f"{start}{end}" if end < len(rows) else ""
        last = f"<resumptionToken{count}>{token}</resumptionToken>" if token or offset else ""
        return "".join(write(row) for row in rows[offset:end]) + last

    # -- records

    def _is_indexed(self, one: Item) -> bool:
        """Return whether there is a record of the item. Restricted items and old versions have none."""
        return one.readable and (one.in_archive or one.withdrawn)

    def _homes(self, one: Item) -> list[Community | Collection]:
        return [*self._data.ancestors(one), *one.collections]

    def _header(self, one: Item) -> str:
        deleted = ' status="deleted"' if self._is_deleted(one) else ""
        sets = "".join(f"<setSpec>{spec(home)}</setSpec>" for home in self._homes(one))
        datestamp = one.last_modified.strftime("%Y-%m-%dT%H:%M:%SZ")
        identifier = f"<identifier>oai:127.0.0.1:{one.handle}</identifier>"
        return f"<header{deleted}>{identifier}<datestamp>{datestamp}</datestamp>{sets}</header>"

    def _is_deleted(self, one: Item) -> bool:
        """Return whether an item is withdrawn or private. DSpace 4 lists private items here, too."""
        return one.withdrawn or not (one.discoverable or self._generation == 4)

    def _full(self, one: Item) -> str:
        if self._is_deleted(one):
            return f"<record>{self._header(one)}</record>"
        return f"<record>{self._header(one)}<metadata>{self._metadata(one)}</metadata></record>"

    def _metadata(self, one: Item) -> str:
        bundles = "".join(self._bundle(bundle.name, bundle.bitstreams) for bundle in one.bundles)
        others = _field("handle", one.handle) + _field("lastModifyDate", self._moment(one.last_modified))
        return (
            f'<metadata xmlns="http://www.lyncode.com/xoai">{self._values(one)}'
            f'<element name="bundles">{bundles}</element><element name="others">{others}</element>'
            f'<element name="repository">{_field("url", self._data.site)}</element>{LICENCE}</metadata>'
        )

    def _moment(self, when: datetime) -> str:
        return (instant if self._generation >= 9 else date if self._newer else stamp)(when)

    def _values(self, one: Item) -> str:
        """Return values by schema, element, qualifier and language, each where it first stands."""
        tree: dict[str, dict] = {}
        order = None if self._newer else metadata_order
        for value in sorted(one.values_shown, key=order) if order else _by_place(one.values_shown):
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
