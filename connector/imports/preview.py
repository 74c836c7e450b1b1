"""A preview: reads sample items and the changes that an import would make. It does not change the catalogue.

The changes are read by the importer with another recorder, which writes a PreviewRow for each item where an import
would write a holding. So previews stop, resume and find missing items with the same code as imports.
"""

from __future__ import annotations

from collections.abc import Callable

from ..jobs.attempt import JobAttempt
from ..repositories.connections import RepositoryConnection, open_connection
from . import sample_items
from .completeness.preview_source_recorder import PreviewSourceRecorder
from .context.import_context import open_context
from .files.preview_files import ExpectedFiles, NoAccessCheck
from .importer import Importer
from .recording.preview_recorder import PreviewRecorder


def run(attempt: JobAttempt, connect: Callable[..., RepositoryConnection] = open_connection) -> tuple[bool, str]:
    """Carry out a preview and return (clean, message). The sample items come first, because they take seconds."""
    with open_context(attempt, connect, PreviewRecorder) as context:
        options = context.options
        if options.samples_only:
            return sample_items.read(context)
        if options.rehearse and not sample_items.are_read(context.job_id):
            sample_items.read(context)
        are_read, unread_samples = sample_items.outcome(context.job_id)
        files = ExpectedFiles(context) if options.files else None
        clean, message = Importer(context, PreviewSourceRecorder(context), NoAccessCheck(context), files).run()
        return clean and are_read, f"{message} {unread_samples}".strip()
