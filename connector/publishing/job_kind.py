"""The kind of jobs that publish, with what it counts."""

from __future__ import annotations

from ..i18n import lazy_gettext as _l
from ..models.job_kinds import JobKind, register

_ITEMS = ("seen", "added", "updated", "unchanged", "failed", "conflicts", "deleted_there")
PUBLISH = JobKind(
    name="publish",
    title=_l("Publishing"),
    heading=_l("Publishing of %(source)s"),
    counters=frozenset({*_ITEMS, "files_sent", "requests"}),
    labels={"added": _l("Added"), "updated": _l("Updated"), "unchanged": _l("Unchanged"), "failed": _l("Failed")},
    rare_labels={
        "conflicts": _l("Changed on both sides"),
        "deleted_there": _l("Deleted in Omeka S"),
        "files_sent": _l("Files uploaded"),
    },
    words={
        "added": _l("%(count)s added"),
        "updated": _l("%(count)s updated"),
        "unchanged": _l("%(count)s unchanged"),
        "failed": _l("%(count)s failed"),
    },
    rare_words={
        "conflicts": _l("%(count)s changed on both sides"),
        "deleted_there": _l("%(count)s deleted in Omeka S"),
        "files_sent": _l("%(count)s files uploaded"),
    },
    done=("seen",),
    position=("seen", "files_sent"),
)
register(PUBLISH)
