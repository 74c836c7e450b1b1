"""Finds items at a destination that look like items of the catalogue that we have not published there.

An item is recognised by our identifier, or else by one of its addresses. It only computes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..i18n import gettext as _
from ..omeka.resources import IDENTIFIER, URI, Item
from .mapping import IDENTIFIER_START

PROPERTIES = frozenset({IDENTIFIER, URI})
_RESOLVER = "hdl.handle.net"


@dataclass(frozen=True, slots=True)
class Unpublished:
    """An item of the catalogue that we have not published at the destination. `addresses`: see `addresses_of`."""

    item_id: int
    source_id: str
    identifier: str
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lookalike:
    """An item at the destination that looks like one of the catalogue. `text`: the value by which it was found."""

    omeka_id: int
    title: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Lookalikes:
    """The lookalikes that were found, by item id. `doubtful`: why it is unclear which items belong together."""

    found: Mapping[int, Lookalike] = field(default_factory=dict)
    doubtful: Mapping[int, str] = field(default_factory=dict)


def texts_of(items: Iterable[Unpublished]) -> set[str]:
    """Return the values to search for."""
    return {text for item in items for text in (item.identifier, *item.addresses)}


def paired(items: Sequence[Unpublished], there: Mapping[str, Sequence[Item]], taken: Collection[int]) -> Lookalikes:
    """Return which items belong together.

    `there`: the items at the destination, by the values that were searched for. `taken`: ids of items that we have
    published or adopted before.
    """
    alike = {item.item_id: _lookalikes_of(item, there, taken) for item in items}
    claims = Counter(number for found in alike.values() for number in found)
    doubtful, found = dict[int, str](), dict[int, Lookalike]()
    for item_id, numbers in alike.items():
        if len(numbers) > 1:
            doubtful[item_id] = _several_there(sorted(numbers))
        elif any(claims[number] > 1 for number in numbers):
            doubtful[item_id] = _several_here(next(iter(numbers)))
        else:
            found.update((item_id, one) for one in numbers.values())
    return Lookalikes(found, doubtful)


def _lookalikes_of(
    item: Unpublished, there: Mapping[str, Sequence[Item]], taken: Collection[int]
) -> dict[int, Lookalike]:
    """Return the items that look like this one, by id. Our identifier is decisive where it is found."""
    for texts in ([item.identifier], sorted(item.addresses)):
        found = {
            one.id: Lookalike(one.id, one.title, text)
            for text in texts
            for one in there.get(text, ())
            if one.id not in taken and not _belongs_to_another(one, item)
        }
        if found:
            return found
    return {}


def _belongs_to_another(there: Item, item: Unpublished) -> bool:
    """Return whether an item carries our identifier of another item. The address of a repository may have changed."""
    texts = [value.text or "" for value in there.values if value.property == IDENTIFIER]
    ours = [text for text in texts if text.startswith(IDENTIFIER_START)]
    return bool(ours) and not any(text.endswith(f"/{item.source_id}") for text in ours)


def _several_there(numbers: Sequence[int]) -> str:
    return _(
        "Several items in Omeka S look like this one: %(items)s. It was not published. Keep only one of them, then "
        "publish again.",
        items=", ".join(map(str, numbers)),
    )


def _several_here(number: int) -> str:
    return _(
        "Item %(item)s in Omeka S looks like this one and like others here. It was not published. Add the identifier "
        "of the right one in Omeka S, or remove the address there, then publish again.",
        item=number,
    )


def addresses_of(handle: str | None, given: str | None, sites: Iterable[str]) -> frozenset[str]:
    """Return the addresses of an item: the given one, and its handle at the resolver and at the repository.

    `given`: the address in its metadata. `sites`: addresses of the repository for people, without slash at the end.
    Each address occurs with http and https, and those of the repository with and without "www.".
    """
    known = {given} if given else set()
    if handle:
        pages = {f"{_RESOLVER}/{handle}", *(f"{place}/handle/{handle}" for place in _places(sites))}
        known |= {f"{scheme}://{page}" for scheme in ("http", "https") for page in pages}
    return frozenset(known)


def _places(sites: Iterable[str]) -> Collection[str]:
    """Return host and path of the sites, with and without "www."."""
    found = set()
    for site in sites:
        parts = urlsplit(site)
        bare = parts.netloc.lower().removeprefix("www.")
        found |= {f"{host}{parts.path.rstrip('/')}" for host in (bare, f"www.{bare}")}
    return found
