"""The kind of jobs that export items, with what they count."""

from __future__ import annotations

from ..i18n import lazy_gettext as _l
from ..models.accounts import Role
from ..models.job_kinds import JobKind, ShownCount, register
from .export_options import ExportOptions

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
