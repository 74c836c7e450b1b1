"""A DSpace made of lists, with the methods of the clients and without a network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection as Group, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from flask import has_app_context
from msgspec import structs

from connector.dspace.records import (
    Bitstream,
    Collection,
    Failure,
    FileAccess,
    Item,
    MetadataValue,
    Page,
    Scope,
    ScopeKind,
    SourceState,
    Subset,
)
from connector.dspace.uuid_partitions import part_of
from connector.errors import (
    NotFoundError,
    RepositoryError,
    RequestRejectedError,
    RestrictedError,
    ServerError,
    TransientError,
)
from connector.extensions import db
from connector.http import Download, RequestStats
from connector.repositories.connections import RepositoryConnection


@dataclass
class FakeItem:
    """An item of the fake: its place, its contents and its errors."""

    id: str
    title: str = "A title"
    collections: tuple[str, ...] = ("c1",)
    handle: str | None = ""
    files: dict[str, bytes] = field(default_factory=dict)
    version: int = 1
    state: SourceState = SourceState.PRESENT
    fails: bool = False
    indexed: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __post_init__(self):
        self.handle = f"1/{self.id}" if self.handle == "" else self.handle


class FakeDSpace:
    """A DSpace made of a list of items. It walks them in pages of `page_size`."""

    def __init__(self):
        self.items: dict[str, FakeItem] = {}
        self.page_size = 3
        self.file_errors: dict[str, RepositoryError] = {}
        self.served: dict[str, bytes] = {}
        self.embargoes: dict[str, date] = {}
        self.downloads: list[str] = []
        self.asked_for: list[str] = []  # files of which it was asked whether they are open
        self.checksums: dict[str, tuple[str | None, str | None]] = {}  # announced instead of the right MD5
        self.lists_closed_files = True
        self.tells_access = False  # in pages, where these are asked for with access
        self.details: list[str] = []
        self.down = False
        self.silent_about: set[str] = set()
        self.broken_in_full: set[str] = set()  # lists show them, and to read more of them fails
        self.unlisted: set[str] = set()  # the index has lost them, and they can be read
        self.gone: set[str] = set()  # collections
        self.nameless_failures: list[str] = []  # reasons of rows that break the first page and tell nothing else
        self.count_off_by = 0
        self.hidden_counts: dict[str, int] = {}
        self.before_page: Callable[[int], None] = lambda number: None
        self.before_download: Callable[[], object] = lambda: None
        self.after_page: Callable[[], object] = lambda: None
        self.requests_made = 0
        self.width = 2
        self.traffic = RequestStats()
        self.can_select = False
        self.oai_beside_rest = None
        self.searches_private = False
        self.tells_unknown = True
        self.unanswered: set[str] = set()
        self.refuses_subsets = False
        self.server_time = datetime(2026, 1, 1, tzinfo=UTC)
        self.clock_ahead = timedelta()
        self.listings: list[str] = []
        self.now = 0.0

    def connect(self, repository, *, new_outage) -> RepositoryConnection:
        return RepositoryConnection(self, self, new_outage(clock=lambda: self.now, pause=self._pass))

    def _pass(self, seconds: float) -> bool:
        """Let the time of a wait pass at once."""
        self.now += seconds
        return False

    def close(self) -> None:
        """As in `HttpClient`."""

    def add(self, id: str, **values) -> FakeItem:
        self.items[id] = FakeItem(id, **{"indexed": self._just_now} | values)
        return self.items[id]

    @property
    def _just_now(self) -> datetime:
        return self.server_time - timedelta(seconds=1)

    def edit(self, id: str, **values) -> None:
        item = self.items[id]
        self.items[id] = replace(item, **{"version": item.version + 1, "indexed": self._just_now} | values)

    # The clients' methods

    def find(self, kind: ScopeKind, identifier: str) -> Scope:
        if identifier.removeprefix("1/") in self.gone:
            raise NotFoundError(f"There is no {kind} {identifier}.")
        return Scope(kind, identifier)

    def count(self, scope: Scope, subset: Subset | None = None) -> int | None:
        self._ask()
        self.find(scope.kind, scope.id)
        if subset is not None and self.refuses_subsets:
            return None
        return len(self._listed(scope, subset)) + self.count_off_by

    def walk(
        self,
        scope: Scope,
        *,
        cursor,
        light,
        with_collection,
        seen,
        not_visible,
        subset=None,
        with_access=False,
        may_use_oai=False,
    ) -> Iterator[Page]:
        if subset is not None and self.refuses_subsets:
            raise RequestRejectedError("The repository does not take this query (422).")
        self.find(scope.kind, scope.id)
        part = subset and subset.part
        self.listings.append("slice" if part else "changes" if subset else "light" if light else "complete")
        start = (cursor or {}).get("offset", 0)
        number_of = len(self._listed(scope, subset))
        for number, offset in enumerate(range(start, max(number_of, start + 1), self.page_size)):
            self.before_page(number)
            self._ask()
            listed = self._listed(scope, subset)  # anew, as it may have moved
            total = len(listed) + self.count_off_by
            part = listed[offset : offset + self.page_size]
            done = seen([item.id for item in part])
            part = [item for item in part if item.id not in done]
            broken = [item for item in part if item.fails or (item.id in self.broken_in_full and not light)]
            read = [self._item(item, light, with_collection) for item in part if item not in broken]
            if with_access and self.tells_access:
                read = [self._with_access(item) for item in read]
            failures = [_broken(item) for item in broken]
            failures += [Failure(None, None, None, reason) for reason in self.nameless_failures if offset == 0]
            self.after_page()
            yield Page(
                tuple(read), {"offset": offset + self.page_size}, total, tuple(failures), dict(self.hidden_counts)
            )

    def complete(self, items: Iterable[Item]) -> Iterator[Item | Failure]:
        for item in items:
            if item.is_complete:
                yield item
            else:
                self._ask()
                self.details.append(item.id)
                if item.id not in self.items:
                    yield Failure(item.id, item.handle, item.name, "It is no longer there.", is_gone=True)
                    continue
                if item.id in self.broken_in_full:
                    yield _broken(item)
                    continue
                yield replace(self._item(self.items[item.id], False, False), collection=item.collection)

    def item_state(self, item_id: str, scope: Scope, handle: str | None) -> SourceState:
        self._ask()
        if item_id in self.silent_about:
            raise ServerError("The repository answered with an error (500).")
        item = self.items.get(item_id)
        if item is None:
            return SourceState.DELETED
        if item.state is not SourceState.PRESENT:
            return item.state
        return SourceState.PRESENT if self._is_in(item, scope) else SourceState.MOVED

    def collection(self, id: str) -> Collection:
        self._ask()
        return Collection(id, f"1/{id}", f"Collection {id}", description=f"<p>About {id}</p>")

    def ping(self) -> None:
        self._ask()

    def download(self, bitstream_id: str, sink, *, limit=None) -> Download:
        self._ask()
        self.before_download()
        self.downloads.append(bitstream_id)
        if error := self.file_errors.get(bitstream_id):
            raise error
        item_id, name = bitstream_id.split("/")
        data = self.served.get(bitstream_id, self.items[item_id].files[name])
        sink(data)
        return Download(len(data), hashlib.md5(data).hexdigest(), hashlib.sha256(data).hexdigest())

    def is_open(self, bitstream_id: str) -> bool | None:
        self._ask()
        self.asked_for.append(bitstream_id)
        error = self.file_errors.get(bitstream_id)
        if isinstance(error, TransientError):
            raise error
        return False if isinstance(error, RestrictedError) else None if error else True

    def file_access(self, item_id: str, bitstream_ids: Group[str]) -> dict[str, FileAccess]:
        answers = {id: self.is_open(id) for id in sorted(bitstream_ids)}
        known = {id: answer for id, answer in answers.items() if answer is not None}
        return {id: FileAccess(answer, self.embargoes.get(id)) for id, answer in known.items()}

    def available_from(self, bitstream_id: str) -> date | None:
        self._ask()
        return self.embargoes.get(bitstream_id)

    def _ask(self) -> None:
        self.requests_made += 1
        if has_app_context():  # asked by the thread that writes: never inside a transaction
            assert not db.session().in_transaction()
        if self.down:
            raise ServerError("The repository answered with an error (503).")

    def _listed(self, scope: Scope, subset: Subset | None) -> list[FakeItem]:
        found = [item for item in self.items.values() if self._is_in(item, scope) and item.id not in self.unlisted]
        if subset is not None and subset.part is not None:
            number, of = subset.part
            return [item for item in found if part_of(item.id, of) == number]
        return [item for item in found if subset is None or item.indexed >= subset.indexed_since]

    def _is_in(self, item: FakeItem, scope: Scope) -> bool:
        here = scope.kind is ScopeKind.REPOSITORY or scope.id in set(item.collections) - self.gone
        return here and item.state is SourceState.PRESENT

    def _item(self, item: FakeItem, light: bool, with_collection: bool) -> Item:
        files = None if light else tuple(self._bitstream(item, name, data) for name, data in item.files.items())
        values = (
            MetadataValue("dc.title", item.title, "en"),
            MetadataValue("dc.contributor.author", "A", None, None, -1),
        )
        home = item.collections[0]
        return Item(
            id=item.id,
            handle=item.handle,
            name=item.title,
            last_modified=f"2026-01-01T00:00:{item.version:02d}Z",
            metadata=None if light else values,
            bitstreams=files,
            collection=Collection(home, f"1/{home}", f"Collection {home}") if with_collection else None,
        )

    def _with_access(self, item: Item) -> Item:
        told = {
            file.id: not isinstance(self.file_errors.get(file.id), RestrictedError) for file in item.bitstreams or ()
        }
        files = (structs.replace(file, access=FileAccess(told[file.id])) for file in item.bitstreams or ())
        return replace(item, bitstreams=tuple(files))

    def _bitstream(self, item: FakeItem, name: str, data: bytes) -> Bitstream:
        id, right = f"{item.id}/{name}", (hashlib.md5(data).hexdigest(), "MD5")
        checksum, algorithm = self.checksums.get(id, right)
        bundle = "LICENSE" if name.startswith("license") else "ORIGINAL"
        return Bitstream(id, bundle, name, None, "text/plain", len(data), checksum, algorithm, 1)


def _broken(item: FakeItem | Item) -> Failure:
    name = item.title if isinstance(item, FakeItem) else item.name
    return Failure(item.id, item.handle, name, "it is broken")
