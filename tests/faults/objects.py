"""The rows of the matrix: the kinds of objects at which a fault happens, by their addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_UUID = "[0-9a-f-]{36}"
_SEARCH = "/server/api/discover/search/objects\\?(?=.*dsoType="


class Stage(StrEnum):
    """What a person does while the fault lasts."""

    CONNECT = "connect"
    LIST = "list communities and collections"
    IMPORT = "import"
    RERUN = "import again, after changes at the source"


@dataclass(frozen=True)
class Object:
    """A kind of object. `legacy`, `hal`: which requests ask for it, of DSpace 4 to 6 and from 7 on; None: none do."""

    name: str
    legacy: str | None
    hal: str
    stages: Sequence[Stage]

    def is_asked_for(self, target: str) -> bool:
        """Return whether this request (path and query) asks for such an object."""
        pattern = self.hal if target.startswith("/server") else self.legacy
        return pattern is not None and re.match(pattern, target) is not None

    def exists_in(self, generation: int) -> bool:
        """Return whether such an object is asked for by itself: DSpace 4 to 6 list files with their items."""
        return generation >= 7 or self.legacy is not None


OBJECTS = {
    each.name: each
    for each in (
        Object("root", r"/rest(/status)?/?(\?|$)", r"/server/api/?(\?|$)", (Stage.CONNECT, Stage.IMPORT)),
        Object(
            "tree",
            r"/rest/(communities|collections|hierarchy)(/\w+/(communities|collections))?(\?|$)|/rest/communities/",
            rf"{_SEARCH}(community|collection))|/server/api/core/(communities|collections)(/search/top)?(\?|$)"
            rf"|/server/api/core/(communities|collections)/",
            (Stage.LIST, Stage.IMPORT, Stage.RERUN),
        ),
        Object(
            "page",
            r"/rest/collections/[^/?]+(/items|\?expand=items)|/rest/items(\?|$)",
            rf"{_SEARCH}item)",
            (Stage.IMPORT, Stage.RERUN),
        ),
        Object("item", r"/rest/items/[^/?]+(\?|$)", rf"/server/api/core/items/{_UUID}(\?|$)", (Stage.RERUN,)),
        Object(
            "file list",
            None,
            rf"/server/api/core/(items/{_UUID}/bundles|bundles/{_UUID}/bitstreams)",
            (Stage.IMPORT,),
        ),
        Object("file", r"/rest/bitstreams/", r"/server/api/core/bitstreams/", (Stage.IMPORT,)),
    )
}


def is_consistent(generation: int, name: str, fault: str, stage: Stage) -> bool:
    """Return whether the fault makes the source look empty in every answer: nothing could tell that this is wrong.

    The counts of collections tell it on DSpace 4 to 6, and what was held before in a second import. An item that is
    asked for by itself may well have no files on 4 to 6, where it brings them.
    """
    looks_empty = name == "tree" or (name == "page" and generation >= 7)
    alike = (name == "item" and generation < 7) or (looks_empty and stage != Stage.RERUN)
    return fault == "no rows" and alike
