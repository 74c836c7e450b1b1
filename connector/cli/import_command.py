"""The command that imports from a repository, or estimates or previews the import."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from ..accounts.authorization import may
from ..dspace.records import Estimate, ScopeKind
from ..dspace.typed_addresses import clean_address
from ..errors import InvalidInputError
from ..formatting import file_count, item_count, request_count, time_range
from ..i18n import gettext as _, lazy_gettext as _l
from ..imports.import_options import HAS_RELATED_ITEMS, ImportOptions
from ..imports.input_checks import check_delay, check_hours, check_limit, check_size
from ..imports.sample_items import MOST
from ..imports.start import queueing
from ..models.accounts import Role
from ..models.job_options import FileOptions
from ..models.jobs import Kind
from ..publishing import destinations
from ..remapping import remap_jobs
from ..repositories import credentials, discovery, service
from ..text import size_range
from .acting_user import as_option
from .command import command, json_option, option, print_json
from .foreground import follow, run_in_foreground


@command(
    "import",
    help=_l(
        "Import from the DSpace at URL and wait for the end.\n\n"
        "Exit code: 0 completed and clean, 1 completed with problems, 2 failed or refused, 75 the database "
        "server does not answer, 130 stopped. 0 of a dry run says that everything was compared, even if "
        "something would change."
    ),
)
@click.argument("url")
@option("--endpoint", default="rest", show_default=True, help=_l("Path of the API below the site, or its URL."))
@option("--limit", help=_l("Results per request, 1 to 1,000."))
@option("--delay", metavar="SECONDS", help=_l("Pause between two requests to this repository, 0 to 60."))
@option("--oai/--no-oai", "uses_oai", default=None, help=_l("Use OAI-PMH beside the REST API of this repository."))
@option("--collection", metavar="ID", help=_l("A collection, by uuid, number or handle."))
@option("--community", metavar="ID", help=_l("A community with all below it."))
@option("--item", metavar="ID", help=_l("One item."))
@option("--all", "everything", is_flag=True, help=_l("The entire repository."))
@option("--files/--no-files", default=False, help=_l("Download the files."), show_default=True)
@option(
    "--bundle", "bundles", metavar="NAME", multiple=True, help=_l("Download files of this bundle instead of ORIGINAL.")
)
@option("--file-limit", metavar="SIZE", help=_l("Largest file to download, for example 500 MB."))
@option("--files-limit", metavar="SIZE", help=_l("Total download limit. The next import continues."))
@option("--between", metavar="HH:MM-HH:MM", help=_l("Import only in these hours. A worker continues then."))
@option("--item-set", metavar="NAME", help=_l("Put the items in this item set. Create it if needed."))
@option("--item-set-from-collection", is_flag=True, help=_l("Create an item set for each DSpace collection."))
@option(
    "--related-items", is_flag=True, help=_l("Also import the people, projects and other items that the items name.")
)
@option("--publish-to", metavar="DESTINATION", help=_l("Also publish the source there: number, name or address."))
@option("--full", is_flag=True, help=_l("Read every item and file list again, even if it seems unchanged."))
@option("--comment", default="", help=_l("A note for Past imports."))
@option("--test", metavar="N", type=click.IntRange(1), help=_l("Import only the first N items."))
@option(
    "--ignore",
    metavar="FIELD",
    multiple=True,
    help=_l("Leave this field out of pages and CSV, for example dc.subject.*."),
)
@option("--same-as", metavar="REPOSITORY", help=_l("The known repository that has moved to this address."))
@option("--estimate", is_flag=True, help=_l("Only estimate size and time. Import nothing."))
@option("--dry-run", is_flag=True, help=_l("Only preview the changes. Import nothing."))
@option(
    "--samples",
    metavar="N",
    type=click.IntRange(1, MOST),
    help=_l("With --dry-run: also read N varied items, and show them as pages."),
)
@as_option
@json_option
def _import(url: str, as_json: bool, **options: Any) -> None:
    kind, identifier = _scope_options(options)
    if options["item_set"] and options["item_set_from_collection"]:
        raise InvalidInputError(_("Give --item-set or --item-set-from-collection, not both."))
    if options["samples"] and not options["dry_run"]:
        raise InvalidInputError(_("Give --samples only with --dry-run."))
    same_as = credentials.movable(service.find_repository(options["same_as"]).id).id if options["same_as"] else None
    delay = None if options["delay"] is None else check_delay(options["delay"])
    limit = check_limit(options["limit"])
    connected = discovery.connect(
        clean_address(url),
        options["endpoint"],
        limit,
        same_as,
        delay=delay,
        uses_oai=options["uses_oai"],
        may_forget_login=may(Role.ADMIN),
    )
    scope, requests = connected.scope, connected.requests
    if kind is not None:
        found = discovery.find(connected.repository_id, kind, identifier)
        scope, requests = found.scope, requests + found.requests
    if scope is None:
        raise InvalidInputError(_("Say what to import: --collection, --community, --item or --all."))
    if options["related_items"] and service.get(connected.repository_id).generation < HAS_RELATED_ITEMS:
        raise InvalidInputError(_("--related-items needs DSpace 7 or later."))
    if options["estimate"]:
        bundles = FileOptions(options["files"], options["bundles"]).chosen_bundles
        estimate = discovery.estimate(connected.repository_id, scope, bundles=bundles)
        _print_estimate(estimate, as_json)
        return
    if options["ignore"] and not options["dry_run"]:
        is_changed = service.ignore_fields(connected.repository_id, options["ignore"])
        if is_changed and (remap_id := remap_jobs.create_if_waiting(connected.repository_id)) is not None:
            follow(remap_id)
    source_id = service.source_for(connected.repository_id, scope)
    run_in_foreground(_created(source_id, options, requests), as_json)


def _scope_options(options: dict[str, Any]) -> tuple[ScopeKind | None, str]:
    given = [(kind, options[kind.value]) for kind in (ScopeKind.COLLECTION, ScopeKind.COMMUNITY, ScopeKind.ITEM)]
    given = [(kind, identifier) for kind, identifier in given if identifier]
    if options["everything"]:
        given.append((ScopeKind.REPOSITORY, ""))
    if len(given) > 1:
        raise InvalidInputError(_("Give one of --collection, --community, --item and --all."))
    return given[0] if given else (None, "")


def _created(source_id: int, options: dict[str, Any], requests: int) -> int:
    kept = ImportOptions(
        files=options["files"],
        bundles=options["bundles"],
        file_limit=check_size(options["file_limit"]),
        files_limit=check_size(options["files_limit"]),
        item_set=options["item_set"],
        item_set_from_collection=options["item_set_from_collection"],
        related_items=options["related_items"],
        test=options["test"],
        hours=check_hours(options["between"]),
        full=options["full"],
        publish_to=destinations.find(options["publish_to"]).id if options["publish_to"] else None,
    )
    kind = Kind.PREVIEW if options["dry_run"] else Kind.IMPORT
    kept = kept.for_preview(options["samples"] or 0) if options["dry_run"] else kept
    return queueing.create(source_id, kept, kind=kind, comment=options["comment"], requests=requests)


def _print_estimate(estimate: Estimate, as_json: bool) -> None:
    if as_json:
        print_json(asdict(estimate))
        return
    if estimate.items is None:
        click.echo(_("The repository does not report any counts."))
        return
    counted = {item_count: estimate.items, request_count: estimate.requests, file_count: estimate.files}
    counts = ", ".join(in_words(number) for in_words, number in counted.items() if number is not None)
    if estimate.bytes is not None:
        counts = _("%(counts)s (%(size)s)", counts=counts, size=size_range(estimate.bytes))
    if estimate.seconds is None:
        click.echo(_("About %(counts)s.", counts=counts))
    else:
        click.echo(_("About %(counts)s: %(time)s.", counts=counts, time=time_range(estimate.seconds)))


COMMANDS: list[click.Command] = [_import]
