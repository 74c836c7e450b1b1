"""Client of one Omeka S site: checks the site, searches by identifier, and creates, changes and deletes resources."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..errors import (
    BadResponseError,
    InvalidAddressError,
    NotFoundError,
    NotOmekaError,
    OutcomeUnknownError,
    RequestRejectedError,
    RestrictedError,
    ServerError,
)
from ..http import HttpClient, Method, Upload
from ..i18n import gettext as _
from . import json_format, search_rows
from .json_format import Format
from .resources import (
    Item,
    ItemSet,
    Media,
    Named,
    NewMedia,
    NewVocabulary,
    Offers,
    Site,
    Template,
    Value,
    Vocabulary,
    Written,
)

Found = TypeVar("Found", Item, ItemSet, Media)

PAGE_SIZE = 100
_FEW_SEARCHES = 2  # for which it is not worth counting the resources of the site
# Older versions join the table of values once for each condition, so that 8 conditions take minutes at any site.
_FIRST_WITH_FAST_SEARCHES = (4, 1)
_TOO_LONG = (413, 414, 431)
_MEDIA_SECONDS = 900.0  # Omeka S makes thumbnails before it answers
_OWN_PATHS = ("/api", "/admin", "/login", "/s/")


def api_url_of(address: str) -> str:
    """Return the address of the API of a site from any address of it: its start page, a page of a site, or the API.

    Raise InvalidAddressError if the address is not one of http or https.
    """
    address = address.strip()
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        is_usable = False
    if not is_usable:
        raise InvalidAddressError(
            _("This is not the address of a website. Enter it as https://omeka.example.org"), address
        )
    path = parts.path.rstrip("/")
    for own in _OWN_PATHS:
        start = f"{path}/".find(f"{own.rstrip('/')}/")
        path = path if start < 0 else path[:start]
    return f"{parts.scheme}://{parts.netloc}{path}/api"


class OmekaClient:
    """A client of the site at `api_url`. `http` carries the key (see `QueryKey`).

    All methods raise the errors of `HttpClient`. A write raises OutcomeUnknownError if the site may have carried it
    out: look the resource up before you write again.
    """

    def __init__(self, http: HttpClient, api_url: str):
        self._http, self._api = http, api_url.rstrip("/")

    def check(self) -> Site:
        """Return what the site offers and what the key may do. Nothing is changed.

        Raise NotOmekaError if no Omeka S answers at the address.
        """
        version, names = self._version_and_resources
        may_write = self._may_create("media")
        return Site(
            api_url=self._api,
            version=version,
            knows_key=may_write or self._is_allowed(lambda: self._http.read(f"{self._api}/users", {"per_page": 1})),
            may_write=may_write,
            has_module="dspace_items" in names,
            vocabularies=self._vocabularies,
            properties=frozenset(self._format.properties.by_uri),
            classes=frozenset(self._format.classes.by_uri),
            templates=tuple(self.templates()),
        )

    def is_admin(self) -> bool:
        """Return whether the user of the key may choose owners and create vocabularies. Nothing is changed."""
        return self._may_create("vocabularies")

    def is_editor(self) -> bool:
        """Return whether the user of the key may see, change and delete the items of others. Nothing is changed."""
        return self._may_create("sites")  # which needs the same role

    def offers(self) -> Offers:
        """Return what a person can choose for new items."""
        classes = (json_format.term(raw, self._vocabularies) for raw in self._all("resource_classes"))
        return Offers(
            tuple(one for one in classes if one is not None),
            tuple(self.templates()),
            tuple(self.users()),
            tuple(self.sites()),
        )

    def users(self) -> list[Named]:
        """Return the users that the key may see."""
        return [json_format.named(raw, "o:name") for raw in self._all("users")]

    def sites(self) -> list[Named]:
        """Return the sites that the key may see."""
        return [json_format.named(raw, "o:title") for raw in self._all("sites")]

    def templates(self) -> list[Template]:
        """Return the resource templates of the site."""
        return [json_format.template(raw, self._format.properties) for raw in self._all("resource_templates")]

    def item_sets(self) -> list[ItemSet]:
        """Return all item sets that the key may see."""
        return [self._format.item_set(raw) for raw in self._all("item_sets")]

    # Search and read

    def find_items(self, texts: Collection[str], properties: Collection[str]) -> dict[str, list[Item]]:
        """Return, for each text that was found, the items with exactly this value in one of the properties.

        Omeka S ignores case, accents and trailing spaces, and also compares labels. So values are compared here.
        """
        return self._find("items", self._format.item, texts, properties)

    def find_item_sets(self, texts: Collection[str], properties: Collection[str]) -> dict[str, list[ItemSet]]:
        """Return, for each text that was found, the item sets with exactly this value in one of the properties."""
        return self._find("item_sets", self._format.item_set, texts, properties)

    def items(self, ids: Sequence[int]) -> dict[int, Item]:
        """Return the items by id. An item that was deleted, or that the key may not see, is left out."""
        return self._with_ids("items", self._format.item, ids)

    def media(self, ids: Sequence[int]) -> dict[int, Media]:
        """Return the media by id. A medium that was deleted, or that the key may not see, is left out."""
        return self._with_ids("media", self._format.media, ids)

    def item(self, item_id: int) -> Item:
        """Return one item. Raise NotFoundError if it was deleted, or if the key may not see it."""
        return self._format.item(self._http.read(f"{self._api}/items/{item_id}").value)

    def item_set(self, item_set_id: int) -> ItemSet:
        """Return one item set. Raise NotFoundError if it was deleted, or if the key may not see it."""
        return self._format.item_set(self._http.read(f"{self._api}/item_sets/{item_set_id}").value)

    def has_items(self, item_set_id: int) -> bool:
        """Return whether an item set contains items that the key may see."""
        params = {"item_set_id": item_set_id, "per_page": 1}
        return bool(json_format.objects(self._http.read(f"{self._api}/items", params).value, self._api))

    def media_of(self, item_id: int) -> list[Media]:
        """Return the media of an item, in no special order."""
        return [self._format.media(raw) for raw in self._all("media", [("item_id", item_id)])]

    # Write

    def create_item(self, item: Item) -> Written:
        """Create an item and return it, with the values that the site dropped."""
        return self._written(Method.POST, "items", self._format.resource(item), item.values)

    def create_item_set(self, item_set: ItemSet) -> ItemSet:
        """Create an item set and return it."""
        raw = self._http.write(Method.POST, f"{self._api}/item_sets", json=self._format.resource(item_set)).value
        return self._format.item_set(raw)

    def update_item(self, item_id: int, merge: Callable[[Item], Item]) -> Written:
        """Read an item, and write what `merge` changes in it. Return the item, with the values that were dropped.

        Nothing is written if `merge` changes nothing. Omeka S replaces the values of all properties at once, so `merge`
        must keep the values of others.
        """
        before = self.item(item_id)
        after = merge(before)
        changes = self._format.changes(before, after)
        return self._written(Method.PATCH, f"items/{item_id}", changes, after.values) if changes else Written(before)

    def ensure_vocabulary(self, wanted: NewVocabulary) -> None:
        """Create a vocabulary with these properties, or add those that it lacks. Others in it stay.

        Raise RestrictedError if the user of the key is no administrator.
        """
        if self._has_terms_of(wanted):
            return
        self._forget_terms()
        known = next((one for one in self._vocabularies if one.namespace == wanted.namespace), None)
        try:
            if known is None:
                prefix = _free(wanted.prefix, {one.prefix for one in self._vocabularies})
                content = json_format.new_vocabulary(wanted, prefix)
                self._http.write(Method.POST, f"{self._api}/vocabularies", json=content)
            else:
                self._add_properties(known.id, wanted)
        except OutcomeUnknownError:
            self._forget_terms()
            if not self._has_terms_of(wanted):
                raise
        self._forget_terms()

    def _has_terms_of(self, wanted: NewVocabulary) -> bool:
        return {f"{wanted.namespace}{name}" for name in wanted.labels} <= self._format.properties.by_uri.keys()

    def _add_properties(self, vocabulary_id: int, wanted: NewVocabulary) -> None:
        there = json_format.local_names(self._all("properties", [("vocabulary_id", vocabulary_id)]))
        new = {name: label for name, label in wanted.labels.items() if name not in there}
        if new:
            content = json_format.with_properties(there.values(), new)
            self._http.write(Method.PATCH, f"{self._api}/vocabularies/{vocabulary_id}", json=content)

    def _forget_terms(self) -> None:
        """Have the vocabularies and their terms read again."""
        for name in ("_vocabularies", "_format"):
            self.__dict__.pop(name, None)

    def upload(self, media: NewMedia, file: Upload) -> Media:
        """Upload a file to an item and return the medium. The caller compares its size and SHA-256."""
        fields = {"data": json.dumps(self._format.new_media(media), ensure_ascii=False)}
        file = replace(file, field="file[0]", filename=media.filename)
        answer = self._http.write(Method.POST, f"{self._api}/media", fields=fields, upload=file, seconds=_MEDIA_SECONDS)
        return self._format.media(answer.value)

    def delete_item(self, item_id: int) -> bool:
        """Delete an item with its media. Return False if it was not there (or if the key may not see it)."""
        return self._delete("items", item_id)

    def delete_item_set(self, item_set_id: int) -> bool:
        """Delete an item set. Its items stay. Return False if it was not there."""
        return self._delete("item_sets", item_set_id)

    def delete_media(self, media_id: int) -> bool:
        """Delete a medium with its file. Return False if it was not there."""
        return self._delete("media", media_id)

    # Helpers

    @cached_property
    def _vocabularies(self) -> tuple[Vocabulary, ...]:
        return tuple(map(json_format.vocabulary, self._all("vocabularies")))

    @cached_property
    def _format(self) -> Format:
        properties = json_format.ids(self._all("properties"), self._vocabularies)
        return Format(properties, json_format.ids(self._all("resource_classes"), self._vocabularies))

    @cached_property
    def _version_and_resources(self) -> tuple[str, set[str]]:
        """Return the version of the site and the names of its resources."""
        not_omeka = _("There is no Omeka S site at %(address)s.", address=self._api.removesuffix("/api"))
        try:
            answer = self._http.read(f"{self._api}/api_resources")
        except (NotFoundError, BadResponseError) as error:
            raise NotOmekaError(not_omeka, self._api) from error
        version = answer.headers.get("omeka-s-version")
        if version is None or not isinstance(answer.value, list):
            raise NotOmekaError(not_omeka, self._api)
        return version, {str(one.get("o:id")) for one in answer.value if isinstance(one, dict)}

    @property
    def _texts_per_search(self) -> int:
        numbers = re.findall(r"\d+", self._version_and_resources[0])[:2]
        return search_rows.MOST_TEXTS if tuple(map(int, numbers)) >= _FIRST_WITH_FAST_SEARCHES else 1

    def _may_create(self, resources: str) -> bool:
        """Return whether the key may create resources. Omeka S refuses one without content in any case."""
        try:
            self._http.write(Method.POST, f"{self._api}/{resources}", json={})
        except RestrictedError:
            return False
        except RequestRejectedError as error:
            if error.status != 422:
                raise
        except OutcomeUnknownError as error:  # it changes nothing, so it may be repeated
            raise ServerError(
                _("The Omeka S site did not answer the check of the key."), self._api, status=error.status
            ) from None
        return True

    @staticmethod
    def _is_allowed(call: Callable[[], object]) -> bool:
        try:
            call()
        except RestrictedError:
            return False
        return True

    def _all(self, resources: str, params: Sequence[tuple[str, object]] = ()) -> Iterator[dict[str, Any]]:
        """Yield all resources of a listing. Its pages are read by number, because links between them have the key."""
        page = 0
        while True:
            page += 1
            found = self._page(resources, [*params, ("sort_by", "id")], page)
            yield from found
            if len(found) < PAGE_SIZE:
                return

    def _with_ids(self, resources: str, read: Callable[[Any], Found], ids: Sequence[int]) -> dict[int, Found]:
        found: dict[int, Found] = {}
        for start in range(0, len(ids), PAGE_SIZE):
            # An empty list of ids would match all resources.
            batch: Sequence[int] = ids[start : start + PAGE_SIZE]
            params = [*(("id[]", number) for number in batch), ("per_page", len(batch))]
            answer = self._http.read(f"{self._api}/{resources}", params, kind=resources)
            rows = map(read, json_format.objects(answer.value, self._api))
            found |= {one.id: one for one in rows if one.id in batch}
        return found

    def _find(
        self, resources: str, read: Callable[[Any], Found], texts: Collection[str], properties: Collection[str]
    ) -> dict[str, list[Found]]:
        batches = list(search_rows.batches(texts, self._texts_per_search))
        wanted = {text for batch in batches for text in batch}
        found: defaultdict[str, dict[int, Found]] = defaultdict(dict)
        for resource in map(read, self._candidates(resources, batches)):
            for value in resource.values:
                if value.property in properties:
                    for text in wanted & {value.text, value.uri}:
                        found[text][resource.id] = resource
        return {text: list(resources.values()) for text, resources in found.items()}

    def _candidates(self, resources: str, batches: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
        """Yield what may have one of the texts: all resources of the site if listing them takes fewer requests."""
        page_count = self._page_count(resources) if len(batches) > _FEW_SEARCHES else None
        if page_count is None or page_count >= len(batches):
            for batch in batches:
                yield from self._search(resources, batch)
            return
        # Backwards, so that no resource is passed over if others before it are deleted in the meantime.
        for page in range(page_count, 0, -1):
            yield from self._page(resources, [("sort_by", "id")], page)

    def _page_count(self, resources: str) -> int | None:
        """Return how many pages the listing of all resources has, or None if the site does not say."""
        answer = self._http.read(f"{self._api}/{resources}", [("per_page", 1)], kind=f"count of {resources}")
        total = answer.headers.get("omeka-s-total-results", "")
        return -(-int(total) // PAGE_SIZE) if total.isdecimal() else None

    def _page(self, resources: str, params: Sequence[tuple[str, object]], page: int) -> list[dict[str, Any]]:
        numbered = [*params, ("per_page", PAGE_SIZE), ("page", page)]
        answer = self._http.read(f"{self._api}/{resources}", numbered, kind=resources)
        return json_format.objects(answer.value, f"{self._api}/{resources}")

    def _search(self, resources: str, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield what has one of the texts as a value. A search that is too long for the web server is halved."""
        query = search_rows.query_of(texts)
        page, is_last = 0, False
        while not is_last:
            page += 1
            address = f"{self._api}/{resources}?{query}&sort_by=id&per_page={PAGE_SIZE}&page={page}"
            try:
                answer = self._http.read(address, kind=f"search of {resources}")
            except RequestRejectedError as error:
                if error.status not in _TOO_LONG or len(texts) == 1:
                    raise
                middle = len(texts) // 2
                yield from self._search(resources, texts[:middle])
                yield from self._search(resources, texts[middle:])
                return
            found = json_format.objects(answer.value, f"{self._api}/{resources}")
            yield from found
            is_last = len(found) < PAGE_SIZE

    def _written(self, method: Method, path: str, content: dict[str, Any], sent: Iterable[Value]) -> Written:
        item = self._format.item(self._http.write(method, f"{self._api}/{path}", json=content).value)
        return Written(item, _dropped(sent, item.values))

    def _delete(self, resources: str, number: int) -> bool:
        address = f"{self._api}/{resources}/{number}"
        try:
            self._http.write(Method.DELETE, address)
        except NotFoundError:
            return False
        except OutcomeUnknownError:  # Omeka S 4.2 answers with 500 after it has deleted an item set
            if self._is_there(address):
                raise
        return True

    def _is_there(self, address: str) -> bool:
        try:
            self._http.read(address)
        except NotFoundError:
            return False
        return True


def _free(prefix: str, taken: Collection[str]) -> str:
    """Return the prefix, with the first number that makes it free if it is taken."""
    candidates = (prefix, *(f"{prefix}-{number}" for number in range(2, len(taken) + 3)))
    return next(one for one in candidates if one not in taken)


def _dropped(sent: Iterable[Value], written: Iterable[Value]) -> tuple[Value, ...]:
    """Return the values that were sent and are not there, each as often as it is missing."""
    left = list(written)
    dropped = []
    for value in sent:
        if value in left:
            left.remove(value)
        else:
            dropped.append(value)
    return tuple(dropped)
