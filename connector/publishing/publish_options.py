"""The options of jobs at a destination."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement

from ..models.job_options import JobOptions
from ..models.jobs import Job


@dataclass(frozen=True)
class DestinationOptions(JobOptions):
    """The options of a job at a destination. `destination`: its id."""

    destination: int


@dataclass(frozen=True)
class PublishOptions(DestinationOptions):
    """The options of publishing, or of a preview of it.

    `follows`: the import whose items the job publishes while it runs. `retries`: the job that this job retries, also
    the files that the site refused. `selected`: publish only the selection of the job (see `PublishingSelection`).
    """

    follows: int | None = None
    retries: int | None = None
    selected: bool = False


@dataclass(frozen=True)
class WithdrawalOptions(DestinationOptions):
    """The options of a withdrawal. `edited`: also delete items that somebody edited at the destination."""

    edited: bool = False


@dataclass(frozen=True)
class PublishUndoOptions(JobOptions):
    """The options of an undo. `edited`: also delete items that somebody edited at the destination."""

    edited: bool = False


def follows_import(import_id: int) -> ColumnElement[bool]:
    """Return the SQL condition on the publishing jobs that publish the items of an import while it runs."""
    follows: ColumnElement[bool] = Job.options["follows"].as_integer() == import_id
    return follows
