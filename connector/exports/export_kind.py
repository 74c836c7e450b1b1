"""The kind of jobs that export items, with its options and what it counts."""

from __future__ import annotations

from dataclasses import dataclass

from ..i18n import lazy_gettext as _l
from ..models.accounts import Role
from ..models.job_kinds import JobKind, ShownCount, register
from ..models.job_options import JobOptions


@dataclass(frozen=True)
class ExportOptions(JobOptions):
    """The options of an export. `format`: one of `formats.FORMATS`. `separator`: between several values of a CSV cell.

    `restricted`: also export what only a login shows at the source. `fields_url`: the start of the IRIs of fields
    without a term.
    """

    format: str
    separator: str = ""
    restricted: bool = False
    fields_url: str = ""

    @property
    def names_restricted(self) -> bool:
        """Return whether the report may name restricted items."""
        return self.restricted


EXPORT = JobKind(
    name="export",
    title=_l("Export"),
    heading=_l("Export"),
    counters=("seen", "files", "bytes"),
    shown=(
        ShownCount("seen", _l("Exported"), _l("%(count)s exported")),
        ShownCount("files", _l("Files exported"), _l("files exported: %(count)s"), is_rare=True),
    ),
    done=("seen",),
    options=ExportOptions,
    started_by=Role.VIEWER,
)
register(EXPORT)
