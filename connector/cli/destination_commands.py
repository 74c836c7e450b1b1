"""`flask destination …`: commands for the Omeka S sites to which items are published."""

from __future__ import annotations

import sys
from typing import Any

import click
from sqlalchemy import select

from ..catalogue.search import Selection, item_set_named
from ..errors import InvalidInputError
from ..i18n import gettext as _, lazy_gettext as _l
from ..imports.start import scheduling
from ..models.catalogue import CatalogueItem
from ..models.publishing import Destination, FileMode
from ..publishing import connection_report, destinations, publish_jobs
from ..publishing.destinations import DestinationSettings
from ..publishing.job_kind import PUBLISH, PUBLISH_PREVIEW
from ..row_ids import ROW_ID
from .acting_user import as_option
from .command import CommandGroup, answer, command, json_option, option, read_secret
from .foreground import run_all_in_foreground, run_in_foreground

destination = CommandGroup("destination", help=_l("Omeka S sites to which items are published."))


@destination.command(
    "add",
    help=_l(
        "Add the Omeka S site at ADDRESS as the destination NAME, with an API key of a user of that site.\n\n"
        "KEY_IDENTITY is the first part of the key. The second part, the credential, is read from the first line of "
        "stdin. In a terminal you are asked for it. The site and the key are checked at once."
    ),
)
@click.argument("name")
@click.argument("address")
@click.argument("key_identity")
@option("--private", is_flag=True, help=_l("New items are private. By default they are public."))
@option(
    "--files",
    type=click.Choice([mode.value for mode in FileMode]),
    default=FileMode.NONE.value,
    help=_l("How files are published: not at all, as uploads of the stored files, or as links to the source."),
    show_default=True,
)
@option(
    "--all-fields",
    is_flag=True,
    help=_l("Publish fields without a term in a vocabulary of their own. This needs the key of an administrator."),
)
@option("--template", metavar="ID", type=click.IntRange(1), help=_l("Resource template of new items."))
@json_option
def _add(
    name: str,
    address: str,
    key_identity: str,
    private: bool,
    files: str,
    all_fields: bool,
    template: int | None,
    as_json: bool,
) -> None:
    settings = DestinationSettings(name, not private, FileMode(files), template, has_all_fields=all_fields)
    credential = read_secret(
        _("Key credential"), _("Give the key credential as the first line of stdin."), "credential"
    ).strip()
    number = destinations.add(address, key_identity, credential, settings)
    added = _as_dict(destinations.get(number))
    answer(as_json, added, _("Destination %(id)s, %(name)s, was added.", id=number, name=name))


@destination.command("list", help=_l("List the destinations."))
@json_option
def _list(as_json: bool) -> None:
    known = [_as_dict(one) for one in destinations.every()]
    line = _l("Destination %(destination)s, %(name)s: %(url)s, Omeka S %(version)s. Items: %(items)s.")
    answer(as_json, known, *(line % one for one in known))


@destination.command(
    "test",
    help=_l(
        "Check that DESTINATION (its number, name or address) can be reached and that its key may write.\n\n"
        "Exit code: 0 if items can be published, 1 if the key may not write, 2 if the site cannot be used."
    ),
)
@click.argument("destination")
@json_option
def _test(destination: str, as_json: bool) -> None:
    report = connection_report.report_of(destinations.find(destination))
    site, sentences = report.site, list(report.sentences)
    found = {"version": site.version, "knows_key": site.knows_key, "may_write": site.may_write, "findings": sentences}
    answer(as_json, found, *sentences)
    sys.exit(0 if site.may_write else 1)


@destination.command("remove", help=_l("Remove DESTINATION with its key from this app. The items in Omeka S stay."))
@click.argument("destination")
def _remove(destination: str) -> None:
    known = destinations.find(destination)
    name = known.name
    destinations.remove(known.id)
    click.echo(_("The destination %(name)s was removed. Its items in Omeka S stay.", name=name), err=True)


@command(
    "publish",
    help=_l(
        "Publish items to an Omeka S site and wait for the end. Edits made in Omeka S are kept. Choose the items by "
        "one of --source, --item-set, --job and --item. There is one job for each source of the items.\n\n"
        "Exit code: as for import."
    ),
)
@option("--source", help=_l("The source whose items to publish, by number, handle or name."))
@option("--item-set", help=_l("The item set whose items to publish, by number or name."))
@option("--job", type=ROW_ID, help=_l("The import whose added and updated items to publish, by number."))
@option("--item", "items", multiple=True, type=ROW_ID, help=_l("An item to publish, by number. Can be repeated."))
@option("--to", "destination", required=True, help=_l("The destination, by number, name or address."))
@option("--dry-run", is_flag=True, help=_l("Only show what would be done. Nothing is written to Omeka S."))
@option("--comment", default="", help=_l("A note for Past imports."))
@as_option
@json_option
def _publish(
    source: str | None,
    item_set: str | None,
    job: int | None,
    items: tuple[int, ...],
    destination: str,
    dry_run: bool,
    comment: str,
    as_json: bool,
) -> None:
    if sum(map(bool, (source, item_set, job is not None, items))) != 1:
        raise InvalidInputError(_("Give one of --source, --item-set, --job and --item."))
    destination_id, kind = destinations.find(destination).id, PUBLISH_PREVIEW if dry_run else PUBLISH
    if source:
        source_id = scheduling.find_source(source).id
        run_in_foreground(publish_jobs.create(source_id, destination_id, comment=comment, kind=kind), as_json)
        return
    if items:
        chosen = select(CatalogueItem.id).where(CatalogueItem.id.in_(items))
    else:
        set_id = item_set_named(item_set) if item_set else None
        chosen = Selection(item_set_id=set_id, job_id=job, with_hidden=True).ids()
    run_all_in_foreground(publish_jobs.create_for(chosen, destination_id, comment=comment, kind=kind), as_json)


def _as_dict(known: Destination) -> dict[str, Any]:
    return {
        "destination": known.id,
        "name": known.name,
        "url": known.site_url,
        "version": known.version,
        "public": known.is_public,
        "files": known.files,
        "all_fields": known.has_all_fields,
        "template": known.template_id,
        "items": destinations.item_count(known.id),
    }


COMMANDS: list[click.Command] = [destination, _publish]
