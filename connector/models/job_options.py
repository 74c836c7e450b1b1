"""The options of a job, as a dataclass that its kind declares (see `job_kinds`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Self

from ..dspace.records import ORIGINAL


@dataclass(frozen=True)
class JobOptions:
    """Options of a job. The names of the fields are the keys of the JSON in the job row, so they must stay."""

    @classmethod
    def of(cls, job: Any) -> Self:
        """Return the options of a job of a kind that has options of this class, or those of a source."""
        return cls.from_json(job.options)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the options that `to_json` gave. Missing and empty ones have their defaults."""
        return cls(**{field.name: stored[field.name] for field in fields(cls) if stored.get(field.name)})

    def to_json(self) -> dict[str, Any]:
        """Return the options that differ from their defaults, as the job row stores them."""
        given = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {name: value for name, (value, default) in given.items() if default is MISSING or value != default}

    @property
    def names_restricted(self) -> bool:
        """Return whether the options alone allow the report to name restricted items."""
        return False


@dataclass(frozen=True)
class FileOptions(JobOptions):
    """The options of a job that downloads files. `bundles`: the names of their bundles, or none for ORIGINAL."""

    files: bool = False
    bundles: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the options that `to_json` gave."""
        return super().from_json({**stored, "bundles": tuple(stored.get("bundles") or ())})

    def to_json(self) -> dict[str, Any]:
        """Return the options as the job row stores them."""
        return super().to_json() | ({"bundles": list(self.bundles)} if self.bundles else {})

    @property
    def chosen_bundles(self) -> tuple[str, ...]:
        """Return the names of the bundles whose files the job downloads."""
        return (self.bundles or (ORIGINAL,)) if self.files else ()


NO_OPTIONS = JobOptions()
