"""The registry of job kinds. A package that carries out jobs declares its kinds here, with what they count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..i18n import lazy_gettext as _l
from .accounts import Role
from .job_options import JobOptions


@dataclass(frozen=True, slots=True)
class ShownCount:
    """A counter that people see. `label`: on pages. `words`: in sentences, with %(count)s, or "" for pages only.

    `is_rare`: it is left out while it is 0. `is_noteworthy`: a notification names it after a clean job.
    """

    name: str
    label: str
    words: str = ""
    is_rare: bool = False
    is_noteworthy: bool = False


UPDATED = ShownCount("updated", _l("Updated"), _l("%(count)s updated"))
UNCHANGED = ShownCount("unchanged", _l("Unchanged"), _l("%(count)s unchanged"))
FAILED = ShownCount("failed", _l("Failed"), _l("%(count)s failed"))
RESULTS = (ShownCount("added", _l("Added"), _l("%(count)s added")), UPDATED, UNCHANGED, FAILED)
UNDO_RESULTS = (
    ShownCount("removed", _l("Removed"), _l("%(count)s removed")),
    ShownCount("restored", _l("Restored"), _l("%(count)s restored")),
    ShownCount("kept", _l("Kept"), _l("%(count)s kept")),
)


@dataclass(frozen=True, slots=True)
class JobVariant:
    """How jobs of a kind are named, and what their pages show, if one of their options is set.

    `title` and `heading` may use the value of the option as %(job)s. `shown`: None for that of the kind.
    """

    title: str
    heading: str
    shown: tuple[ShownCount, ...] | None = None


@dataclass(frozen=True, slots=True)
class Downloads:
    """The names of the counters that tell how far the downloads of a job are.

    `finished`: counters whose sum is the number of files that were tried. `files`, `bytes`: the files known so far that
    the job has to download, and their announced bytes. `finished_bytes`: the announced bytes of the tried files.
    `arriving_bytes`: the bytes of running downloads that have arrived. `milliseconds`: the time spent on downloads.
    """

    finished: tuple[str, ...]
    files: str
    bytes: str
    finished_bytes: str
    arriving_bytes: str
    milliseconds: str

    @property
    def counters(self) -> tuple[str, ...]:
        """Return the names of all these counters."""
        return (*self.finished, self.files, self.bytes, self.finished_bytes, self.arriving_bytes, self.milliseconds)


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job, as its package declares it.

    `name`: the value of `Job.kind`. `title`: the kind in words. `heading`: the title of a job, which may use its source
    as %(source)s and the number of the undone job as %(job)s. `counters`: the names of everything that its jobs count.
    `unreported`: those that `--json` does not print. `shown`: those that people see, in order. `done`: counters whose
    sum is the number of finished items. `as_dict` and `problems`: functions for `jobs.report`, which calls them with
    all arguments by position, or None for the usual results. `stored`: counters whose sum is the number of stored
    files. `downloads`: the counters of its downloads, if any. `unseen`: counters of expected items that a job cannot
    see. `position`: counters that tell whether two attempts ended at the same place, by default those of `done`.
    `options`: the class of the options of its jobs. `variants`: by name of an option, the most important first.
    `limit_option`: the option that limits the number of items.
    `has_hours`: its jobs pause outside the hours in their options or in the schedule of the source. `is_preview`: its
    jobs only read, and keep rows to show. `can_publish`: people can publish what its jobs read. `undo_kind`: the kind
    of the jobs that undo its jobs, or "". `started_by`: the role that a person needs to start such jobs, and to stop or
    resume their own.
    """

    name: str
    title: str
    counters: tuple[str, ...]
    shown: tuple[ShownCount, ...]
    done: tuple[str, ...]
    as_dict: Callable[[Any, bool], dict[str, Any]] | None = None
    problems: Callable[[Any, int | None, bool], Iterator[dict[str, Any]]] | None = None
    heading: str = ""
    unreported: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    downloads: Downloads | None = None
    unseen: tuple[str, ...] = ()
    position: tuple[str, ...] = ()
    options: type[JobOptions] = JobOptions
    variants: Mapping[str, JobVariant] = field(default_factory=dict)
    limit_option: str = ""
    has_hours: bool = False
    is_preview: bool = False
    can_publish: bool = False
    undo_kind: str = ""
    started_by: Role = Role.EDITOR

    def variant_option(self, options: JobOptions) -> str | None:
        """Return the name of the option that makes a job with these options a variant, or None."""
        return next((name for name in self.variants if getattr(options, name)), None)


KINDS: dict[str, JobKind] = {}


def register(*kinds: JobKind) -> None:
    """Add kinds to the registry."""
    KINDS.update({kind.name: kind for kind in kinds})
