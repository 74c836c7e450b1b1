"""The vocabulary at a destination for the fields of a repository that have no term in Dublin Core or BIBO."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import InvalidInputError, RestrictedError
from ..i18n import gettext as _
from ..models.repositories import Repository
from ..omeka.resources import NewVocabulary
from .destination_connections import DestinationConnection

_NOT_IN_A_PREFIX = re.compile(r"[^A-Za-z0-9_-]")
_NOT_KEPT = re.compile(r"[^A-Za-z0-9]")
_NAMED = {".": "_", "_": "-_", "-": "--"}


@dataclass(frozen=True, slots=True)
class FieldVocabulary:
    """The vocabulary for the fields of a repository. Its namespace is the same everywhere and never changes."""

    namespace: str
    prefix: str
    label: str

    def property_of(self, field: str) -> str:
        """Return the URI of the property of a field. Each field has one of its own.

        Omeka S allows letters, digits, "_" and "-" in a local name. So "_" stands for a full stop, and "-" begins what
        stands for another character: "-_", "--" or its number, as in "-20-".
        """
        return f"{self.namespace}{_NOT_KEPT.sub(_local, field)}"


def _local(found: re.Match[str]) -> str:
    return _NAMED.get(found[0], f"-{ord(found[0]):x}-")


def vocabulary_of(repository: Repository) -> FieldVocabulary:
    """Return the vocabulary of a repository."""
    key = repository.address_key
    # Omeka S reserves prefixes that begin with "o".
    prefix = f"dspace-{_NOT_IN_A_PREFIX.sub('-', key.partition('/')[0])}"
    return FieldVocabulary(f"https://{key}/fields#", prefix, _("DSpace fields of %(name)s", name=repository.label))


class VocabularyWriter:
    """A writer of the vocabulary, which is created with the first field. Properties of it are never removed."""

    def __init__(self, connection: DestinationConnection, vocabulary: FieldVocabulary):
        self._connection, self._vocabulary = connection, vocabulary
        self._there = set[str]()

    def add(self, fields: Iterable[str]) -> None:
        """Add the properties of these fields. Raise InvalidInputError if the key may not."""
        new = sorted(set(fields) - self._there)
        if not new:
            return
        vocabulary = self._vocabulary
        labels = {vocabulary.property_of(field).removeprefix(vocabulary.namespace): field for field in new}
        wanted = NewVocabulary(vocabulary.namespace, vocabulary.prefix, vocabulary.label, labels)
        try:
            self._connection.asked(lambda: self._connection.client.ensure_vocabulary(wanted))
        except RestrictedError as error:
            raise InvalidInputError(needs_admin()) from error
        self._there.update(new)


def needs_admin() -> str:
    """Return why a vocabulary cannot be created."""
    return _(
        "Fields without a term need a vocabulary in Omeka S. Only the key of an administrator of the Omeka S site may "
        "create it."
    )
