"""What an Omeka S site holds, as frozen dataclasses. Properties and classes are URIs, the same at each site."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

DCTERMS = "http://purl.org/dc/terms/"
BIBO = "http://purl.org/ontology/bibo/"
TITLE = f"{DCTERMS}title"
IDENTIFIER = f"{DCTERMS}identifier"
HAS_PART = f"{DCTERMS}hasPart"
URI = f"{BIBO}uri"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a resource. `property`: the URI of its property. `type`: the name of its data type at the site.

    `text` is set for literals, `uri` and perhaps `label` for addresses, `resource_id` for links to other resources.
    `extra`: JSON of all other members, such as annotations. It is written back as it was read.
    """

    property: str
    type: str
    text: str | None = None
    uri: str | None = None
    label: str | None = None
    language: str | None = None
    resource_id: int | None = None
    is_public: bool = True
    extra: str = ""


def literal(property: str, text: str, language: str | None = None, *, is_public: bool = True) -> Value:
    """Return a text value."""
    return Value(property, "literal", text=text, language=language or None, is_public=is_public)


def uri(property: str, address: str, label: str | None = None, *, is_public: bool = True) -> Value:
    """Return a value that is an address."""
    return Value(property, "uri", uri=address, label=label or None, is_public=is_public)


@dataclass(frozen=True, slots=True)
class Resource:
    """The data of an item or item set that can be written. `resource_class`: a URI.

    `template`, `owner`: their ids at the site. `owner` is only written at the creation, None for the user of the key.
    """

    values: tuple[Value, ...]
    is_public: bool = True
    resource_class: str | None = None
    template: int | None = None
    owner: int | None = None


@dataclass(frozen=True, slots=True)
class Item(Resource):
    """An item. `item_sets`, `sites`, `media`: ids, those of media in order. None for `sites`: the site decides.

    `id` is 0 for an item that is to be created. `created`, `modified`: when it was created and last changed, as
    the site writes it. Changes of its media do not count. `is_linked`: whether other resources link to it.
    """

    item_sets: frozenset[int] = frozenset()
    sites: frozenset[int] | None = None
    media: tuple[int, ...] = ()
    id: int = 0
    title: str | None = None
    created: str | None = None
    modified: str | None = None
    is_linked: bool = False


@dataclass(frozen=True, slots=True)
class ItemSet(Resource):
    """An item set. `is_open`: whether others may add items. `id` is 0 for a set that is to be created.

    `created`, `modified`: as in `Item`.
    """

    is_open: bool = False
    id: int = 0
    title: str | None = None
    created: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class NewMedia:
    """A file that is to be uploaded to an item. `position`: its place among the media of the item, from 1."""

    item_id: int
    filename: str
    title: str
    position: int
    is_public: bool = True
    source: str | None = None
    alt_text: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """A file or other medium of an item. `size`: in bytes. `created`, `modified`: as in `Item`."""

    id: int
    item_id: int
    ingester: str
    source: str | None
    media_type: str | None
    sha256: str | None
    size: int | None
    is_public: bool
    alt_text: str | None = None
    values: tuple[Value, ...] = ()
    created: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """An item after it was written, and the values that were sent and that the site dropped without an error."""

    item: Item
    dropped: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A vocabulary of a site. `prefix` is chosen by the site."""

    id: int
    namespace: str
    prefix: str
    label: str


@dataclass(frozen=True, slots=True)
class NewVocabulary:
    """A vocabulary that is to be there. `labels`: those of its properties, by local name.

    `prefix`: a number is added if another vocabulary has it.
    """

    namespace: str
    prefix: str
    label: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Template:
    """A resource template. `required`: the properties without which the site refuses a resource."""

    id: int
    label: str
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class Named:
    """A user or a site of the installation, or a term by its URI."""

    id: int | str
    name: str


@dataclass(frozen=True, slots=True)
class Offers:
    """What a person can choose for new items: classes, templates, and the users and sites that the key may see."""

    classes: tuple[Named, ...] = ()
    templates: tuple[Template, ...] = ()
    users: tuple[Named, ...] = ()
    sites: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """What the check of a site found. `may_write`: whether the key may create items.

    `knows_key`: whether the key belongs to a user. A wrong key is no error in Omeka S: the site answers as to anybody.
    `has_module`: whether the module DspaceConnector is installed.
    """

    api_url: str
    version: str
    knows_key: bool
    may_write: bool
    has_module: bool = False
    vocabularies: tuple[Vocabulary, ...] = ()
    properties: frozenset[str] = field(default=frozenset(), repr=False)
    classes: frozenset[str] = field(default=frozenset(), repr=False)
    templates: tuple[Template, ...] = ()

    def missing(self, properties: Collection[str]) -> list[str]:
        """Return those of the properties that the site does not have, sorted."""
        return sorted(set(properties) - self.properties)
