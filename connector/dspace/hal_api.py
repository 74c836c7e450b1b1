"""The requests to the API of DSpace 7 to 10 that clients and walks share: search, single objects, files of items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import (
    AddressNotAllowedError,
    BadResponseError,
    RepositoryError,
    RestrictedError,
    TooLargeError,
    TransientError,
)
from ..http import HttpClient, JsonAnswer
from ..i18n import decimal, gettext as _, ngettext
from .hal_records import Json, Listed, access_of, bitstream_of, embedded_object, list_page, search_page, with_bitstreams
from .json_api import JsonApi, Params
from .json_members import label, required
from .list_end import MOST_LISTED, ListEnd, endless_in_words
from .records import Bitstream, FileAccess, Item, Server

Pairs = Sequence[tuple[str, Any]]

_BUNDLES, _BITSTREAMS = 100, 500
_FILES, _ACCESS = "bundles/bitstreams", "accessStatus"
FILE_ACCESS_GENERATION = 9  # the first generation with an access status for single files
TRIES = 4


class HalApi(JsonApi):
    """GET requests below `/server/api`."""

    def __init__(self, http: HttpClient, server: Server):
        super().__init__(http, server)
        # Without this projection, 10 and later filter metadata by language. Older versions do not know it.
        self._projection = [("projection", "allLanguages")] if server.generation >= 10 else []
        self._broken_off: dict[str, int] = {}  # the number of files of each item that an interrupted try had read

    def get_with_size(self, path: str, params: Params = (), **how: Any) -> JsonAnswer:
        """Return the JSON at a path below the base of the API, with its size."""
        pairs = params.items() if isinstance(params, Mapping) else params
        return super().get_with_size(path, [*pairs, *self._projection], **how)

    def search(
        self, params: Pairs, *, kind: str = "search", tries: int = TRIES, tries_at_500: int | None = None
    ) -> tuple[Listed, str]:
        """Return a page of search results, and its URL."""
        try:
            answer = self.get_with_size(
                "discover/search/objects", params, kind=kind, tries=tries, tries_at_500=tries_at_500
            )
        except TooLargeError as error:  # a smaller page may succeed
            raise BadResponseError(str(error), error.url) from error
        return replace(search_page(answer.value, answer.url), size_bytes=answer.size), answer.url

    def check(self) -> None:
        """Raise TransientError if the repository does not answer a search for one arbitrary item."""
        self.search([("dsoType", "item"), ("size", 1), ("page", 0)], tries=1)

    def embedding_files(self, *, with_access: bool = False) -> Pairs:
        """Return the parameters that embed files in items.

        The sizes have no effect together with a projection, so they are not sent then.
        """
        sizes = [("embed.size", f"bundles={_BUNDLES}"), ("embed.size", f"bundles/bitstreams={_BITSTREAMS}")]
        embeds = [("embed", f"{_FILES}/{name}") for name in self._embeds(with_access)]
        return [*embeds, *([] if self._projection else sizes)]

    def embedding_access(self) -> Pairs:
        """Return the parameters that embed the access to an item's first file.

        Empty on servers that give the access to each file.
        """
        return [] if self.server.generation >= FILE_ACCESS_GENERATION else [("embed", _ACCESS)]

    def with_files(self, item: Item, bundles: Json | None = None, url: str = "", *, with_access: bool = False) -> Item:
        """Return the item with all its visible files, in the order of its bundles.

        `bundles`: the embedded list, if any. DSpace leaves out a closed bundle or file, though `totalElements` counts
        it. Raise BadResponseError if an earlier, interrupted try read more files.
        """
        before, files = self._broken_off.get(item.id, 0), list[Bitstream]()
        try:
            for found, bundle, source in self._files(item.id, bundles, url, self._embeds(with_access)):
                files.append(bitstream_of(found, bundle, source))
        except TransientError:
            self._broken_off[item.id] = max(before, len(files))
            raise
        if len(files) < before:
            url = self.url(f"core/items/{item.id}/bundles")
            raise BadResponseError(
                ngettext(
                    "%(url)s lists %(num)s file, and %(before)s were listed before.",
                    "%(url)s lists %(num)s files, and %(before)s were listed before.",
                    len(files),
                    url=url,
                    before=decimal(before),
                ),
                url,
            )
        return with_bitstreams(item, tuple(files))

    def _embeds(self, with_access: bool) -> Sequence[str]:
        """Return what to embed in files: the format, and the access status if it is wanted and available."""
        return ("format", _ACCESS) if with_access and self.server.generation >= FILE_ACCESS_GENERATION else ("format",)

    def with_embedded_files(self, item: Item, found: Json, url: str, *, with_access: bool = False) -> Item:
        """Return the item with the files embedded in its JSON, or without them if they are missing or malformed."""
        try:
            bundles = embedded_object(found, "bundles", url)
            return item if bundles is None else self.with_files(item, bundles, url, with_access=with_access)
        except (RepositoryError, AddressNotAllowedError):  # the separate request for the files meets this error again
            return item

    def access(self, item_id: str) -> dict[str, FileAccess]:
        """Return which files of an item the reader may read, by file id, as far as known (9 and later)."""
        rows = self._files(item_id, None, "", (_ACCESS,))
        pairs = ((required(found, "uuid", str, url), access_of(found, url)) for found, _, url in rows)
        return {id: access for id, access in pairs if access is not None}

    def check_files(self, item_id: str) -> None:
        """Request the files of an item, without embeds. Raise the error of the item, if any."""
        self.get(f"core/items/{item_id}/bundles", [("size", 1)], tries=1)

    def _files(
        self, item_id: str, bundles: Json | None, url: str, embeds: Sequence[str]
    ) -> Iterator[tuple[Json, str, str]]:
        """Yield the files of an item, each with the name of its bundle and the URL of its JSON."""
        path = f"core/items/{item_id}/bundles"
        sizes = [] if self._projection else [("embed.size", f"bitstreams={_BITSTREAMS}")]
        params = [*(("embed", f"bitstreams/{name}") for name in embeds), *sizes]
        count = 0
        for bundle, source in self._rows("bundles", bundles, url, path, params, _BUNDLES):
            for file in self._bitstreams(bundle, source, [("embed", name) for name in embeds]):
                count += 1
                yield file
            if count > MOST_LISTED:
                raise TooLargeError(f"{source}: {endless_in_words(count)}", source)

    def _bitstreams(self, bundle: Json, url: str, params: Pairs) -> Iterator[tuple[Json, str, str]]:
        name = label(bundle, "name", url) or ""
        path = f"core/bundles/{required(bundle, 'uuid', str, url)}/bitstreams"
        first = embedded_object(bundle, "bitstreams", url)
        try:
            for found, source in self._rows("bitstreams", first, url, path, params, _BITSTREAMS):
                yield found, name, source
        except RestrictedError:
            if first is not None:
                raise  # without an embedded list, the whole list is closed

    def _rows(
        self, name: str, first: Json | None, url: str, path: str, params: Pairs, size: int
    ) -> Iterator[tuple[Json, str]]:
        """Yield all rows of a list, each with its URL. The embedded page, if any, is the first page of the list.

        If that page is a small part of the list, as on 10, the list is read from the start in larger pages.
        """
        start = None if first is None else (list_page(first, name, url), url)
        if start is None or start[0].total > 2 * start[0].size < 2 * size:
            start = self._page(name, path, params, size, 0)
        for rows, source in to_the_end(start, lambda number, size: self._page(name, path, params, size, number)):
            yield from ((row, source) for row in rows.rows)

    def _page(self, name: str, path: str, params: Pairs, size: int, number: int) -> tuple[Listed, str]:
        answer = self.get(path, [*params, ("size", size), ("page", number)], kind=name, tries_at_500=1)
        return list_page(answer.json, name, answer.url), answer.url


def to_the_end(
    first: tuple[Listed, str], read: Callable[[int, int], tuple[Listed, str]]
) -> Iterator[tuple[Listed, str]]:
    """Yield the pages of a list, each with its URL, from the first on. `read(number, size)` returns another page.

    The counts of the list are not trusted. Rows that may not be read leave short or empty pages. The list ends after a
    few pages without new rows, however many pages it promises. If the last page is full, or if there are more rows than
    the count says, one more page is read.

    Raise BadResponseError if the count falls below rows that were listed before, or if there are far more rows than the
    count says. Raise TooLargeError if there are more than MOST_LISTED rows.
    """
    (page, url), number, end, before = first, 0, ListEnd(most_rows=MOST_LISTED), list[Any]()
    while True:
        end.note(
            number * page.size, page.size, len(page.rows), 0 if page.rows == before else len(page.rows), page.total
        )
        if end.is_endless:
            raise (TooLargeError if end.reach > MOST_LISTED else BadResponseError)(f"{url}: {end.in_words()}", url)
        yield page, url
        number, before = number + 1, page.rows
        if number * page.size >= end.after(number * page.size, page.total):
            return
        total, (page, url) = page.total, read(number, page.size)
        if page.total < min(total, end.reach):  # Spring corrects the count on a last page, but never below its rows
            raise BadResponseError(
                _("%(url)s counts %(total)s where more were listed before.", url=url, total=page.total), url
            )
