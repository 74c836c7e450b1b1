"""Client of the REST API of an Omeka S site (3.2 and later). Knows no Flask, no database and no DSpace."""

from .omeka_client import OmekaClient, api_url_of
from .refusals import Refusal, refusal_in
from .resources import (
    Item,
    ItemSet,
    Media,
    Named,
    NewMedia,
    NewVocabulary,
    Offers,
    Resource,
    Site,
    Template,
    Value,
    Vocabulary,
    Written,
    literal,
    uri,
)

__all__ = [
    "Item",
    "ItemSet",
    "Media",
    "Named",
    "NewMedia",
    "NewVocabulary",
    "Offers",
    "OmekaClient",
    "Refusal",
    "Resource",
    "Site",
    "Template",
    "Value",
    "Vocabulary",
    "Written",
    "api_url_of",
    "literal",
    "refusal_in",
    "uri",
]
