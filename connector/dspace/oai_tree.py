"""Lists communities and collections over OAI-PMH, with the tree and the counts as far as records show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from .oai_api import OaiApi
from .oai_xml import Header, handle_of
from .records import Collection, Community, Scope, ScopeKind
from .scopes import unknown_scope_error

_MOST_PAGES = 5  # of headers; a person waits for the lists


class OaiTree:
    """The communities and collections of a repository."""

    def __init__(self, api: OaiApi):
        self._api = api
        self._sets: dict[str, str] | None = None

    @property
    def sets(self) -> dict[str, str]:
        """Return the names of the communities and collections by the names of their sets. Read only once."""
        if self._sets is None:
            self._sets = self._api.sets()
        return self._sets

    def names(self) -> dict[str, str]:
        """Return the names of the collections by handle."""
        return {handle_of(spec): name for spec, name in self.sets.items() if spec.startswith("col_")}

    def communities(self) -> Iterator[Community]:
        """Yield all communities. `parent_id` is None if no record that was read shows the parent."""
        parents, counts = self._found()
        for spec, name in self.sets.items():
            if spec.startswith("com_"):
                id = handle_of(spec)
                yield Community(id, id, name, parents.get(id), None if counts is None else counts[id])

    def collections(self) -> Iterator[Collection]:
        """Yield all collections. `parent_id` is None if no record that was read shows the parent."""
        parents, counts = self._found()
        for id, name in self.names().items():
            yield Collection(id, id, name, parents.get(id), None if counts is None else counts[id])

    def collection(self, id: str) -> Collection:
        """Return a collection. Raise NotFoundError if there is none with this handle."""
        if (name := self.names().get(id)) is None:
            raise unknown_scope_error(Scope(ScopeKind.COLLECTION, id), self._api.server, self._api.url)
        return Collection(id, id, name)

    def _found(self) -> tuple[dict[str, str], Counter[str] | None]:
        """Return the parent of each collection and community that records show, and the number of items in each.

        The counts are None if the repository has more records than were read.
        """
        parents, counts, is_complete = dict[str, set[str]](), Counter[str](), False
        token: str | None = None
        for _page in range(_MOST_PAGES):
            found = self._api.headers(Scope(ScopeKind.REPOSITORY), token)
            for header in found.rows:
                counts.update(() if header.is_deleted else {*header.collections, *header.communities})
                for child, parent in _steps(header):
                    parents.setdefault(child, set()).add(parent)
            token, is_complete = found.token, found.token is None
            if is_complete:
                break
        known = {child: next(iter(above)) for child, above in parents.items() if len(above) == 1}
        return known, counts if is_complete else None


def _steps(header: Header) -> Iterator[tuple[str, str]]:
    """Yield (child, parent) along the way from the collection of a record to its top community.

    The sets of a record in several collections say not which community contains which of them.
    """
    if len(header.collections) == 1:
        way = (*header.collections, *header.communities)
        yield from pairwise(way)
