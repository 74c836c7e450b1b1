"""Access of an import to its repository, signed out or signed in, with a check that the login stayed valid.

An expired login causes no error at the source: it answers as to a signed-out reader, with fewer items and files. So the
login is checked after each read and before anything is written. If it had expired, the data is read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TypeVar

from .. import dspace
from ..dspace.records import Item, Scope
from ..dspace.visibility import OpenItems
from ..errors import NotFoundError, RestrictedError
from ..http import Download
from .connections import RepositoryConnection

T = TypeVar("T")


class SessionExpiredError(Exception):
    """An expired login that has been renewed. Data read in between must be read again."""


class LoginGuard:
    """The access of one import to its repository. Safe between threads. `name`: login name, None if signed out.

    Login checks wait while the repository is unavailable. They raise LoginFailedError if the login expires repeatedly.
    """

    def __init__(self, connection: RepositoryConnection, name: str | None):
        self.client = connection.client
        self.public: dspace.Client = connection.public.client if connection.public else connection.client
        self.name = name
        self._login, self._outage = connection.login, connection.outage
        self._renewed = self._since = 0
        self._lock = threading.Lock()

    @property
    def is_signed_in(self) -> bool:
        """Return whether the import has a login at the source."""
        return self._login is not None

    @property
    def asks_for_refused(self) -> bool:
        """Return whether the access of restricted files is checked instead of trying to download them.

        This is so for a signed-out reader if file lists include restricted files.
        """
        return not self.is_signed_in and self.public.lists_closed_files

    def read_with_valid_login(self, read: Callable[[], T]) -> T:
        """Return the result of `read`. Call it again if our login expired during the call.

        `read` has to continue from its last cursor.
        """
        while True:
            self._since = self._renewed
            try:
                result = self.retry_after_expired_login(read)
                self.confirm()
            except SessionExpiredError:
                continue
            return result

    def confirm(self) -> None:
        """Raise SessionExpiredError if our login has expired since `read_with_valid_login` last called `read`."""
        if not self._holds() or self._renewed != self._since:
            raise SessionExpiredError

    def retry_after_expired_login(self, read: Callable[[], T]) -> T:
        """Return the result of `read`. Call it again if access was refused because our login had expired.

        Raise NotFoundError or RestrictedError if access is refused with a valid login.
        """
        while True:
            before = self._renewed
            try:
                return read()
            except (NotFoundError, RestrictedError):
                if self._holds() and self._renewed == before:
                    raise

    def download(self, bitstream_id: str, sink: Callable[[bytes], object], limit: int) -> tuple[Download, bool]:
        """Download a file signed out. If access is refused, download it with our login.

        Return the download and whether our login was needed. `limit`: in bytes.
        """
        try:
            return self.public.download(bitstream_id, sink, limit=limit), False
        except RestrictedError:
            if not self.is_signed_in:
                raise
        return self.retry_after_expired_login(lambda: self.client.download(bitstream_id, sink, limit=limit)), True

    def is_public(self, bitstream_id: str) -> bool:
        """Return whether a signed-out reader may download a file. The bytes are not read."""
        return self.public.is_open(bitstream_id) is True

    def opens_by_login(self, bitstream_id: str) -> bool:
        """Return whether our login may download a file, False if there is no login. The bytes are not read."""
        while self.is_signed_in:
            before = self._renewed
            if self.client.is_open(bitstream_id):
                return True
            if self._holds() and self._renewed == before:
                break
        return False

    def open_items(self, scope: Scope, items: Collection[Item]) -> OpenItems:
        """Return the items of the scope, among these, that a signed-out reader can see, as shown to that reader, by id.

        Their metadata and files are None if unknown. Files are only requested for items given with files.
        """
        if not self.is_signed_in:
            return {item.id: item for item in items}
        have_files = {item.id for item in items if item.bitstreams}
        found = self.public.open_items(scope, [item.id for item in items if item.id not in have_files])
        found = {**found, **self.public.open_items(scope, have_files, with_files=True)}
        results = self.public.complete(found[id] for id in have_files & found.keys() if not found[id].is_complete)
        return {**found, **{item.id: item for item in results if isinstance(item, Item)}}

    def _holds(self) -> bool:
        """Return whether our login is still valid. If not, renew it."""
        if self._login is None:
            return True
        return self._outage.retry_until_available("login", self._checked)

    def _checked(self) -> bool:
        with self._lock:
            holds = self._login is None or self._login.check()
            self._renewed += not holds
            return holds
