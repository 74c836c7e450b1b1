"""The ids that a site gives to properties and classes. They differ between sites, while the URIs are the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import InvalidInputError
from ..i18n import gettext as _


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one kind of terms, by URI, and the other way round."""

    by_uri: dict[str, int]
    by_id: dict[int, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {number: uri for uri, number in self.by_uri.items()})

    def of(self, uri: str) -> int:
        """Return the id of a term. Raise InvalidInputError if the site does not have the term."""
        try:
            return self.by_uri[uri]
        except KeyError:
            raise InvalidInputError(
                _("The Omeka S site has no term %(term)s. Its administrator can import the vocabulary.", term=uri)
            ) from None
