"""Upgrades the tables with Alembic. Import this only where an upgrade is due: Alembic takes long to load."""

from __future__ import annotations

from alembic import command
from alembic.config import Config

from .schema_revision import MIGRATIONS


def upgrade(revision: str = "head") -> None:
    """Run the migrations up to this one on the database of the current app."""
    config = Config(MIGRATIONS / "alembic.ini")
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, revision)
