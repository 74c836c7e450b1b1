"""Commands for sources: list them, schedule their imports, test notifications and prune old records."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from flask import current_app

from ..errors import InvalidInputError
from ..formatting import file_count
from ..i18n import gettext as _, lazy_gettext as _l, ngettext
from ..imports.start import scheduling
from ..jobs import notifications
from ..jobs.schedule import WEEKDAYS, Every, Schedule, parse_day, parse_time, parse_window, to_local_time
from ..models.repositories import Source
from ..repositories import service
from ..tasks.periodic_tasks import prune
from .command import answer, command, json_option, option, print_json

DEFAULT_AT = "02:00"


@command("sources", help=_l("List the sources with their schedules."))
@json_option
def _sources(as_json: bool) -> None:
    every = scheduling.all_sources()
    answer(as_json, [_as_dict(source) for source in every], *map(_line, every))


@command(
    "schedule",
    help=_l("Set when SOURCE (its number, handle or name) is imported automatically. Without options, print it."),
)
@click.argument("source")
@option("--daily", is_flag=True, help=_l("Import it every day."))
@option("--weekly", metavar="DAY", help=_l("Import it once a week: monday, tuesday …"))
@option("--monthly", metavar="DAY", help=_l("Import it once a month: 1 to 28, or last."))
@option(
    "--at", metavar="HH:MM", help=_l("The hour, in the time zone of the server.  [default: %(time)s]", time=DEFAULT_AT)
)
@option("--between", metavar="HH:MM-HH:MM", help=_l("Work only in these hours, over midnight if need be."))
@option("--off", is_flag=True, help=_l("No longer import it automatically."))
@json_option
def _schedule(source: str, as_json: bool, **options: Any) -> None:
    source_id = scheduling.find_source(source).id
    if any(options.values()):
        scheduling.set_schedule(source_id, _chosen(options))
    shown = service.get_source(source_id)
    answer(as_json, _as_dict(shown), _in_words(shown))


def _chosen(options: dict[str, Any]) -> Schedule | None:
    """Return the schedule that the options describe, or None for --off.

    Raises InvalidInputError if the options do not fit together or a value is invalid.
    """
    given = [name for name in ("daily", "weekly", "monthly", "off") if options[name]]
    if len(given) != 1:
        raise InvalidInputError(_("Give one of --daily, --weekly, --monthly and --off."))
    if options["off"]:
        return None
    every, at = Every(given[0]), parse_time(options["at"] or DEFAULT_AT)
    weekday = _weekday(options["weekly"]) if options["weekly"] else 0
    day = parse_day(options["monthly"].lower()) if options["monthly"] else 1
    return Schedule(every, at, weekday, day, parse_window(options["between"] or ""))


def _weekday(text: str) -> int:
    found = [number for number, name in enumerate(WEEKDAYS) if name == text.strip().lower()]
    if not found:
        raise InvalidInputError(
            _("“%(text)s” is no day of the week: %(weekdays)s.", text=text, weekdays=", ".join(WEEKDAYS))
        )
    return found[0]


def _line(source: Source) -> str:
    return _(
        "Source %(id)s, %(name)s (%(repository)s): %(schedule)s",
        id=source.id,
        name=source.label,
        repository=source.repository.label,
        schedule=_in_words(source),
    )


def _in_words(source: Source) -> str:
    schedule = Schedule.from_json(source.schedule)
    if schedule is None or source.due_at is None:
        return _("No schedule.")
    zone = current_app.config["TIMEZONE"]
    return _(
        "%(schedule)s. Next: %(time)s (%(zone)s).",
        schedule=schedule,
        time=f"{to_local_time(source.due_at, zone):%Y-%m-%d %H:%M}",
        zone=zone,
    )


def _as_dict(source: Source) -> dict[str, Any]:
    """Return the source as --json prints it.

    `schedule` is null, or {every, at, weekday (0 is Monday), day (1 to 28 or last), window ([from, until] or null),
    owner (the name of the user who set it)}.
    """
    return {
        "source": source.id,
        "repository": source.repository.label,
        "kind": source.kind,
        "handle": source.handle,
        "name": source.name,
        "schedule": source.schedule,
        "due": f"{source.due_at.isoformat()}Z" if source.due_at else None,
    }


@command("notify", help=_l("Check that notifications of scheduled imports arrive by e-mail and at the webhook."))
@option("--test", "is_test", is_flag=True, required=True, help=_l("Send a test by each channel that is set up."))
def _notify(is_test: bool) -> None:
    for sentence in notifications.send_trial():
        click.echo(sentence, err=True)


@command(
    "prune",
    help=_l("Delete earlier states of items and results of previews that need not be kept any longer."),
)
@json_option
def _prune(as_json: bool) -> None:
    gone = prune()
    if as_json:
        print_json(asdict(gone))
        return
    click.echo(
        _(
            "Deleted: %(states)s, %(files)s, %(previews)s.",
            states=ngettext("%(num)s earlier state of an item", "%(num)s earlier states of items", gone.states),
            files=file_count(gone.files),
            previews=ngettext("results of %(num)s preview", "results of %(num)s previews", gone.previews),
        ),
        err=True,
    )


COMMANDS: list[click.Command] = [_sources, _schedule, _notify, _prune]
