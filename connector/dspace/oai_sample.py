"""Reads some records of a scope over OAI-PMH, spread over the list, to compare them with REST."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .oai_api import OaiApi, OaiList
from .oai_escaping import has_entity
from .oai_xml import Record
from .records import Scope

ITEMS, WITH_ENTITIES, PAGES = 20, 5, 4
_COUNTED = re.compile(r"([^/]*/){4}\d+")  # prefix, from, until, set and offset, as DSpace writes them


def sample_records(api: OaiApi, scope: Scope) -> tuple[list[Record], int | None]:
    """Return at most ITEMS records, some with entities if there are any, and the size of the list, if it is given."""
    first = api.records(scope)
    pages = [first, *(api.records(scope, token) for token in _tokens(first))]
    records = list({row.header.id: row for page in pages for row in page.rows if not row.header.is_deleted}.values())
    escaped = [record for record in records if _has_entities(record)][:WITH_ENTITIES]
    others = [record for record in records if record not in escaped]
    return [*escaped, *_spread(others, ITEMS - len(escaped))], first.total


def _tokens(first: OaiList[Record]) -> Iterator[str]:
    """Yield the tokens of some later pages, as far as the first token tells how they are built."""
    if first.token is None or first.total is None or not _COUNTED.fullmatch(first.token):
        return
    start, size = first.token.rpartition("/")[0], len(first.rows)
    last = (first.total - 1) // max(size, 1)
    for number in sorted({last * step // (PAGES - 1) for step in range(1, PAGES)} - {0}):
        yield f"{start}/{number * size}"


def _has_entities(record: Record) -> bool:
    return any(has_entity(value.value or "") for value in record.metadata)


def _spread(records: Sequence[Record], number: int) -> list[Record]:
    """Return this many records at equal distances, or all if there are fewer."""
    step = max(len(records) / max(number, 1), 1)
    return [records[int(place * step)] for place in range(min(number, len(records)))]
