"""Pages that connect to a repository and choose what to import."""

from . import connection_pages, crosswalk_pages, login_pages, option_pages
from .blueprint import blueprint

__all__ = ["blueprint", "connection_pages", "crosswalk_pages", "login_pages", "option_pages"]
