"""What the pages show of imports and previews beside what they show of every job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...catalogue.item_presentation import FILE_STATUSES
from ...catalogue.source_links import page_link
from ...models.catalogue import FileStatus
from ...models.jobs import Job


def is_whole_import(job: Job) -> bool:
    """Return whether the job imports its whole source."""
    return job.is_import and job.variant_option is None


def files(job: Job) -> Sequence[tuple[str, int]]:
    """Return how many files have each status, as (status, number), without empty statuses. Stored files are first."""
    found = [(FileStatus(status), number) for status, number in job.files.items() if number]
    return [(FILE_STATUSES[status], number) for status, number in sorted(found, key=lambda pair: not pair[0].is_stored)]


def source_page(job: Job, problem: Mapping[str, Any]) -> str | None:
    """Return the URL at the source of the item of a problem (see `report.problems`).

    Return None if neither the handle nor the id of the item is known, or if the job has no source.
    """
    if job.source is None or not (problem["handle"] or problem["id"]):
        return None
    server = job.source.repository.server
    return page_link(server, problem["id"] or "", problem["handle"])
