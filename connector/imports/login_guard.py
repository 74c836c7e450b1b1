"""How an import looks at its repository: as anybody, or signed in; and whether that has held while it read.

A login that has lapsed is no error at the source: it answers as to anybody, with fewer items and files. So nothing is
written before it is known that the login still held after it was read; what is in doubt is read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TypeVar

from .. import dspace
from ..dspace.records import Item, Scope
from ..errors import NotFoundError, RestrictedError
from ..http import Download
from ..repositories.connections import RepositoryConnection

T = TypeVar("T")


class SessionExpiredError(Exception):
    """Our login had lapsed, and is renewed: what was read since is to be read again."""


class LoginGuard:
    """The way of one import to its repository. Safe between threads. `name`: who is signed in, None for nobody.

    What asks the repository waits while it does not answer; LoginFailedError when the login lapses again and again.
    """

    def __init__(self, connection: RepositoryConnection, name: str | None):
        self.client = connection.client
        self.public: dspace.Client = connection.public.client if connection.public else connection.client
        self.name = name
        self._login, self._patience = connection.login, connection.patience
        self._renewed = self._since = 0
        self._lock = threading.Lock()

    @property
    def is_signed_in(self) -> bool:
        return self._login is not None

    @property
    def asks_for_refused(self) -> bool:
        """Return whether refused files are asked for, and not just tried: signed out, where lists show such files."""
        return not self.is_signed_in and self.public.lists_closed_files

    def read_with_valid_login(self, read: Callable[[], T]) -> T:
        """What `read` gives; it is called again where our login had lapsed meanwhile, and goes on where it was."""
        while True:
            self._since = self._renewed
            try:
                result = self.allowed(read)
                self.confirm()
            except SessionExpiredError:
                continue
            return result

    def confirm(self) -> None:
        """Raises Lapsed where our login has lapsed since `read_with_valid_login` last began to read."""
        if not self._holds() or self._renewed != self._since:
            raise SessionExpiredError

    def allowed(self, read: Callable[[], T]) -> T:
        """What `read` gives; it is called again where it was refused since our login had lapsed."""
        while True:
            before = self._renewed
            try:
                return read()
            except (NotFoundError, RestrictedError):
                if self._holds() and self._renewed == before:
                    raise

    def download(self, bitstream_id: str, sink: Callable[[bytes], object], limit: int) -> tuple[Download, bool]:
        """Fetch a file as anybody, and signed in only what is refused then; gives with it whether that was so."""
        try:
            return self.public.download(bitstream_id, sink, limit=limit), False
        except RestrictedError:
            if not self.is_signed_in:
                raise
        return self.allowed(lambda: self.client.download(bitstream_id, sink, limit=limit)), True

    def is_public(self, bitstream_id: str) -> bool:
        """Whether anybody may have the bytes of a file; they are not read for that."""
        return self.public.is_open(bitstream_id) is True

    def opens_by_login(self, bitstream_id: str) -> bool:
        """Return whether our login may read a file, whose bytes are not read for that. False where we have none."""
        while self.is_signed_in:
            before = self._renewed
            if self.client.is_open(bitstream_id):
                return True
            if self._holds() and self._renewed == before:
                break
        return False

    def open_items(self, scope: Scope, items: Collection[Item]) -> dspace.OpenItems:
        """Return those of these items of the scope that a signed-out reader finds, by id, as he is shown them.

        Their metadata is None where it is not known. So are their files, which are only asked for where the item came
        with files.
        """
        if not self.is_signed_in:
            return {item.id: item for item in items}
        have_files = {item.id for item in items if item.bitstreams}
        found = self.public.open_items(scope, [item.id for item in items if item.id not in have_files])
        found = {**found, **self.public.open_items(scope, have_files, with_files=True)}
        results = self.public.complete(found[id] for id in have_files & found.keys() if not found[id].is_complete)
        return {**found, **{item.id: item for item in results if isinstance(item, Item)}}

    def _holds(self) -> bool:
        """Whether our login is still good; if not, it is renewed."""
        if self._login is None:
            return True
        return self._patience.retry_until_available("login", self._checked)

    def _checked(self) -> bool:
        with self._lock:
            holds = self._login.check()
            self._renewed += not holds
            return holds
