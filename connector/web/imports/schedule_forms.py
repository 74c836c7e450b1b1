"""The form of a schedule. `jobs.schedule` validates its times."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, SelectField, StringField
from wtforms.widgets import TimeInput

from ...errors import InvalidInputError
from ...i18n import gettext as _, lazy_gettext as _l
from ...jobs.schedule import (
    EVERY_LABELS,
    LAST,
    LAST_SURE_DAY,
    WEEKDAY_LABELS,
    Every,
    Schedule,
    Window,
    parse_day,
    parse_time,
)
from ..base_form import Form, choices_of


class ScheduleForm(Form):
    """The schedule of a source. After validation `schedule` is a Schedule, or None for never."""

    every = SelectField(
        _l("Import automatically"),
        choices=choices_of({"": _l("Never")} | {every.value: label for every, label in EVERY_LABELS.items()}),
        description=_l("Imports the whole source with the settings shown above."),
    )
    weekday = SelectField(_l("Day of the week"), choices=choices_of(dict(enumerate(WEEKDAY_LABELS))), coerce=int)
    day = SelectField(
        _l("Day of the month"),
        choices=choices_of({str(day): str(day) for day in range(1, LAST_SURE_DAY + 1)} | {LAST: _l("The last")}),
    )
    at = StringField(_l("At"), default="02:00", widget=TimeInput())
    limited = BooleanField(
        _l("Only at certain hours"),
        description=_l(
            "An unfinished import pauses at the end of these hours and continues when they begin again. Imports "
            "started by hand use the hours in their own settings."
        ),
    )
    since = StringField(_l("From"), default="22:00", widget=TimeInput())
    until = StringField(_l("Until"), default="06:00", widget=TimeInput(), description=_l("May end after midnight."))
    schedule: Schedule | None = None

    def fill(self, schedule: Schedule | None, zone: str) -> None:
        """Fill the form with a schedule. `zone`: the name of its time zone."""
        self.name_zone(zone)
        if schedule is None:
            return
        self.every.data, self.weekday.data = schedule.every.value, schedule.weekday
        self.day.data = str(schedule.day or LAST)
        self.at.data = f"{schedule.at:%H:%M}"
        if schedule.window:
            self.limited.data = True
            self.since.data, self.until.data = f"{schedule.window.start:%H:%M}", f"{schedule.window.end:%H:%M}"

    def name_zone(self, zone: str) -> None:
        """Show the name of the time zone in the description of the hour."""
        self.at.description = _("Hour and minute in the server's time zone, %(zone)s.", zone=zone)

    def validate(self, *args: Any, **extra: Any) -> bool:
        """Return whether the fields are valid and form a valid schedule."""
        if not super().validate(*args, **extra):
            return False
        try:
            self.schedule = self._schedule() if self.every.data else None
        except InvalidInputError as error:
            self.refuse(error)
            return False
        return True

    def _schedule(self) -> Schedule:
        window = None
        if self.limited.data:
            window = Window(parse_time(self.since.data or "", "since"), parse_time(self.until.data or "", "until"))
        at = parse_time(self.at.data or "")
        return Schedule(Every(self.every.data), at, self.weekday.data, parse_day(self.day.data), window)
