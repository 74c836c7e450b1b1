"""The registry of job kinds. A package that carries out jobs declares its kinds here, with what they count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class JobVariant:
    """How jobs of a kind are named, and what their pages show, if one of their options is set.

    `title` and `heading` may use the value of the option as %(job)s. Without `labels` and `words`, those of the kind
    apply.
    """

    title: str
    heading: str
    labels: Mapping[str, str] | None = None
    words: Mapping[str, str] | None = None


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
    def counters(self) -> frozenset[str]:
        """Return the names of all these counters."""
        return frozenset(
            {*self.finished, self.files, self.bytes, self.finished_bytes, self.arriving_bytes, self.milliseconds}
        )


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job, as its package declares it.

    `name`: the value of `Job.kind`. `title`: the kind in words. `heading`: the title of a job. Both may use the number
    of the undone job as %(job)s, and the heading its source as %(source)s. `counters`: the names of everything that its
    jobs count. `labels` and `words`: counters with their labels on pages and their texts in sentences (with a
    placeholder for the count), in order; those of `rare_labels` and `rare_words` are left out while they are 0. `done`:
    counters whose sum is the number of finished items.
    `stored`: counters whose sum is the number of stored files. `downloads`: the counters of its downloads, if any.
    `position`: counters that tell whether two attempts ended at the same place. `variants`: by name of an option, the most important first. `is_preview`: its jobs only
    read, and keep rows to show. `is_undoable`: an undo can take back what its jobs did.
    """

    name: str
    title: str
    counters: frozenset[str]
    labels: Mapping[str, str]
    words: Mapping[str, str]
    done: tuple[str, ...]
    heading: str = ""
    rare_labels: Mapping[str, str] = field(default_factory=dict)
    rare_words: Mapping[str, str] = field(default_factory=dict)
    stored: tuple[str, ...] = ()
    downloads: Downloads | None = None
    position: tuple[str, ...] = ()
    variants: Mapping[str, JobVariant] = field(default_factory=dict)
    is_preview: bool = False
    is_undoable: bool = False

    def variant_option(self, options: Mapping[str, Any]) -> str | None:
        """Return the name of the option that makes a job with these options a variant, or None."""
        return next((name for name in self.variants if options.get(name)), None)


KINDS: dict[str, JobKind] = {}


def register(*kinds: JobKind) -> None:
    """Add kinds to the registry."""
    KINDS.update({kind.name: kind for kind in kinds})
