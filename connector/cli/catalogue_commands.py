"""Commands that change the catalogue: take items down, and map them again."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import click
from sqlalchemy import Select

from ..accounts.authorization import require
from ..catalogue import takedown
from ..formatting import item_count
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.accounts import Role
from ..models.job_kinds import JobKind
from ..publishing import withdrawal_jobs
from ..publishing.job_kind import LEAVE, WITHDRAWALS
from ..remapping import remap_jobs
from ..repositories import service
from ..tasks import wake
from .acting_user import as_option
from .command import answer, command, json_option, option
from .foreground import run_in_foreground


@command(
    "takedown",
    help=_l(
        "Remove items of REPOSITORY for good, named by handle, id or address, and keep imports from bringing "
        "them back.\n\n"
        "Exit code: 0 done, 1 done but some items are neither in the catalogue nor excluded."
    ),
)
@click.argument("repository")
@click.argument("names", nargs=-1, metavar="[HANDLE...|-]")
@option("--list", "lists", metavar="FILE", type=click.File(), multiple=True, help=_l("Items, one per line."))
@option("--reason", default="", help=_l("The reason, kept with each item. Required to take down."))
@option(
    "--omeka",
    type=click.Choice([LEAVE, *WITHDRAWALS]),
    default=LEAVE,
    show_default=True,
    help=_l("What a job then does with the published items in Omeka S. Items edited there are not deleted."),
)
@option("--also-unknown", is_flag=True, help=_l("Also exclude items that are not in the catalogue."))
@option("--list-excluded", is_flag=True, help=_l("Only print the excluded items as CSV."))
@option("--allow", metavar="HANDLE", multiple=True, help=_l("Only allow imports to bring this item again."))
@as_option
@json_option
def _takedown(repository: str, names: tuple[str, ...], as_json: bool, **options: Any) -> None:
    require(Role.ADMIN)
    known = service.find_repository(repository).id
    if options["list_excluded"]:
        click.echo(takedown.as_csv(known), nl=False)
    elif options["allow"]:
        allowed = takedown.allow_named(known, options["allow"])
        answer(as_json, {"allowed": allowed}, _("Allowed again: %(items)s.", items=item_count(allowed)))
    else:
        sources = [*options["lists"], *([sys.stdin] if "-" in names else [])]
        lines = [*(name for name in names if name != "-"), *(line for source in sources for line in source)]
        kind = WITHDRAWALS.get(options["omeka"])
        _take_down(takedown.find_items(known, lines), known, as_json, options["reason"], options["also_unknown"], kind)


def _take_down(
    what: takedown.Named, repository_id: int, as_json: bool, reason: str, also_unknown: bool, kind: JobKind | None
) -> None:
    """Take items down and print the result. `kind`: of the job for the published items, None to leave them."""
    job_ids, left = dict[int, None](), Counter[str]()

    def withdraw(item_ids: Select[int]) -> None:
        for one in withdrawal_jobs.holders(item_ids):
            if kind is None:
                left[one.destination.name] += one.items
            else:
                job_ids.update(dict.fromkeys(withdrawal_jobs.queue(item_ids, one.destination.id, kind)))

    removed = takedown.take_down(repository_id, what, reason, also_unknown, withdraw)
    wake(*job_ids)
    for name in what.unknown:
        sentence = (
            _("Not in the catalogue, but excluded: %(name)s") if also_unknown else _("Not in the catalogue: %(name)s")
        )
        click.echo(sentence % {"name": name}, err=True)
    result = {"removed": removed, "unknown": list(what.unknown), "jobs": list(job_ids)}
    for place, number in left.items():
        sentence = _("Still published in %(place)s: %(items)s.", place=place, items=item_count(number))
        click.echo(sentence, err=True)
    if job_ids:
        click.echo(_("Jobs for the items in Omeka S: %(jobs)s", jobs=", ".join(map(str, job_ids))), err=True)
    answer(as_json, result, _("Taken down: %(items)s.", items=item_count(removed)))
    sys.exit(1 if what.unknown and not also_unknown else 0)


@command("remap", help=_l("Apply the crosswalk again to all items of REPOSITORY, without downloading."))
@click.argument("repository")
@as_option
@json_option
def _remap(repository: str, as_json: bool) -> None:
    require(Role.EDITOR)
    run_in_foreground(remap_jobs.create(service.find_repository(repository).id), as_json)


COMMANDS: list[click.Command] = [_takedown, _remap]
