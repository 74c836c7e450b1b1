"""Steps of tests that export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select

from connector.exports import export_jobs, results
from connector.exports.export_kind import ExportOptions
from connector.jobs import lifecycle, report
from connector.models.catalogue import CatalogueItem
from connector.tasks import carry_out

FIELDS = "https://catalogue.example.org/fields#"


def export(form: str, *item_ids: int, separator: str = "||", with_restricted: bool = True) -> int:
    """Export items, all if none are named, and return the id of the job. Needs an app context."""
    chosen = select(CatalogueItem.id)
    if item_ids:
        chosen = chosen.where(CatalogueItem.id.in_(item_ids))
    job_id = export_jobs.create(chosen, ExportOptions(form, separator, with_restricted, FIELDS))
    assert carry_out(job_id)
    return job_id


def exported(form: str, *item_ids: int, **choice: Any) -> Path:
    """Export items and return the path of the file."""
    file = results.of_job(lifecycle.get(export(form, *item_ids, **choice)))
    assert file is not None
    return file.path


def problems(job_id: int) -> dict[int, str]:
    """Return the problems of a job by item."""
    return {one["item_id"]: one["reason"] for one in report.problems(lifecycle.get(job_id))}
