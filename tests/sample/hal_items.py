"""Items as DSpace 7 to 10 write them. Their own members are cached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from . import hal_json as shape
from .answers import Request, dumps
from .embed import Embedder, Embeds
from .records import Item, Value, signed_in


class ItemWriter:
    """A writer of items. `moment` writes their dates. `link_names`: the links of the version."""

    def __init__(self, embedder: Embedder, link_names: Iterable[str], moment: Callable[[datetime], str]):
        self._embedder, self._moment = embedder, moment
        self._links = b',"_links":' + dumps(shape.links(f"{shape.API}/core/items/$", link_names))

    def text(self, one: Item, request: Request, embeds: Embeds) -> bytes:
        """Return the JSON of an item with its embedded relations."""
        seen_as = self._moment, signed_in.get(), self._reader(request)
        if seen_as not in one.cache:
            values = self._values(one, self._reader(request))
            one.cache[seen_as] = dumps(shape.item(one, values, self._moment(one.last_modified)))[:-1]
        parts = [one.cache[seen_as], self._links.replace(b"$", one.uuid.encode())]
        if embeds:
            parts += [b',"_embedded":', dumps(self._embedder.item(one, embeds))]
        return b"".join([*parts, b"}"])

    def _reader(self, request: Request) -> tuple[str, ...]:
        """What of the request decides which values are shown: nothing."""
        return ()

    def _values(self, one: Item, reader: tuple[str, ...]) -> Iterable[Value]:
        return one.values_shown


class ReaderLanguageWriter(ItemWriter):
    """A writer as in DSpace 10: it shows only the values in the language of the reader, or in a supported one."""

    languages = ("en", "fr", "ar")

    def _reader(self, request: Request) -> tuple[str, ...]:
        """The languages to look for, in order; none: all values are shown."""
        if request.one("projection") == "allLanguages":
            return ()
        asked = request.headers.get("accept-language", "")[:2].lower()
        return tuple(sorted(self.languages, key=lambda language: language != asked))

    def _values(self, one: Item, reader: tuple[str, ...]) -> Iterable[Value]:
        by_field: dict[str, list[Value]] = {}
        for value in one.values_shown:
            by_field.setdefault(value.field, []).append(value)
        return [value for values in by_field.values() for value in _in_language(values, reader)]


def _in_language(values: list[Value], wanted: tuple[str, ...]) -> list[Value]:
    """Return the values in the first of the languages that any value has, or all if none has one."""
    for language in wanted:
        if chosen := [value for value in values if value.language == language]:
            return chosen
    return values
