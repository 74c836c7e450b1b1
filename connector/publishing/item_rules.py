"""Checks that a site still has what a person chose for its destination, and returns how items are mapped for it."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InvalidInputError
from ..i18n import gettext as _
from .attempt_connections import check_key
from .destination_connections import DestinationConnection
from .destinations import DestinationSettings
from .field_vocabulary import FieldVocabulary
from .mapping import ItemRules


def checked_rules(
    connection: DestinationConnection, settings: DestinationSettings, vocabulary: FieldVocabulary | None
) -> ItemRules:
    """Return how to map items for the site.

    Raise InvalidInputError if the key may not write there, or if something that was chosen is no longer there.
    """
    site = check_key(connection)
    required = {one.id: one.required for one in site.templates}
    if settings.template_id not in (None, *required):
        raise InvalidInputError(_("The chosen resource template is no longer there. Choose another one."))
    _check_owner(connection, settings.owner_id)
    _check_sites(connection, settings.site_ids)
    return ItemRules(
        settings.is_public,
        settings.template_id,
        {name: one for name, one in settings.classes.items() if one in site.classes},
        site.properties,
        required.get(settings.template_id or 0, frozenset()),
        settings.owner_id,
        frozenset(settings.site_ids) or None,
        vocabulary,
    )


def _check_owner(connection: DestinationConnection, owner_id: int | None) -> None:
    if owner_id is None:
        return
    users = connection.asked(connection.client.users)
    if owner_id not in (user.id for user in users):
        raise InvalidInputError(_("The chosen owner is no longer a user in Omeka S. Choose another one."))


def _check_sites(connection: DestinationConnection, site_ids: Sequence[int]) -> None:
    if not site_ids:
        return
    sites = connection.asked(connection.client.sites)
    if not set(site_ids) <= {site.id for site in sites}:
        raise InvalidInputError(_("A chosen site is no longer in Omeka S. Choose the sites of the destination again."))
