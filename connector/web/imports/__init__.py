"""Pages of jobs, previews and sources."""

from . import job_pages, past_pages
from .job_pages import blueprint

__all__ = ["blueprint", "job_pages", "past_pages"]
