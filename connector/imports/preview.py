"""A preview: reads a source as an import would, and records the changes that the import would make.

A preview writes only PreviewRows. It uses the importer with another recorder, which writes a row for each item where an
import would write a holding. So previews stop, resume and find missing items with the same code as imports.
"""

from __future__ import annotations

from collections.abc import Callable

from ..jobs.attempt import JobAttempt
from ..repositories.connections import RepositoryConnection, open_connection
from . import importer
from .preview_files import ExpectedFiles, NoAccessCheck
from .preview_recorder import PreviewRecorder
from .preview_source_recorder import PreviewSourceRecorder


def run(attempt: JobAttempt, connect: Callable[..., RepositoryConnection] = open_connection) -> tuple[bool, str]:
    """Carry out a preview and return (clean, message)."""
    return importer.run(
        attempt,
        connect,
        new_recorder=PreviewRecorder,
        new_source_recorder=PreviewSourceRecorder,
        new_files=ExpectedFiles,
        new_access_check=NoAccessCheck,
    )
