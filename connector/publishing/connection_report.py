"""Says in sentences what an Omeka S site offers, and what the key of a destination may do there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..i18n import gettext as _, ngettext
from ..models.publishing import Destination
from ..omeka.resources import BIBO, DCTERMS, Site
from .destination_connections import DestinationConnection, connected_to

# Both namespaces have terms that the crosswalk uses.
NAMESPACES = {DCTERMS: "Dublin Core", BIBO: "BIBO"}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found at a site, as data and in sentences."""

    site: Site
    sentences: tuple[str, ...]


def report_of(destination: Destination) -> Report:
    """Check the site of a destination with its saved key. Nothing is changed. Raise the errors of `OmekaClient`."""
    template_id, classes = destination.template_id, sorted(set(destination.classes.values()))
    with connected_to(destination) as connection:
        site = connection.client.check()
        is_admin = site.may_write and connection.client.is_admin()
        is_editor = is_admin or (site.may_write and connection.client.is_editor())
    sentences = (*_about_site(site), *_about_key(site, is_admin, is_editor), *_about_terms(site), *_about_rest(site))
    return Report(site, (*sentences, *_missing_choices(site, template_id, classes)))


def unknown_key() -> str:
    """Return why a key is refused that the site answers as it answers anybody."""
    return _("The site does not know this key. Check both parts of the key, and whether its user is active.")


def read_only_key() -> str:
    """Return why a key is refused that may only read."""
    return _("The user of this key may only read. Choose a key of a user with the role Editor or higher.")


def hidden_items(connection: DestinationConnection) -> str:
    """Return that new items may be there twice, or "" if the key may see all items. Nothing is changed."""
    if connection.asked(connection.client.is_editor):
        return ""
    return _(
        "The key may not see items that others made private in Omeka S, so new items of this job could be there twice. "
        "Choose a key of a user with the role Editor or higher."
    )


def _about_site(site: Site) -> Iterator[str]:
    address = site.api_url.removesuffix("/api")
    yield _("Omeka S %(version)s answers at %(url)s.", version=site.version, url=address)
    yield _("Its API is at %(url)s.", url=site.api_url)
    if site.api_url.startswith("http:"):
        yield _("The connection is not encrypted, so others in the network can read the key. Use https.")


def _about_key(site: Site, is_admin: bool, is_editor: bool) -> Iterator[str]:
    if not site.knows_key:
        yield unknown_key()
    elif not site.may_write:
        yield read_only_key()
    elif is_admin:
        yield _("The key may create items and files. It may also choose their owner and create vocabularies.")
    else:
        yield _("The key may create items and files. It may not choose another owner or create vocabularies.")
    if site.may_write and not is_editor:
        yield _(
            "Its user may not see, change or delete all items of others, so an item could be created twice. "
            "Choose a key of a user with the role Editor or higher."
        )


def _about_terms(site: Site) -> Iterator[str]:
    yield _("Vocabularies: %(names)s.", names=_listed(one.label or one.prefix for one in site.vocabularies))
    known = {vocabulary.namespace for vocabulary in site.vocabularies}
    for namespace, name in NAMESPACES.items():
        if namespace not in known:
            yield _("The vocabulary %(name)s is missing. Its values are left out.", name=name)
    yield ngettext("It has %(num)s resource class.", "It has %(num)s resource classes.", len(site.classes))
    names = _listed(template.label for template in site.templates)
    yield _("Resource templates: %(names)s.", names=names) if names else _("It has no resource templates.")


def _about_rest(site: Site) -> Iterator[str]:
    if site.has_module:
        yield _(
            "The module DspaceConnector is installed. If it imports the same items again, it overwrites them. "
            "Stop its imports of items that are published from here."
        )
    yield _("Omeka S does not say which file types and sizes it accepts. Refused files are listed with the job.")


def _missing_choices(site: Site, template_id: int | None, classes: Iterable[str]) -> Iterator[str]:
    """Yield what the settings of the destination name and the site lacks."""
    if template_id not in (None, *(template.id for template in site.templates)):
        yield _("The chosen resource template is no longer there. Choose another one.")
    for uri in classes:
        if uri not in site.classes:
            yield _("The class %(name)s is not there. Items of this type get no class.", name=uri)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names, key=str.casefold))
