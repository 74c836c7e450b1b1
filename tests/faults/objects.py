"""The rows of the matrix: the kinds of objects at which a fault happens, by their addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from .setups import Api

_UUID = "[0-9a-f-]{36}"
_SEARCH = "/server/api/discover/search/objects\\?(?=.*dsoType="
_OAI = r"/(server/)?oai/request\?verb="
_FIRST, _LATER = "(?!.*resumptionToken=)", "(?=.*resumptionToken=)"


class Stage(StrEnum):
    """What a person does while the fault lasts."""

    CONNECT = "connect"
    LIST = "list communities and collections"
    IMPORT = "import"
    RERUN = "import again, after changes at the source"


@dataclass(frozen=True)
class Object:
    """A kind of object. `pattern`: which requests ask for it. `stages`: in which they do."""

    pattern: str
    stages: Sequence[Stage]

    def is_asked_for(self, target: str) -> bool:
        """Return whether this request (path and query) asks for such an object."""
        return re.match(self.pattern, target) is not None


_ROOT = (Stage.CONNECT, Stage.IMPORT)
_TREE = (Stage.LIST, Stage.IMPORT, Stage.RERUN)
_PAGE = (Stage.IMPORT, Stage.RERUN)
_ITEM = (Stage.RERUN,)
_FILE = (Stage.IMPORT,)
_FILE_OVER_REST = Object(r"/server/api/core/bitstreams/", _FILE)
_PAGE_OVER_REST = rf"{_SEARCH}item)"

# By API, and by name. DSpace 4 to 6 list files with their items. Beside REST, only a first import uses OAI-PMH, and
# the pages over REST prove what OAI-PMH gives.
OBJECTS = {
    Api.LEGACY: {
        "root": Object(r"/rest(/status)?/?(\?|$)", _ROOT),
        "tree": Object(
            r"/rest/(communities|collections|hierarchy)(/\w+/(communities|collections))?(\?|$)|/rest/communities/",
            _TREE,
        ),
        "page": Object(r"/rest/collections/[^/?]+(/items|\?expand=items)|/rest/items(\?|$)", _PAGE),
        "item": Object(r"/rest/items/[^/?]+(\?|$)", _ITEM),
        "file": Object(r"/rest/bitstreams/", _FILE),
    },
    Api.HAL: {
        "root": Object(r"/server/api/?(\?|$)", _ROOT),
        "tree": Object(
            rf"{_SEARCH}(community|collection))|/server/api/core/(communities|collections)(/search/top)?(\?|$)"
            rf"|/server/api/core/(communities|collections)/",
            _TREE,
        ),
        "page": Object(_PAGE_OVER_REST, _PAGE),
        "item": Object(rf"/server/api/core/items/{_UUID}(\?|$)", _ITEM),
        "file list": Object(
            rf"/server/api/core/(items/{_UUID}/bundles|bundles/{_UUID}/bitstreams)",
            (Stage.IMPORT,),
        ),
        "file": _FILE_OVER_REST,
    },
    Api.OAI: {
        "Identify": Object(f"{_OAI}Identify", _ROOT),
        "formats": Object(f"{_OAI}ListMetadataFormats", (Stage.CONNECT,)),
        "sets": Object(f"{_OAI}ListSets", _TREE),
        "headers": Object(f"{_OAI}ListIdentifiers", (Stage.LIST,)),
        "first records": Object(f"{_OAI}ListRecords{_FIRST}", (Stage.CONNECT, *_PAGE)),
        "more records": Object(f"{_OAI}ListRecords{_LATER}", _PAGE),
        "record": Object(f"{_OAI}GetRecord", _ITEM),
        "file": Object("/bitstreams?/", _FILE),
    },
    Api.BESIDE: {
        "Identify": Object(f"{_OAI}Identify", (Stage.IMPORT,)),
        "first records": Object(f"{_OAI}ListRecords{_FIRST}", (Stage.IMPORT,)),
        "more records": Object(f"{_OAI}ListRecords{_LATER}", (Stage.IMPORT,)),
        "page": Object(_PAGE_OVER_REST, (Stage.IMPORT,)),
        "file": _FILE_OVER_REST,
    },
}


def is_consistent(api: Api, name: str, fault: str, stage: Stage) -> bool:
    """Return whether the fault makes the source look empty in every answer: nothing could tell that this is wrong.

    The counts of collections tell it on DSpace 4 to 6, and what was held before in a second import. An item that is
    asked for by itself may well have no files on 4 to 6, where it brings them. Over OAI-PMH, a closed collection is
    in no list of sets.
    """
    looks_empty = name in ("tree", "first records") or (name == "page" and api is Api.HAL)
    alike = name == "sets" or (name == "item" and api is Api.LEGACY)
    alike = alike or (looks_empty and stage != Stage.RERUN and api is not Api.BESIDE)
    return fault in ("no rows", "no match") and alike
